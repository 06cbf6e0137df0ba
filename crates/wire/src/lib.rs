//! HTTP heads to operations and outcomes, one dialect a file; signatures.
