//! Attacks the reader of usage as NDJSON.
#![no_main]

// Each target uses one of the checks.
#[allow(dead_code)]
#[path = "../../crates/formats/tests/native/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::usage_ndjson(bytes));
