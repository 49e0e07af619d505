//! A billed period as staged charges: the same rows that an import stages, made of what the engine computed.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use arrow::array::RecordBatch;
use calendar::{BillingPeriod, Date};
use ledger::billing::{ChargeRow, FieldValue, PeriodBill};
use ledger::{Dataset, Field, Place};
use money::{Decimal, MoneyError, Total};

use super::values;
use crate::batch::{Cell, ChargeBatchBuilder};
use crate::cells::DecimalCell;
use crate::schema::stored_scale;

/// What a billing run records about the charges that it staged.
#[derive(Debug, Clone, Default)]
pub struct ChargesSummary {
    /// Number of charges.
    pub rows: u64,
    /// Exact sum of their cost.
    pub total: Total,
    /// Days on which charges are dated.
    pub days: BTreeSet<Date>,
    /// The hierarchy that the charges name.
    pub places: HashSet<Place>,
}

/// The charges of one dataset of a billed period, batch by batch: see [`native_charges`].
pub struct NativeCharges<'a> {
    rows: Box<dyn Iterator<Item = ChargeRow<'a>> + Send + 'a>,
    period: BillingPeriod,
    builder: ChargeBatchBuilder,
    summary: ChargesSummary,
    last: Option<Place>,
}

impl std::fmt::Debug for NativeCharges<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeCharges").field("period", &self.period).finish_non_exhaustive()
    }
}

/// Gives the charges of a dataset as batches of [`crate::staging_schema`], in the order of the bill. The source index is
/// 0 and the source row the number of the charge, from 1. Numbers are stored so that value and scale print as the
/// shortest plain decimal (SEMANTICS 2.4).
pub fn native_charges(bill: &PeriodBill, dataset: Dataset) -> NativeCharges<'_> {
    NativeCharges {
        rows: Box::new(bill.charges(dataset)),
        period: bill.period,
        builder: ChargeBatchBuilder::new(),
        summary: ChargesSummary::default(),
        last: None,
    }
}

impl NativeCharges<'_> {
    /// What the batches given so far hold: all charges once the iterator has ended.
    pub fn into_summary(self) -> ChargesSummary {
        self.summary
    }

    fn append(&mut self, row: ChargeRow<'_>) -> Result<(), MoneyError> {
        let summary = &mut self.summary;
        summary.total.add(row.cost())?;
        summary.rows += 1;
        if let FieldValue::Date(date) = row.value(Field::Date) {
            summary.days.insert(date);
        }
        let parts = Place::FIELDS.map(|field| row.value(field));
        let parts = parts.each_ref().map(|part| match part {
            FieldValue::Text(text) => Some(text.as_ref()),
            _ => None,
        });
        // Neighbours mostly share their place.
        if self.last.as_ref().is_none_or(|last| last.parts() != parts) {
            let place = Place::from_parts(parts);
            summary.places.insert(place.clone());
            self.last = Some(place);
        }
        let number = i64::try_from(summary.rows).expect("a bill has less than 2^63 charges");
        self.builder.begin_row(self.period, 0, number);
        for field in Field::ALL {
            self.builder.cell(*field, &cell(*field, row.value(*field)));
        }
        self.builder.end_row();
        Ok(())
    }
}

impl Iterator for NativeCharges<'_> {
    type Item = Result<RecordBatch, MoneyError>;

    /// The next batch; an error where the sum of the costs does not fit.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.builder.is_full() {
            let Some(row) = self.rows.next() else { break };
            if let Err(error) = self.append(row) {
                return Some(Err(error));
            }
        }
        (!self.builder.is_empty()).then(|| Ok(self.builder.finish()))
    }
}

fn cell(field: Field, value: FieldValue<'_>) -> Cell<'_> {
    match value {
        FieldValue::Unknown => Cell::Unknown,
        FieldValue::Text(text) => Cell::Text(text),
        FieldValue::Date(date) => Cell::Date(date),
        FieldValue::Boolean(value) => Cell::Boolean(value),
        FieldValue::Number(number) => decimal(field, number),
    }
}

pub(super) fn decimal(field: Field, number: Decimal) -> Cell<'static> {
    let value = values::shortest(number);
    // The spelling is only kept where the column cannot hold the value.
    let fits = value.rescaled_i128(stored_scale(field)).is_some();
    let spelling = if fits { Cow::Borrowed("") } else { Cow::Owned(value.to_string()) };
    Cell::Decimal { parsed: DecimalCell { value, canonical: true }, spelling }
}
