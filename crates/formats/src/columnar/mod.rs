//! Parquet files as a source of charges: each row becomes a record of texts, spelled as a CSV export spells them, and is
//! read like a record of a file from there on.
//!
//! Types that have no exact digits are refused, by column. Whatever a file says about its own sizes is checked first.

mod pages;
pub(crate) mod shared;
mod texts;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use memchr::memchr3;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::ChunkReader;

use self::pages::BadColumn;
use self::shared::{Shared, guarded, unreadable};
use self::texts::{Texts, refused_type};
use crate::error::{Excerpt, InputError, RowFault, RowPlace};
use crate::pages::BadItem;
use crate::records::{CELL_BYTES_MAX, COLUMNS_MAX, RECORD_BYTES_MAX, Record, Span};

/// What Parquet files begin and end with, and those whose end is encrypted.
const MAGIC: &[u8] = b"PAR1";
const ENCRYPTED_MAGIC: &[u8] = b"PARE";
/// Bytes at the end of a file that tell where its footer begins: its length and the magic.
const TAIL_BYTES: usize = 8;
/// Longest footer: that of a thousand row groups of the widest export has 20 MB.
const FOOTER_BYTES_MAX: u32 = 64 << 20;
/// Most row groups; more have hardly any rows each.
const ROW_GROUPS_MAX: usize = 20_000;
/// Rows that are taken out of the columns at once, and about how many bytes of them.
const BATCH_ROWS_MAX: usize = 4 << 10;
const BATCH_BYTES_MAX: usize = 16 << 20;

/// Whether a text that begins so is a Parquet file.
pub(crate) fn begins_like_parquet(head: &[u8]) -> bool {
    head.starts_with(MAGIC) || head.starts_with(ENCRYPTED_MAGIC)
}

/// The rows of a Parquet file.
pub(crate) struct ParquetRecords<R: ChunkReader> {
    file: String,
    input: Shared<R>,
    metadata: ArrowReaderMetadata,
    names: Vec<String>,
    row_group: usize,
    batches: Option<ParquetRecordBatchReader>,
    /// The columns of the batch that is read, and how many rows it has.
    columns: Vec<Texts>,
    rows: usize,
    /// The next row of the batch.
    next: usize,
    /// Rows that were given.
    given: u64,
    /// The row as a line of CSV, and where its cells stand in it.
    line: Vec<u8>,
    spans: Vec<Span>,
}

impl<R: ChunkReader + 'static> ParquetRecords<R> {
    /// Reads the footer, and looks at all pages.
    pub(crate) fn open(file: &str, input: R) -> Result<Self, InputError> {
        let opened = guarded(|| Self::open_sound(file, input));
        opened.unwrap_or_else(|reason| Err(refused(file, reason)))
    }

    fn open_sound(file: &str, input: R) -> Result<Self, InputError> {
        let input = Shared::new(input);
        check_tail(file, &input)?;
        let failed = |error: ParquetError| refused(file, unreadable(&error));
        // The schema that some writers embed says how they held the columns, not what is in the file.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&input, options.clone()).map_err(failed)?;
        let groups = metadata.metadata().num_row_groups();
        if groups > ROW_GROUPS_MAX {
            return Err(refused(file, format!("it has {groups} row groups; expected at most {ROW_GROUPS_MAX}")));
        }
        check_columns(file, metadata.schema())?;
        pages::check(&input, metadata.metadata())
            .map_err(|BadColumn { name, reason }| refused_column(file, &name, reason))?;
        let names = metadata.schema().fields().iter().map(|field| field.name().trim().to_owned()).collect();
        let wanted = Arc::new(with_dictionaries(&metadata));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options.with_schema(wanted))
            .map_err(failed)?;
        Ok(Self {
            file: file.to_owned(),
            input,
            metadata,
            names,
            row_group: 0,
            batches: None,
            columns: Vec::new(),
            rows: 0,
            next: 0,
            given: 0,
            line: Vec::new(),
            spans: Vec::new(),
        })
    }

    /// The names of its columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The next row as a record, or `None` at the end of the file.
    pub(crate) fn next_record(&mut self) -> Result<Option<Result<Record<'_>, BadItem<'_>>>, InputError> {
        while self.next == self.rows {
            let batch = guarded(|| self.next_batch()).unwrap_or_else(|reason| Err(refused(&self.file, reason)))?;
            let Some(batch) = batch else { return Ok(None) };
            self.columns = batch.columns().iter().map(Texts::of).collect();
            (self.rows, self.next) = (batch.num_rows(), 0);
        }
        let row = self.next;
        (self.next, self.given) = (row + 1, self.given + 1);
        let place = RowPlace::of_row(self.given);
        let filled = self.fill(row);
        Ok(Some(match filled {
            Ok(()) => Ok(Record { place, raw: &self.line, cells: &self.line, spans: &self.spans }),
            Err((column, expected)) => {
                let value = Some(Excerpt::of(&self.line[self.spans.last().map_or(0, |span| span.start)..]));
                let column = self.names.get(column).cloned();
                Err(BadItem { fault: RowFault { place, column, value, expected }, raw: &self.line })
            }
        }))
    }

    /// Writes a row as a line of CSV. The error names a column by its position and says what would be right.
    fn fill(&mut self, row: usize) -> Result<(), (usize, String)> {
        self.line.clear();
        self.spans.clear();
        for (position, texts) in self.columns.iter().enumerate() {
            if position > 0 {
                self.line.push(b',');
            }
            let start = self.line.len();
            let pushed = texts.push(row, &mut self.line);
            let length = self.line.len() - start;
            let long = |bytes: &mut Vec<u8>| bytes.truncate(start + 64);
            if length > CELL_BYTES_MAX {
                long(&mut self.line);
                self.spans.push(Span { start, end: self.line.len(), doubled_quotes: false });
                return Err((position, "the cell is longer than 1 MiB".to_owned()));
            }
            self.spans.push(quoted(&mut self.line, start));
            pushed.map_err(|reason| (position, reason))?;
            if self.line.len() > RECORD_BYTES_MAX {
                long(&mut self.line);
                return Err((position, "the row is longer than 4 MiB".to_owned()));
            }
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, InputError> {
        let failed = |error: &dyn std::fmt::Display| refused(&self.file, unreadable(error));
        loop {
            if let Some(batches) = &mut self.batches {
                match batches.next() {
                    Some(Ok(batch)) => return Ok(Some(batch)),
                    Some(Err(error)) => return Err(failed(&error)),
                    None => self.batches = None,
                }
            }
            let groups = self.metadata.metadata();
            if self.row_group == groups.num_row_groups() {
                return Ok(None);
            }
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.input.clone(), self.metadata.clone())
                .with_row_groups(vec![self.row_group])
                .with_batch_size(batch_rows(groups.row_group(self.row_group)));
            self.batches = Some(builder.build().map_err(|error| failed(&error))?);
            self.row_group += 1;
        }
    }

    /// How much of the file was given, in hundredths of a percent.
    pub(crate) fn share(&self) -> u64 {
        let all = u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        self.given.saturating_mul(10_000) / all.max(1)
    }
}

