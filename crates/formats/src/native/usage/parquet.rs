//! Usage as Parquet: each distinct text is checked once, each distinct line is made once. Texts are read as dictionaries,
//! but for columns that their writer gave no dictionary.

use std::collections::HashMap;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::ChunkReader;
use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use ledger::billing::UsageLine;

use super::fact::UsageFact;
use super::lines::{LineNumber, Numbered, TEXT_BYTES_MAX};
use super::reader::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, DATE, QUANTITY, RECEIVED_AT, TIME, UsageBatch, UsageSource, check_received,
    when,
};
use super::values_of::{Dates, Instants, Quantities};
use super::{UsageOrigin, UsageRecord};
use crate::columnar::shared::{self, Shared, unreadable};
use crate::header::normalised;
use crate::native::error::{Fault, NativeError, RecordRefusal};

/// Most columns of a file; usage has at most 19.
const COLUMNS_MAX: usize = 64;
/// Largest column of a row group, in bytes before compression, as its file states it.
const COLUMN_BYTES_MAX: i64 = 1 << 30;
/// Codes of a dictionary take at most 4 bytes of a value, so a column chunk with more, its dictionary aside, has texts.
const CODE_BYTES_MAX: i64 = 4;
/// Largest dictionary that is common; larger columns are judged by their bytes per value.
const DICTIONARY_BYTES: i64 = 4 << 20;
const FACTS: usize = UsageFact::ALL.len();
/// Stands for a fact that is not stated.
const UNKNOWN: u32 = u32::MAX;
/// Stands for a text that cannot be the fact.
const REFUSED: u32 = u32::MAX - 1;

/// A Parquet file.
pub(super) struct ParquetSource<R: ChunkReader> {
    file: String,
    input: Shared<R>,
    metadata: ArrowReaderMetadata,
    columns: Columns,
    row_group: usize,
    batches: Option<ParquetRecordBatchReader>,
    reading: Reading,
}

/// Where the columns stand in a batch.
struct Columns {
    facts: Vec<(UsageFact, usize)>,
    date: Option<usize>,
    time: Option<usize>,
    quantity: usize,
    received_at: Option<usize>,
}

impl<R: ChunkReader + 'static> ParquetSource<R> {
    pub(super) fn open(file: &str, input: R, origin: UsageOrigin) -> Result<Self, NativeError> {
        guarded(file, || Self::open_sound(file, input, origin))
    }

    fn open_sound(file: &str, input: R, origin: UsageOrigin) -> Result<Self, NativeError> {
        let damaged = |error: ParquetError| damage(file, &error);
        let input = Shared::new(input);
        // The schema that some writers embed says how they held the columns, not what is in the file.
        let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&input, plain.clone()).map_err(damaged)?;
        let columns = columns(file, metadata.schema())?;
        for group in metadata.metadata().row_groups() {
            if let Some(column) = group.columns().iter().find(|column| column.uncompressed_size() > COLUMN_BYTES_MAX) {
                let name = column.column_path().string();
                let reason = format!(
                    "column {name} of a row group has {} bytes; expected at most {COLUMN_BYTES_MAX}: write smaller row groups",
                    column.uncompressed_size()
                );
                return Err(NativeError::Syntax { file: file.to_owned(), line: None, reason });
            }
        }
        let wanted = Arc::new(with_dictionaries(&metadata, &columns));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), plain.with_schema(wanted))
            .map_err(damaged)?;
        let reading = Reading::new(origin);
        Ok(Self { file: file.to_owned(), input, metadata, columns, row_group: 0, batches: None, reading })
    }

    fn next_rows(&mut self) -> Result<Option<RecordBatch>, NativeError> {
        loop {
            if let Some(batches) = &mut self.batches {
                match batches.next() {
                    Some(Ok(batch)) => return Ok(Some(batch)),
                    Some(Err(error)) => return Err(damage(&self.file, &error)),
                    None => self.batches = None,
                }
            }
            if self.row_group == self.metadata.metadata().num_row_groups() {
                return Ok(None);
            }
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.input.clone(), self.metadata.clone())
                .with_row_groups(vec![self.row_group])
                .with_batch_size(batch_records(self.metadata.metadata().row_group(self.row_group)));
            self.batches = Some(builder.build().map_err(|error| damage(&self.file, &error))?);
            self.row_group += 1;
        }
    }
}

