//! Building the batches that store usage.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, DictionaryArray, Int8Builder, Int32Array, Int32Builder, Int64Builder,
    RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type};
use calendar::{BillingPeriod, CalendarError, Date};
use ledger::billing::{Instant, UsageLine, posting_period};

use super::UsageRecord;
use super::fact::UsageFact;
use super::lines::{LineNumber, TEXT_BYTES_MAX};
use super::schema::{QUANTITY_SCALE, usage_batch_schema};
use crate::native::error::{Fault, RecordRefusal};

/// Most rows that wait; the billing period with most of them is a batch then. A row takes 50 bytes.
const ROWS_MAX: usize = 1 << 19;
/// Most lines that are remembered from batch to batch, about half a gigabyte of them; then all are forgotten.
const LINES_MAX: usize = 1 << 20;
const FACTS: usize = UsageFact::ALL.len();
/// Stands for a fact that a line does not state.
const UNKNOWN: u32 = u32::MAX;

/// Turns usage records into batches of [`usage_batch_schema`], one billing period each.
///
/// The rows of a batch are ordered by line, in the order in which the lines come up, and within a line as the records
/// came: equal texts stand together, which writers and readers of columns do faster.
///
/// A record is posted in its own period while that is open at its arrival, else in the period and on the day of arrival
/// (SEMANTICS 4.5, D-31).
#[derive(Debug, Default)]
pub struct UsageBatchBuilder {
    facts: Facts,
    periods: BTreeMap<BillingPeriod, Rows>,
    /// Rows of all periods.
    waiting: usize,
    /// Day and arrival of the last record, and where they are posted.
    last: Option<((Date, Instant), (BillingPeriod, Date))>,
}

impl UsageBatchBuilder {
    /// A builder without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record of a line. `received_at` counts where the record states no own instant.
    ///
    /// # Errors
    /// [`RecordRefusal`] for an arrival outside of the calendar and a quantity that the store cannot hold; the record is not
    /// added then.
    pub fn push(
        &mut self,
        record: &UsageRecord,
        line: &Arc<UsageLine>,
        batch_index: i32,
        received_at: Instant,
    ) -> Result<(), RecordRefusal> {
        let received_at = record.received_at.unwrap_or(received_at);
        let refuse = |fault: Fault| RecordRefusal { number: record.number, line: None, fault };
        let (period, date) = self.posted(record.day, received_at).map_err(|error| {
            refuse(Fault::plain("receivedAt", format!("{error}; expected an instant of the years 1900 to 9999")))
        })?;
        let Some(quantity) = record.quantity.rescaled_i128(QUANTITY_SCALE) else {
            let text = record.quantity.to_string();
            return Err(refuse(Fault::of("quantity", &text, "expected at most 20 integer and 18 fraction digits")));
        };
        let line = self.facts.line(record.line, line);
        let late = date != record.day;
        let rows = self.periods.entry(period).or_default();
        rows.date.append_value(date.days());
        rows.hour.append_option(record.hour.filter(|_| !late).map(u8::cast_signed));
        rows.late_date.append_option(late.then(|| record.day.days()));
        rows.late_hour.append_option(record.hour.filter(|_| late).map(u8::cast_signed));
        rows.received_at.append_value(received_at.0);
        rows.batch_index.append_value(batch_index);
        rows.record.append_value(i64::try_from(record.number).unwrap_or(i64::MAX));
        rows.quantity.append_value(quantity);
        rows.lines.push(line);
        self.waiting += 1;
        Ok(())
    }

    /// The period and date of a record; neighbours mostly share them.
    fn posted(&mut self, day: Date, received_at: Instant) -> Result<(BillingPeriod, Date), CalendarError> {
        if let Some((when, posted)) = self.last
            && when == (day, received_at)
        {
            return Ok(posted);
        }
        let posted = posting_period(day, received_at)?;
        self.last = Some(((day, received_at), posted));
        Ok(posted)
    }

    /// Takes a batch where enough rows wait, or too many texts are remembered. Asking after every
    /// [`UsageBatchBuilder::push`] until there is none bounds the memory.
    pub fn take_full(&mut self) -> Option<(BillingPeriod, RecordBatch)> {
        if self.waiting < ROWS_MAX && !self.facts.is_large() {
            return None;
        }
        let period = self.periods.iter().max_by_key(|(_, rows)| rows.len()).map(|(period, _)| *period)?;
        let rows = self.periods.remove(&period)?;
        self.waiting -= rows.len();
        let batch = rows.finish(&self.facts);
        if self.periods.is_empty() && self.facts.is_large() {
            self.facts = Facts::default();
        }
        Some((period, batch))
    }

    /// Takes what is left, by billing period.
    pub fn finish(&mut self) -> Vec<(BillingPeriod, RecordBatch)> {
        let left = std::mem::take(&mut self.periods);
        self.waiting = 0;
        let batches = left.into_iter().map(|(period, rows)| (period, rows.finish(&self.facts))).collect();
        self.facts = Facts::default();
        batches
    }
}

/// The distinct texts of each fact, and the lines made of them.
#[derive(Debug, Default)]
struct Facts {
    texts: [Texts; FACTS],
    /// What each line says.
    lines: Vec<[u32; FACTS]>,
    /// By number of the line: it, and its place in `lines`. Numbers are given again, so that the line decides.
    known: Vec<Option<(Arc<UsageLine>, u32)>>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Texts {
    ids: HashMap<Arc<str>, u32, ahash::RandomState>,
    all: Vec<Arc<str>>,
}

impl Facts {
    fn is_large(&self) -> bool {
        self.lines.len() > LINES_MAX || self.bytes > TEXT_BYTES_MAX
    }

