//! The crate from outside: its backends against their conformance suites, and against sudden death.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says what it did")]

mod blobs;
mod engine;
mod kms;
mod kv;
