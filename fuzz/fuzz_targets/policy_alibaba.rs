//! Policies in Alibaba's language.

#![no_main]

#[allow(dead_code, reason = "each target runs one of the properties")]
#[path = "../../crates/iam/tests/it/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzed::policy(strongroom_model::policy::PolicyLanguage::Alibaba, data);
});
