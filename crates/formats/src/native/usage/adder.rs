//! Adding stored usage to a usage book, fast: texts are looked at once per dictionary, lines once per distinct line.
//!
//! A batch is taken column by column: every fact of every record becomes a number, and the numbers of a record are the key
//! of its line. Batches that no builder can have made are refused.

use std::collections::HashMap;

use ahash::RandomState;
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, DictionaryArray, Int8Array, Int64Array, RecordBatch,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int8Type, Int32Type, Int64Type};
use calendar::Date;
use ledger::billing::{Instant, UsageBook, UsageLine, UsageLineId};
use money::{Decimal, MoneyError};

use super::fact::UsageFact;
use super::schema::{QUANTITY_SCALE, usage_batch_schema};
use crate::native::values;

const FACTS: usize = UsageFact::ALL.len();
/// Stands for a fact that is not stated.
const UNKNOWN: u32 = u32::MAX;
/// Facts of a line, and day and hour of late usage.
type LineKey = [u32; FACTS + 2];
/// Texts and lines are many and looked for once per record or dictionary entry.
type FastMap<K, V> = HashMap<K, V, RandomState>;

/// Stored usage that cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum UsageStoreError {
    /// A column is missing or has another type.
    #[error("stored usage has no column {column} of type {expected}")]
    Column {
        /// The column.
        column: &'static str,
        /// Its type.
        expected: String,
    },
    /// A value that no builder wrote.
    #[error("stored usage has a wrong value in column {column}, row {row} of its batch")]
    Value {
        /// The column.
        column: &'static str,
        /// The row, from 0.
        row: usize,
    },
    /// A sum that does not fit.
    #[error("stored usage cannot be added up: {0}")]
    Sum(#[from] MoneyError),
}

/// Adds stored usage of one billing period to a book.
#[derive(Debug)]
pub struct UsageAdder<'b> {
    book: &'b mut UsageBook,
    texts: Vec<Texts>,
    lines: FastMap<LineKey, UsageLineId>,
    /// The keys of the records of a batch; kept for the next.
    keys: Vec<LineKey>,
}

/// The texts of a fact that have been seen, each with its number, and what the entries of a dictionary stand for.
#[derive(Debug, Default)]
struct Texts {
    numbers: FastMap<Box<str>, u32>,
    values: Option<ArrayRef>,
    entries: Vec<u32>,
}

impl<'b> UsageAdder<'b> {
    /// Adds to a book.
    pub fn new(book: &'b mut UsageBook) -> Self {
        let texts = UsageFact::ALL.iter().map(|_| Texts::default()).collect();
        Self { book, texts, lines: FastMap::default(), keys: Vec::new() }
    }

    /// Adds the records of a batch that were received at or before an instant, and says how many they are. The batch
    /// has the columns of [`super::usage_schema`], found by name; texts may be dictionaries or plain.
    ///
    /// # Errors
    /// [`UsageStoreError`] for a batch that no [`super::UsageBatchBuilder`] can have made.
    pub fn add(&mut self, batch: &RecordBatch, as_of: Instant) -> Result<u64, UsageStoreError> {
        let columns = Columns::of(batch)?;
        let mut facts = Vec::with_capacity(FACTS);
        self.keys.clear();
        self.keys.resize(batch.num_rows(), [UNKNOWN; FACTS + 2]);
        for (fact, texts) in UsageFact::ALL.into_iter().zip(&mut self.texts) {
            let column = dictionary(batch, fact)?;
            texts.learn(column.values());
            texts.write(&column, &mut self.keys, fact.index());
            facts.push(column);
        }
        let mut added = 0;
        // Neighbours mostly are of one line.
        let mut last: Option<(LineKey, UsageLineId)> = None;
        for (row, key) in self.keys.iter_mut().enumerate() {
            if columns.received_at.value(row) > as_of.0 {
                continue;
            }
            let (day, hour, late) = (columns.day(row)?, columns.hour(row)?, columns.late(row)?);
            if let Some((date, hour)) = late {
                key[FACTS] = date.days().cast_unsigned();
                key[FACTS + 1] = hour.map_or(UNKNOWN, u32::from);
            }
            let same = last.filter(|(other, _)| other == key).map(|(_, line)| line);
            let line = match same.or_else(|| self.lines.get(key).copied()) {
                Some(line) => line,
                None => {
                    let id = self.book.line(&line_of(&facts, row, late)?);
                    self.lines.insert(*key, id);
                    id
                }
            };
            last = Some((*key, line));
            self.book.add(line, day, hour, columns.quantity(row))?;
            added += 1;
        }
        Ok(added)
    }
}

impl Texts {
    /// Learns what the entries of a dictionary stand for. Batches of one file mostly share a dictionary.
    fn learn(&mut self, values: &ArrayRef) {
        if self.values.as_ref().is_some_and(|known| known.to_data().ptr_eq(&values.to_data())) {
            return;
        }
        self.entries.clear();
        for text in values.as_string::<i32>() {
            let Some(text) = text else {
                self.entries.push(UNKNOWN);
                continue;
            };
            self.entries.push(match self.numbers.get(text) {
                Some(number) => *number,
                None => {
                    let number = u32::try_from(self.numbers.len()).expect("a period has less than 2^32 texts");
                    self.numbers.insert(text.into(), number);
                    number
                }
            });
        }
        self.values = Some(values.clone());
    }

