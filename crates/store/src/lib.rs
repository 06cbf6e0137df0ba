//! Do it: catalog rows, blobs, keys, jobs.