    /// The place of a line in `lines`.
    fn line(&mut self, number: LineNumber, line: &Arc<UsageLine>) -> u32 {
        if let Some(Some((known, place))) = self.known.get(number.index())
            && Arc::ptr_eq(known, line)
        {
            return *place;
        }
        let place = u32::try_from(self.lines.len()).expect("fewer lines than their limit");
        let says = self.says(line);
        self.lines.push(says);
        if self.known.len() <= number.index() {
            self.known.resize(number.index() + 1, None);
        }
        self.known[number.index()] = Some((Arc::clone(line), place));
        place
    }

    fn says(&mut self, line: &UsageLine) -> [u32; FACTS] {
        let mut ids = [UNKNOWN; FACTS];
        for fact in UsageFact::ALL {
            let Some(text) = fact.of(line) else { continue };
            let texts = &mut self.texts[fact.index()];
            ids[fact.index()] = match texts.ids.get(text) {
                Some(id) => *id,
                None => {
                    let id = u32::try_from(texts.all.len()).expect("fewer texts than the limit of lines");
                    let text: Arc<str> = Arc::from(text);
                    self.bytes += text.len();
                    texts.all.push(Arc::clone(&text));
                    texts.ids.insert(text, id);
                    id
                }
            };
        }
        ids
    }
}

/// The rows of one billing period.
#[derive(Debug)]
struct Rows {
    date: Date32Builder,
    hour: Int8Builder,
    late_date: Date32Builder,
    late_hour: Int8Builder,
    received_at: Int64Builder,
    batch_index: Int32Builder,
    record: Int64Builder,
    quantity: Decimal128Builder,
    /// Places in [`Facts::lines`].
    lines: Vec<u32>,
}

impl Default for Rows {
    fn default() -> Self {
        let quantity = DataType::Decimal128(38, QUANTITY_SCALE.cast_signed());
        Self {
            date: Date32Builder::new(),
            hour: Int8Builder::new(),
            late_date: Date32Builder::new(),
            late_hour: Int8Builder::new(),
            received_at: Int64Builder::new(),
            batch_index: Int32Builder::new(),
            record: Int64Builder::new(),
            quantity: Decimal128Builder::new().with_data_type(quantity),
            lines: Vec::new(),
        }
    }
}

impl Rows {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn finish(mut self, facts: &Facts) -> RecordBatch {
        let (lines, rows) = distinct(&self.lines, facts.lines.len());
        let order = order_of(&rows, lines.len());
        let front: [ArrayRef; 8] = [
            Arc::new(self.date.finish()),
            Arc::new(self.hour.finish()),
            Arc::new(self.late_date.finish()),
            Arc::new(self.late_hour.finish()),
            Arc::new(self.received_at.finish()),
            Arc::new(self.batch_index.finish()),
            Arc::new(self.record.finish()),
            Arc::new(self.quantity.finish()),
        ];
        let ordered = |column: ArrayRef| take(&column, &order, None).expect("an order of its own rows");
        let mut arrays: Vec<ArrayRef> = front.into_iter().map(ordered).collect();
        let rows: Vec<u32> = order.values().iter().map(|row| rows[*row as usize]).collect();
        for fact in UsageFact::ALL {
            let texts = &facts.texts[fact.index()].all;
            let ids = lines.iter().map(|line| facts.lines[*line as usize][fact.index()]);
            arrays.push(Arc::new(dictionary(ids, &rows, texts)));
        }
        RecordBatch::try_new(usage_batch_schema(), arrays).expect("every row has a value in every column")
    }
}

/// The rows by line, those of a line in their own order. `rows` says which of `lines` lines each row has.
fn order_of(rows: &[u32], lines: usize) -> UInt32Array {
    let mut next = vec![0u32; lines + 1];
    rows.iter().for_each(|line| next[*line as usize + 1] += 1);
    (1..=lines).for_each(|line| next[line] += next[line - 1]);
    let mut order = vec![0u32; rows.len()];
    for (row, line) in (0u32..).zip(rows) {
        let place = &mut next[*line as usize];
        order[*place as usize] = row;
        *place += 1;
    }
    UInt32Array::from(order)
}

/// The distinct ones of some lines, in the order of their first row, and the position of each row's line among them.
fn distinct(lines: &[u32], count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut positions: Vec<u32> = vec![UNKNOWN; count];
    let mut own = Vec::new();
    let rows = lines.iter().map(|line| {
        let position = &mut positions[*line as usize];
        if *position == UNKNOWN {
            *position = u32::try_from(own.len()).expect("a batch has fewer rows than 2^31");
            own.push(*line);
        }
        *position
    });
    let rows = rows.collect();
    (own, rows)
}

/// A column with only those texts that occur in it, in the order of their first row. `ids` are those of the lines, `rows`
/// says which line each row has.
fn dictionary(ids: impl Iterator<Item = u32>, rows: &[u32], texts: &[Arc<str>]) -> DictionaryArray<Int32Type> {
    let mut own: Vec<i32> = vec![-1; texts.len()];
    let mut values: Vec<&str> = Vec::new();
    let keys = ids.map(|id| {
        let slot = own.get_mut(id as usize)?;
        if *slot < 0 {
            *slot = i32::try_from(values.len()).expect("a batch has fewer rows than 2^31");
            values.push(&texts[id as usize]);
        }
        Some(*slot)
    });
    let keys: Vec<Option<i32>> = keys.collect();
    let keys = match keys.iter().all(Option::is_none) {
        true => Int32Array::new_null(rows.len()),
        false => rows.iter().map(|line| keys[*line as usize]).collect(),
    };
    DictionaryArray::new(keys, Arc::new(StringArray::from(values)))
}
