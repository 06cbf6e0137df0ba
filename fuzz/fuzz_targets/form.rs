//! Browser forms.

#![no_main]

#[allow(dead_code, reason = "each target runs one of the properties")]
#[path = "../../crates/wire/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzed::form(data);
});
