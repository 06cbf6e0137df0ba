//! Requests to the key service, in every dialect of it.

#![no_main]

#[allow(dead_code, reason = "each target runs one of the properties")]
#[path = "../../crates/wire/tests/it/fuzzed_keys.rs"]
mod fuzzed_keys;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzed_keys::request(data);
});