impl<R: ChunkReader + 'static> UsageSource for ParquetSource<R> {
    fn next_batch(&mut self) -> Result<Option<UsageBatch>, NativeError> {
        loop {
            let file = self.file.clone();
            match guarded(&file, || self.next_rows())? {
                None => return Ok(None),
                Some(rows) if rows.num_rows() == 0 => {}
                Some(rows) => {
                    return self.reading.batch(&self.columns, &rows).map(Some).map_err(|column| {
                        let reason = format!(
                            "column {column} cannot be read; expected the types and ranges of docs/NATIVE.md, such as instants of the years 1900 to 9999"
                        );
                        NativeError::Syntax { file: self.file.clone(), line: None, reason }
                    });
                }
            }
        }
    }
}

/// How many records of a row group are read at once: fewer where texts that stand in no dictionary make them large.
fn batch_records(group: &RowGroupMetaData) -> usize {
    let of_each = usize::try_from(group.total_byte_size() / group.num_rows().max(1)).unwrap_or(0);
    (BATCH_BYTES_MAX / of_each.max(1)).clamp(1, BATCH_RECORDS_MAX)
}

fn damage(file: &str, error: &dyn std::fmt::Display) -> NativeError {
    NativeError::Syntax { file: file.to_owned(), line: None, reason: unreadable(error) }
}

