//! Stored objects, damaged, through the reading path.

#![no_main]

#[allow(dead_code, reason = "each target runs one of the properties")]
#[path = "../../crates/seal/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzed::opener(data);
});
