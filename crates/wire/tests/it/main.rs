//! The crate as its users see it.

#![allow(clippy::unwrap_used, reason = "test helpers are tests")]

mod chunked;
mod copying;
mod decoding;
mod dialects;
mod encoding;
mod exchange;
mod forms;
mod fuzzed;
mod fuzzed_keys;
mod hostile;
mod key_service;
mod signing;
mod vectors;
