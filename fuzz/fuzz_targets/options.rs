//! Attacks the readers of `$apply`, `$expand` and `$top`.
#![no_main]

// Each target uses one of the checks.
#[allow(dead_code)]
#[path = "../../crates/odata/tests/odata/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::options(bytes));
