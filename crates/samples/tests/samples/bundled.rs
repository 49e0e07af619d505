//! Bundled exports: rows and totals are as stated.

use lazurite_samples::bundled::{ALL, EA_ACTUAL, EA_AMORTIZED, EA_NO_ROWS, NISE_SUBSCRIPTION, Sample};

use crate::csv;
use crate::decimal::{Digits, fraction_digits};

fn records(sample: Sample) -> Vec<Vec<String>> {
    csv::parse(std::str::from_utf8(sample.bytes).expect("exports are UTF-8"))
}

#[test]
fn rows_and_totals_are_as_stated() {
    for sample in ALL {
        let records = records(sample);
        assert_eq!(records.len() as u64 - 1, sample.rows, "{}", sample.name);
        let cost = records[0]
            .iter()
            .position(|name| name == "Cost" || name == "CostInBillingCurrency")
            .expect("a cost column");
        let mut total = Digits::default();
        let mut digits = 0;
        for record in &records[1..] {
            total.add(&Digits::parse(&record[cost]));
            digits = digits.max(fraction_digits(&record[cost]));
        }
        assert_eq!(total, Digits::parse(sample.total), "{}", sample.name);
        assert_eq!(digits, fraction_digits(sample.total), "{}: the total has the widest scale", sample.name);
    }
}

#[test]
fn bytes_are_untouched() {
    // Sizes as published: a line end conversion or an editor's newline would change them.
    let sizes = [EA_ACTUAL, EA_AMORTIZED, EA_NO_ROWS, NISE_SUBSCRIPTION].map(|sample| sample.bytes.len());
    assert_eq!(sizes, [11_535, 32_775, 746, 69_934]);
}