/// The same columns, but texts as dictionaries: facts where the file has them, days, instants and quantities always.
fn with_dictionaries(metadata: &ArrowReaderMetadata, columns: &Columns) -> Schema {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let is_plain = |position: usize| {
        columns.facts.iter().any(|(_, fact)| *fact == position) && !has_dictionaries(metadata, position)
    };
    let fields = metadata.schema().fields().iter().enumerate().map(|(position, field)| match field.data_type() {
        DataType::Utf8 if !is_plain(position) => Field::new(field.name(), dictionary.clone(), field.is_nullable()),
        _ => field.as_ref().clone(),
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// Whether a column of texts is stored as codes throughout, as its size tells. A wrong guess costs time and nothing else.
fn has_dictionaries(metadata: &ArrowReaderMetadata, position: usize) -> bool {
    metadata.metadata().row_groups().iter().all(|group| {
        let leaf = group.columns().get(position);
        leaf.is_none_or(|leaf| {
            leaf.uncompressed_size()
                <= DICTIONARY_BYTES.saturating_add(leaf.num_values().saturating_mul(CODE_BYTES_MAX))
        })
    })
}

/// Finds the columns by name and judges their types.
fn columns(file: &str, schema: &Schema) -> Result<Columns, NativeError> {
    let fields = schema.fields();
    let fault = |name: &str, expected: String| {
        let name: String = name.chars().filter(|letter| !letter.is_control()).take(60).collect();
        let fault = Fault::plain(&format!("column {name}"), expected);
        NativeError::Field { file: file.to_owned(), line: None, record: None, fault: Box::new(fault) }
    };
    if fields.len() > COLUMNS_MAX {
        let (count, max) = (fields.len() as u64, COLUMNS_MAX as u64);
        return Err(NativeError::TooMuch { file: file.to_owned(), what: "columns", count, max });
    }
    let mut positions: HashMap<String, usize> = HashMap::new();
    for (position, field) in fields.iter().enumerate() {
        if positions.insert(normalised(field.name()), position).is_some() {
            return Err(fault(field.name(), "the column is there twice; expected it once".to_owned()));
        }
    }
    let mut take = |name: &'static str, accepted: fn(&DataType) -> bool, expected: &str| {
        let Some(position) = positions.remove(&name.to_ascii_lowercase()) else { return Ok(None) };
        let found = fields[position].data_type();
        if accepted(found) {
            return Ok(Some(position));
        }
        Err(fault(name, format!("the column has type {found}; expected {expected}")))
    };
    let mut facts = Vec::new();
    for fact in UsageFact::ALL {
        if let Some(position) = take(fact.name(), |found| *found == DataType::Utf8, "text (UTF8)")? {
            facts.push((fact, position));
        }
    }
    let date = take(DATE, Dates::accepts, "DATE or text")?;
    let time = take(TIME, Instants::accepts, "TIMESTAMP or text")?;
    let received_at = take(RECEIVED_AT, Instants::accepts, "TIMESTAMP or text")?;
    let quantity = take(QUANTITY, Quantities::accepts, Quantities::EXPECTED)?;
    if let Some(unknown) = positions.keys().min() {
        return Err(fault(unknown, "unknown column; expected only those of docs/NATIVE.md".to_owned()));
    }
    let missing = |name: &str| fault(name, "the column is missing; expected it in the file".to_owned());
    for required in UsageFact::ALL.into_iter().filter(|fact| fact.is_required()) {
        if !facts.iter().any(|(fact, _)| *fact == required) {
            return Err(missing(required.name()));
        }
    }
    if date.is_none() && time.is_none() {
        return Err(missing("date or time"));
    }
    let quantity = quantity.ok_or_else(|| missing(QUANTITY))?;
    Ok(Columns { facts, date, time, quantity, received_at })
}

/// The ids of a row's facts.
type LineKey = [u32; FACTS];

/// What is remembered from batch to batch.
struct Reading {
    origin: UsageOrigin,
    texts: Vec<Texts>,
    bytes: usize,
    lines: Numbered<LineKey>,
    records: u64,
    /// By row of a batch.
    keys: Vec<LineKey>,
}

/// The distinct texts of a fact, and what the keys of the last dictionary stand for.
#[derive(Default)]
struct Texts {
    ids: HashMap<Box<str>, u32, ahash::RandomState>,
    last: Option<(ArrayRef, Arc<Vec<u32>>)>,
}

/// A fact's column of a batch.
struct FactColumn {
    fact: UsageFact,
    texts: TextColumn,
}

enum TextColumn {
    Dictionary(DictionaryArray<Int32Type>),
    Plain(StringArray),
}

impl TextColumn {
    fn of(array: &ArrayRef) -> Option<Self> {
        match array.as_dictionary_opt::<Int32Type>() {
            Some(texts) if texts.values().as_string_opt::<i32>().is_some() => Some(Self::Dictionary(texts.clone())),
            Some(_) => None,
            None => array.as_string_opt::<i32>().cloned().map(Self::Plain),
        }
    }
}

impl FactColumn {
    fn text(&self, row: usize) -> &str {
        match &self.texts {
            TextColumn::Dictionary(texts) => {
                texts.key(row).map_or("", |index| texts.values().as_string::<i32>().value(index))
            }
            TextColumn::Plain(texts) if texts.is_null(row) => "",
            TextColumn::Plain(texts) => texts.value(row),
        }
    }

    /// Refuses a text that cannot be the fact, and a blank one that must be there.
    fn judge(&self, id: u32, row: usize) -> Result<(), Fault> {
        match id {
            REFUSED => {
                let text = self.text(row);
                let refuse = |expected| Fault::of(self.fact.name(), text, expected);
                self.fact.check(text).map(|_| ()).map_err(refuse)
            }
            UNKNOWN if self.fact.is_required() => {
                Err(Fault::plain(self.fact.name(), "the value is blank; expected a value"))
            }
            _ => Ok(()),
        }
    }
}

/// The columns of a batch.
struct Cells {
    facts: Vec<FactColumn>,
    date: Option<Dates>,
    time: Option<Instants>,
    received_at: Option<Instants>,
    quantity: Quantities,
}

impl Reading {
    fn new(origin: UsageOrigin) -> Self {
        let (texts, lines) = (fresh_texts(), Numbered::default());
        Self { origin, texts, bytes: 0, lines, records: 0, keys: Vec::new() }
    }

    /// Reads the rows of a batch. The error names a column that is not what its schema says.
    fn batch(&mut self, columns: &Columns, rows: &RecordBatch) -> Result<UsageBatch, &'static str> {
        if self.bytes > TEXT_BYTES_MAX || self.lines.forget_many() {
            self.texts = fresh_texts();
            self.bytes = 0;
            self.lines.forget();
        }
        let mut facts = Vec::with_capacity(columns.facts.len());
        self.keys.clear();
        self.keys.resize(rows.num_rows(), [UNKNOWN; FACTS]);
        for (fact, position) in &columns.facts {
            let texts = TextColumn::of(rows.column(*position)).ok_or(fact.name())?;
            self.texts[fact.index()].read(*fact, &texts, &mut self.bytes, &mut self.keys);
            facts.push(FactColumn { fact: *fact, texts });
        }
        let cells = Cells {
            facts,
            date: columns.date.map(|position| Dates::of(rows.column(position)).ok_or(DATE)).transpose()?,
            time: columns.time.map(|position| Instants::of(rows.column(position)).ok_or(TIME)).transpose()?,
            received_at: columns
                .received_at
                .map(|position| Instants::of(rows.column(position)).ok_or(RECEIVED_AT))
                .transpose()?,
            quantity: Quantities::of(rows.column(columns.quantity)).ok_or(QUANTITY)?,
        };
        let mut records = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            self.records += 1;
            let number = self.records;
            records.push(self.record(&cells, row).map_err(|fault| RecordRefusal { number, line: None, fault }));
        }
        Ok(self.lines.batch(records))
    }

    fn record(&mut self, cells: &Cells, row: usize) -> Result<UsageRecord, Fault> {
        let line = self.line(cells, row)?;
        let date = cells.date.as_ref().map_or(Ok(None), |dates| dates.at(row))?;
        let time = cells.time.as_ref().map_or(Ok(None), |times| times.hour_at(row))?;
        let received_at = cells.received_at.as_ref().map_or(Ok(None), |instants| instants.at(RECEIVED_AT, row))?;
        let quantity = cells.quantity.at(row)?;
        let (day, hour) = when(date, time)?;
        check_received(received_at, (day, hour), self.origin)?;
        Ok(UsageRecord { number: self.records, line, day, hour, quantity, received_at })
    }

    fn line(&mut self, cells: &Cells, row: usize) -> Result<LineNumber, Fault> {
        let key = self.keys[row];
        // Only lines that were judged are known.
        if let Some(number) = self.lines.known(&key) {
            return Ok(number);
        }
        let mut line = UsageLine::default();
        for column in &cells.facts {
            let id = key[column.fact.index()];
            column.judge(id, row)?;
            if id == UNKNOWN {
                continue;
            }
            let text = column.text(row);
            let checked = column.fact.check(text).map_err(|expected| Fault::of(column.fact.name(), text, expected))?;
            column.fact.put(&mut line, &checked);
        }
        Ok(self.lines.add(key, Arc::new(line)))
    }
}

