//! Attacks the reader of price sheets.
#![no_main]

// Each target uses one of the checks.
#[allow(dead_code)]
#[path = "../../crates/formats/tests/native/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::price_sheet(bytes));
