//! Attacks the two readers of cost exports, and the writer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lazurite_formats::check_both_ways(bytes));
