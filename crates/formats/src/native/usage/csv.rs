//! Usage as CSV with a header.

use std::borrow::Cow;
use std::io::Read;

use ledger::billing::UsageLine;

use super::fact::UsageFact;
use super::lines::Lines;
use super::reader::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, DATE, QUANTITY, RECEIVED_AT, TIME, UsageBatch, UsageSource, check_received,
    when,
};
use super::{UsageOrigin, UsageRecord};
use crate::native::error::{Fault, NativeError, RecordRefusal};
use crate::native::members::required;
use crate::native::table::Table;
use crate::native::values;
use crate::records::Record;

/// A stream of rows.
pub(super) struct CsvSource {
    table: Table<'static>,
    columns: Columns,
    reading: Reading,
}

/// Where the columns stand.
struct Columns {
    facts: Vec<(UsageFact, usize)>,
    date: Option<usize>,
    time: Option<usize>,
    quantity: usize,
    received_at: Option<usize>,
}

struct Reading {
    origin: UsageOrigin,
    lines: Lines,
    records: u64,
}

impl CsvSource {
    pub(super) fn open(file: &str, input: Box<dyn Read + Send>, origin: UsageOrigin) -> Result<Self, NativeError> {
        let mut table = Table::open(file, input)?;
        let mut facts = Vec::new();
        for fact in UsageFact::ALL {
            let position = table.take(&[fact.name()])?;
            match position {
                Some(position) => facts.push((fact, position)),
                None if fact.is_required() => return Err(table.missing(fact.name())),
                None => {}
            }
        }
        let (date, time) = (table.take(&[DATE])?, table.take(&[TIME])?);
        if date.is_none() && time.is_none() {
            return Err(table.missing("date or time"));
        }
        let quantity = table.take(&[QUANTITY])?.ok_or_else(|| table.missing(QUANTITY))?;
        let received_at = table.take(&[RECEIVED_AT])?;
        table.finish_header()?;
        let columns = Columns { facts, date, time, quantity, received_at };
        Ok(Self { table, columns, reading: Reading { origin, lines: Lines::default(), records: 0 } })
    }
}

impl UsageSource for CsvSource {
    fn next_batch(&mut self) -> Result<Option<UsageBatch>, NativeError> {
        self.reading.lines.forget_many();
        let (mut records, mut size) = (Vec::new(), 0);
        while records.len() < BATCH_RECORDS_MAX && size < BATCH_BYTES_MAX {
            let width = self.table.width();
            let Some(record) = self.table.next_record()? else { break };
            self.reading.records += 1;
            size += record.text().map_or(0, str::len);
            let (number, line) = (self.reading.records, Some(record.place.line));
            let read = self.reading.record(&self.columns, width, &record);
            records.push(read.map_err(|fault| RecordRefusal { number, line, fault }));
        }
        Ok((!records.is_empty()).then(|| self.reading.lines.batch(records)))
    }
}

impl Reading {
    fn record(&mut self, columns: &Columns, width: usize, record: &Record<'_>) -> Result<UsageRecord, Fault> {
        let text = checked_text(record, width)?;
        let cell = |position: Option<usize>| stated(record, text, position);
        let mut line = UsageLine::default();
        for (fact, position) in &columns.facts {
            let Some(cell) = cell(Some(*position)) else {
                if fact.is_required() {
                    return Err(Fault::plain(fact.name(), "the cell is blank; expected a value"));
                }
                continue;
            };
            let checked = fact.check(&cell).map_err(|expected| Fault::of(fact.name(), &cell, expected))?;
            fact.put(&mut line, &checked);
        }
        let date = read(DATE, cell(columns.date), values::date)?;
        let time = read(TIME, cell(columns.time), values::hour)?;
        let quantity = |text: &str| values::decimal(text, values::QUANTITY_LIMITS);
        let quantity = required(QUANTITY, read(QUANTITY, cell(Some(columns.quantity)), quantity)?)?;
        let received_at = read(RECEIVED_AT, cell(columns.received_at), values::instant)?;
        let (day, hour) = when(date, time)?;
        check_received(received_at, (day, hour), self.origin)?;
        let line = self.lines.number(line);
        Ok(UsageRecord { number: self.records, line, day, hour, quantity, received_at })
    }
}

fn read<T>(
    name: &str,
    cell: Option<Cow<'_, str>>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Fault> {
    let Some(cell) = cell else { return Ok(None) };
    read(&cell).map(Some).map_err(|expected| Fault::of(name, &cell, expected))
}

/// The text of a record that is as wide as the header.
pub(crate) fn checked_text<'t>(record: &Record<'t>, width: usize) -> Result<&'t str, Fault> {
    let text = record.text();
    let text = text.ok_or_else(|| Fault::plain("", "the row is not valid UTF-8; expected text in UTF-8"))?;
    if record.len() != width {
        return Err(Fault::plain("", format!("the row has {} cells; expected {width}", record.len())));
    }
    Ok(text)
}

/// A cell, if it is not blank.
pub(crate) fn stated<'t>(record: &Record<'_>, text: &'t str, position: Option<usize>) -> Option<Cow<'t, str>> {
    let cell = record.cell(text, position?);
    (!cell.trim().is_empty()).then_some(cell)
}