    /// Writes the numbers of a column's texts into the keys of its records.
    fn write(&self, column: &DictionaryArray<Int32Type>, keys: &mut [LineKey], position: usize) {
        let entries = column.keys();
        if entries.null_count() == 0 {
            for (key, entry) in keys.iter_mut().zip(entries.values()) {
                key[position] = self.entries[entry.cast_unsigned() as usize];
            }
        } else if entries.null_count() < entries.len() {
            for (key, entry) in keys.iter_mut().zip(entries) {
                key[position] = entry.map_or(UNKNOWN, |entry| self.entries[entry.cast_unsigned() as usize]);
            }
        }
    }
}

fn line_of(
    facts: &[DictionaryArray<Int32Type>],
    row: usize,
    late: Option<(Date, Option<u8>)>,
) -> Result<UsageLine, UsageStoreError> {
    let mut line = UsageLine { late, ..UsageLine::default() };
    for (fact, texts) in UsageFact::ALL.iter().zip(facts) {
        let Some(index) = texts.key(row) else { continue };
        let values = texts.values().as_string::<i32>();
        if values.is_valid(index) && !fact.put(&mut line, values.value(index)) {
            return Err(UsageStoreError::Value { column: fact.column(), row });
        }
    }
    Ok(line)
}

/// A fact's column as a dictionary.
fn dictionary(batch: &RecordBatch, fact: UsageFact) -> Result<DictionaryArray<Int32Type>, UsageStoreError> {
    let wrong = || UsageStoreError::Column { column: fact.column(), expected: "text".to_owned() };
    let column = batch.column_by_name(fact.column()).ok_or_else(wrong)?;
    let wanted = usage_batch_schema();
    let wanted = wanted.field_with_name(fact.column()).map_err(|_| wrong())?.data_type();
    let array =
        if column.data_type() == wanted { column.clone() } else { cast(column, wanted).map_err(|_| wrong())? };
    array.as_dictionary_opt::<Int32Type>().cloned().ok_or_else(wrong)
}

/// The columns of a batch that are no facts.
struct Columns<'a> {
    date: &'a Date32Array,
    hour: &'a Int8Array,
    late_date: &'a Date32Array,
    late_hour: &'a Int8Array,
    received_at: &'a Int64Array,
    quantity: &'a Decimal128Array,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, UsageStoreError> {
        Ok(Self {
            date: required(column(batch, "date")?.as_primitive_opt::<Date32Type>(), "date")?,
            hour: required(column(batch, "hour")?.as_primitive_opt::<Int8Type>(), "hour")?,
            late_date: required(column(batch, "late_date")?.as_primitive_opt::<Date32Type>(), "late_date")?,
            late_hour: required(column(batch, "late_hour")?.as_primitive_opt::<Int8Type>(), "late_hour")?,
            received_at: required(column(batch, "received_at")?.as_primitive_opt::<Int64Type>(), "received_at")?,
            quantity: required(
                column(batch, "quantity")?.as_primitive_opt::<Decimal128Type>().filter(|array| {
                    matches!(array.data_type(), DataType::Decimal128(_, scale) if *scale == QUANTITY_SCALE.cast_signed())
                }),
                "quantity",
            )?,
        })
    }

    fn day(&self, row: usize) -> Result<Date, UsageStoreError> {
        Date::from_days(self.date.value(row)).map_err(|_| UsageStoreError::Value { column: "date", row })
    }

    fn hour(&self, row: usize) -> Result<Option<u8>, UsageStoreError> {
        hour(self.hour, row).ok_or(UsageStoreError::Value { column: "hour", row })
    }

    fn late(&self, row: usize) -> Result<Option<(Date, Option<u8>)>, UsageStoreError> {
        if self.late_date.is_null(row) {
            return Ok(None);
        }
        let date = Date::from_days(self.late_date.value(row));
        let date = date.map_err(|_| UsageStoreError::Value { column: "late_date", row })?;
        let hour = hour(self.late_hour, row).ok_or(UsageStoreError::Value { column: "late_hour", row })?;
        Ok(Some((date, hour)))
    }

    fn quantity(&self, row: usize) -> Decimal {
        values::shortest_scaled(self.quantity.value(row), QUANTITY_SCALE)
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a ArrayRef, UsageStoreError> {
    let expected = || type_of(name);
    batch.column_by_name(name).ok_or_else(|| UsageStoreError::Column { column: name, expected: expected() })
}

fn required<'a, T>(array: Option<&'a T>, name: &'static str) -> Result<&'a T, UsageStoreError> {
    array.ok_or_else(|| UsageStoreError::Column { column: name, expected: type_of(name) })
}

fn type_of(name: &str) -> String {
    let schema = usage_batch_schema();
    schema.field_with_name(name).map(|field| field.data_type().to_string()).unwrap_or_default()
}

/// `None`: no hour of a day. `Some(None)`: no hour is stated.
fn hour(hours: &Int8Array, row: usize) -> Option<Option<u8>> {
    if hours.is_null(row) {
        return Some(None);
    }
    u8::try_from(hours.value(row)).ok().filter(|hour| *hour < 24).map(Some)
}
