//! Do it: catalog rows, blobs, keys, jobs.

mod blob_id;
pub mod blobs;
pub mod faults;
pub mod kv;
pub mod stream;
