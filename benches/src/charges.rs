//! The charges of the engine as CSV: the columns that the differential test compares.

use std::io::{BufWriter, Write};
use std::path::Path;

use ledger::billing::{ChargeRow, FieldValue};
use ledger::{Dataset, Field};

use crate::input::{Documents, Outcome, books, instant};
use crate::stages::for_each_bill;

/// Columns by the names of the lake.
const COLUMNS: [Field; 13] = [
    Field::Date,
    Field::ChargeType,
    Field::PricingModel,
    Field::MeterId,
    Field::SubscriptionId,
    Field::ResourceId,
    Field::ProductOrderId,
    Field::InvoiceSectionId,
    Field::AccountId,
    Field::EffectivePrice,
    Field::UnitPrice,
    Field::Quantity,
    Field::Cost,
];

pub(crate) fn print(folder: &Path, as_of: &str) -> Outcome<()> {
    let as_of = instant(as_of)?;
    let documents = Documents::read(folder)?;
    let books = books(folder, as_of)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let names: Vec<&str> = COLUMNS.iter().map(|field| field.column()).collect();
    writeln!(out, "dataset,billing_period,{}", names.join(","))?;
    for_each_bill(&documents, books, as_of, |bill| {
        for held in &bill.held_back {
            eprintln!("held back: {held:?}");
        }
        for dataset in [Dataset::ActualCost, Dataset::AmortizedCost] {
            let name = if dataset == Dataset::ActualCost { "ActualCost" } else { "AmortizedCost" };
            let period = format!("{:04}{:02}", bill.period.year(), bill.period.month());
            for row in bill.charges(dataset) {
                let cells: Vec<String> = COLUMNS.iter().map(|field| cell(&row, *field)).collect();
                writeln!(out, "{name},{period},{}", cells.join(","))?;
            }
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

/// No id and no number has a comma in it.
fn cell(row: &ChargeRow<'_>, field: Field) -> String {
    match row.value(field) {
        FieldValue::Unknown => String::new(),
        FieldValue::Text(text) => text.into_owned(),
        FieldValue::Date(date) => date.to_string(),
        FieldValue::Boolean(is) => is.to_string(),
        FieldValue::Number(number) => number.to_shortest_string(),
    }
}