/// Puts what was appended to a line into quotes where a file would; where the cell stands then.
fn quoted(line: &mut Vec<u8>, start: usize) -> Span {
    let cell = &line[start..];
    let has_quotes = memchr::memchr(b'"', cell).is_some();
    if !has_quotes && memchr3(b',', b'\n', b'\r', cell).is_none() {
        return Span { start, end: line.len(), doubled_quotes: false };
    }
    let cell = line.split_off(start);
    line.push(b'"');
    for byte in cell {
        if byte == b'"' {
            line.push(b'"');
        }
        line.push(byte);
    }
    line.push(b'"');
    Span { start: start + 1, end: line.len() - 1, doubled_quotes: has_quotes }
}

fn refused(file: &str, reason: String) -> InputError {
    InputError::Parquet { file: file.to_owned(), column: None, reason }
}

fn refused_column(file: &str, name: &str, reason: String) -> InputError {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(60).collect();
    InputError::Parquet { file: file.to_owned(), column: Some(name), reason }
}

/// The end of a file says how long its footer is, for which the reader makes room.
fn check_tail<R: ChunkReader>(file: &str, input: &R) -> Result<(), InputError> {
    let length = input.len();
    let start = length.checked_sub(TAIL_BYTES as u64);
    let tail = start.and_then(|start| input.get_bytes(start, TAIL_BYTES).ok());
    let Some((&[a, b, c, d], magic)) = tail.as_deref().and_then(|tail| tail.split_first_chunk::<4>()) else {
        return Err(refused(file, "the Parquet file ends early; it is truncated".to_owned()));
    };
    if magic == ENCRYPTED_MAGIC {
        return Err(refused(file, "it is encrypted; expected a plain Parquet file".to_owned()));
    }
    let footer = u32::from_le_bytes([a, b, c, d]);
    if magic != MAGIC || u64::from(footer) + TAIL_BYTES as u64 > length {
        return Err(refused(file, "the Parquet file does not end as it should; it is truncated or damaged".to_owned()));
    }
    if footer > FOOTER_BYTES_MAX {
        let reason =
            format!("its footer has {footer} bytes; expected at most {FOOTER_BYTES_MAX}: write larger row groups");
        return Err(refused(file, reason));
    }
    Ok(())
}

fn check_columns(file: &str, schema: &Schema) -> Result<(), InputError> {
    let count = schema.fields().len();
    if count > COLUMNS_MAX {
        return Err(refused(file, format!("it has {count} columns; expected at most {COLUMNS_MAX}")));
    }
    for field in schema.fields() {
        if let Some(reason) = refused_type(field.data_type()) {
            return Err(refused_column(file, field.name(), reason));
        }
    }
    Ok(())
}

/// The same columns, but texts as dictionaries where the file has some: a text that many rows share is held once.
fn with_dictionaries(metadata: &ArrowReaderMetadata) -> Schema {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let groups = metadata.metadata().row_groups();
    // No column is nested, so each is one leaf.
    let is_coded = |position: usize| {
        groups
            .iter()
            .any(|group| group.columns().get(position).is_some_and(|leaf| leaf.dictionary_page_offset().is_some()))
    };
    let fields = metadata.schema().fields().iter().enumerate().map(|(position, field)| match field.data_type() {
        DataType::Utf8 if is_coded(position) => ArrowField::new(field.name(), dictionary.clone(), field.is_nullable()),
        _ => field.as_ref().clone(),
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// How many rows of a row group are read at once: fewer where they are large.
fn batch_rows(group: &RowGroupMetaData) -> usize {
    let of_each = usize::try_from(group.total_byte_size() / group.num_rows().max(1)).unwrap_or(0);
    (BATCH_BYTES_MAX / of_each.max(1)).clamp(1, BATCH_ROWS_MAX)
}

#[cfg(test)]
mod tests;
