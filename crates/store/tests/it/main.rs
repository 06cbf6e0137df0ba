//! The crate from outside: its backends against their conformance suites, and against sudden death.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blobs;
mod engine;
mod kms;
mod kv;