fn fresh_texts() -> Vec<Texts> {
    UsageFact::ALL.iter().map(|_| Texts::default()).collect()
}

impl Texts {
    /// Writes the ids of a column into the keys of its rows.
    fn read(&mut self, fact: UsageFact, texts: &TextColumn, bytes: &mut usize, keys: &mut [LineKey]) {
        let slot = fact.index();
        match texts {
            TextColumn::Dictionary(texts) => {
                let map = self.map(fact, texts, bytes);
                let codes = texts.keys();
                for (row, key) in keys.iter_mut().enumerate() {
                    if codes.is_valid(row) {
                        // A null among the values is unknown, and so is what a damaged file points at.
                        let code = usize::try_from(codes.value(row)).ok();
                        key[slot] = code.and_then(|code| map.get(code)).copied().unwrap_or(UNKNOWN);
                    }
                }
            }
            TextColumn::Plain(texts) => {
                for (row, key) in keys.iter_mut().enumerate() {
                    if texts.is_valid(row) {
                        key[slot] = self.id(fact, texts.value(row), bytes);
                    }
                }
            }
        }
    }

    /// What the codes of a dictionary stand for. Batches of one row group mostly share it.
    fn map(&mut self, fact: UsageFact, texts: &DictionaryArray<Int32Type>, bytes: &mut usize) -> Arc<Vec<u32>> {
        let values = texts.values();
        if let Some((known, map)) = &self.last
            && known.to_data().ptr_eq(&values.to_data())
        {
            return Arc::clone(map);
        }
        let strings = values.as_string::<i32>();
        let ids = strings.iter().map(|text| text.map_or(UNKNOWN, |text| self.id(fact, text, bytes)));
        let map = Arc::new(ids.collect::<Vec<u32>>());
        self.last = Some((Arc::clone(values), Arc::clone(&map)));
        map
    }

    fn id(&mut self, fact: UsageFact, text: &str, bytes: &mut usize) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        if text.trim().is_empty() {
            return UNKNOWN;
        }
        let next = u32::try_from(self.ids.len()).unwrap_or(REFUSED);
        let id = if fact.check(text).is_ok() { next } else { REFUSED };
        *bytes += text.len();
        self.ids.insert(text.into(), id);
        id
    }
}

fn guarded<T>(file: &str, read: impl FnOnce() -> Result<T, NativeError>) -> Result<T, NativeError> {
    let damaged = |reason| Err(NativeError::Syntax { file: file.to_owned(), line: None, reason });
    shared::guarded(read).unwrap_or_else(damaged)
}
