//! Rows by the numbers of their spans, beside their quantity and cost.

use std::sync::Arc;

use ledger::Field;

use super::table::StoredDecimal;
use crate::cells::DecimalCell;

/// One decimal column of rows that always have a value.
#[derive(Debug, Default)]
pub struct Numbers {
    values: Vec<i128>,
    scales: Vec<i8>,
    /// Spellings to keep: the row, whether the column can hold the value, and the text. In the order of rows.
    spelled: Vec<(u32, bool, Box<str>)>,
}

/// Rows of one source that were read one after the other.
#[derive(Debug)]
pub struct CodedRows {
    /// Position of the source in its import.
    pub source_index: i32,
    /// Which of the tables of an import the numbers are of; set by who keeps the tables.
    pub table: usize,
    spans: Arc<[u32]>,
    codes: Vec<u32>,
    /// Billing period of each row, as `YYYYMM`.
    periods: Vec<i32>,
    quantity: Numbers,
    cost: Numbers,
    first_row: i64,
    /// Numbers of the rows in the source, where they do not follow each other.
    numbers: Option<Vec<i64>>,
}

impl Numbers {
    /// Value at the column's scale; `None` where the column cannot hold it.
    pub fn value(&self, row: usize) -> Option<i128> {
        match self.spelling_entry(row) {
            Some((_, false, _)) => None,
            _ => Some(self.values[row]),
        }
    }

    /// Number of fraction digits in the source.
    pub fn scale(&self, row: usize) -> i8 {
        self.scales[row]
    }

    /// The source's spelling, where value and scale do not restore it.
    pub fn spelling(&self, row: usize) -> Option<&str> {
        self.spelling_entry(row).map(|(.., text)| text.as_ref())
    }

    fn spelling_entry(&self, row: usize) -> Option<&(u32, bool, Box<str>)> {
        if self.spelled.is_empty() {
            return None;
        }
        let found = self.spelled.binary_search_by_key(&row, |(row, ..)| *row as usize).ok()?;
        self.spelled.get(found)
    }

    pub(crate) fn push(&mut self, field: Field, parsed: &DecimalCell, spelling: &str) {
        let stored = StoredDecimal::of(field, parsed);
        if stored.spelled {
            let row = u32::try_from(self.values.len()).expect("a block has far less than 2^32 rows");
            self.spelled.push((row, stored.value.is_some(), spelling.into()));
        }
        self.values.push(stored.value.unwrap_or_default());
        self.scales.push(stored.scale);
    }

    fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), scales: Vec::with_capacity(rows), spelled: Vec::new() }
    }

    fn memory(&self) -> usize {
        let spelled: usize = self.spelled.iter().map(|(.., text)| 32 + text.len()).sum();
        17 * self.values.capacity() + spelled
    }
}

impl CodedRows {
    pub(crate) fn new(spans: Arc<[u32]>, source_index: i32, rows: usize) -> Self {
        Self {
            source_index,
            table: 0,
            codes: Vec::with_capacity(spans.len() * rows),
            spans,
            periods: Vec::with_capacity(rows),
            quantity: Numbers::with_capacity(rows),
            cost: Numbers::with_capacity(rows),
            first_row: 0,
            numbers: None,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.periods.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.periods.is_empty()
    }

    /// The spans that each row is made of, by their numbers in the table.
    pub fn spans(&self) -> &Arc<[u32]> {
        &self.spans
    }

    /// The contents of a row's spans.
    pub fn codes(&self, row: usize) -> &[u32] {
        &self.codes[row * self.spans.len()..(row + 1) * self.spans.len()]
    }

    /// The billing period of a row, as `YYYYMM`.
    pub fn period(&self, row: usize) -> i32 {
        self.periods[row]
    }

    /// The billing periods of all rows.
    pub fn periods(&self) -> &[i32] {
        &self.periods
    }

    /// The quantities.
    pub fn quantity(&self) -> &Numbers {
        &self.quantity
    }

    /// The costs.
    pub fn cost(&self) -> &Numbers {
        &self.cost
    }

    /// Number of a row in its source, from 1.
    pub fn source_row(&self, row: usize) -> i64 {
        match &self.numbers {
            None => self.first_row + row as i64,
            Some(numbers) => numbers[row],
        }
    }

    /// Bytes of memory that it holds, roughly.
    pub fn memory(&self) -> usize {
        let numbers = self.numbers.as_ref().map_or(0, |numbers| 8 * numbers.capacity());
        4 * (self.codes.capacity() + self.periods.capacity()) + self.quantity.memory() + self.cost.memory() + numbers
    }

    pub(crate) fn push(
        &mut self,
        codes: &[u32],
        period: i32,
        quantity: (&DecimalCell, &str),
        cost: (&DecimalCell, &str),
    ) {
        self.codes.extend_from_slice(codes);
        self.periods.push(period);
        self.quantity.push(Field::Quantity, quantity.0, quantity.1);
        self.cost.push(Field::Cost, cost.0, cost.1);
    }

    /// The number of the first row; those after it follow.
    pub(crate) fn number_from(&mut self, first_row: i64) {
        self.first_row = first_row;
    }

    /// The number of the row that was pushed last; such numbers are given to all rows or none.
    pub(crate) fn number_last(&mut self, number: i64) {
        self.numbers.get_or_insert_default().push(number);
    }
}
