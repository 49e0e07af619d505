//! A billed period as staged charges: the same rows that an import stages, made of what the engine computed.

use std::collections::{BTreeSet, HashSet};

use arrow::array::RecordBatch;
use calendar::{BillingPeriod, Date};
use ledger::billing::{ChargeRow, FieldValue, PeriodBill};
use ledger::{Dataset, Field, Place};
use money::{MoneyError, Total};

use super::charge_columns::ChargeColumns;

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
    charges: Box<dyn Iterator<Item = ChargeRow<'a>> + Send + 'a>,
    period: BillingPeriod,
    columns: ChargeColumns,
    summary: ChargesSummary,
    last: Option<ChargeRow<'a>>,
    last_day: Option<Date>,
}

impl std::fmt::Debug for NativeCharges<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeCharges").field("period", &self.period).finish_non_exhaustive()
    }
}

/// Gives the charges of a dataset as batches of [`crate::staging_schema`], in the order of the bill; texts of fields are
/// dictionaries. The source index is 0 and the source row the number of the charge, from 1. Numbers are stored so that
/// value and scale print as the shortest plain decimal (SEMANTICS 2.4).
pub fn native_charges(bill: &PeriodBill, dataset: Dataset) -> NativeCharges<'_> {
    NativeCharges {
        charges: Box::new(bill.charges(dataset)),
        period: bill.period,
        columns: ChargeColumns::new(),
        summary: ChargesSummary::default(),
        last: None,
        last_day: None,
    }
}

impl<'a> NativeCharges<'a> {
    /// What the batches given so far hold: all charges once the iterator has ended.
    pub fn into_summary(self) -> ChargesSummary {
        self.summary
    }

    fn append(&mut self, charge: ChargeRow<'a>) -> Result<(), MoneyError> {
        let summary = &mut self.summary;
        summary.total.add(charge.cost())?;
        summary.rows += 1;
        if let FieldValue::Date(date) = charge.value(Field::Date)
            && self.last_day != Some(date)
        {
            summary.days.insert(date);
            self.last_day = Some(date);
        }
        let is_like_last = self.last.is_some_and(|last| charge.shares_texts_with(&last));
        if !is_like_last {
            summary.places.insert(place(&charge));
        }
        self.columns.push(&charge, is_like_last);
        self.last = Some(charge);
        Ok(())
    }
}

fn place(charge: &ChargeRow<'_>) -> Place {
    let parts = Place::FIELDS.map(|field| charge.value(field));
    Place::from_parts(parts.each_ref().map(|part| match part {
        FieldValue::Text(text) => Some(text.as_ref()),
        _ => None,
    }))
}

impl Iterator for NativeCharges<'_> {
    type Item = Result<RecordBatch, MoneyError>;

    /// The next batch; an error where the sum of the costs does not fit.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.columns.is_full() {
            let Some(charge) = self.charges.next() else { break };
            if let Err(error) = self.append(charge) {
                return Some(Err(error));
            }
        }
        let last_row = i64::try_from(self.summary.rows).expect("a bill has less than 2^63 charges");
        (!self.columns.is_empty()).then(|| Ok(self.columns.finish(self.period, last_row)))
    }
}
