//! Sources that are read record by record and in pieces: Parquet files, and FOCUS files, which are two sources in one.

use std::io::Read;

use ledger::Dataset;
use parquet::file::reader::ChunkReader;

use super::rows::CodedRows;
use super::source::SourceRows;
use super::table::CellTable;
use crate::columnar::{ParquetRecords, begins_like_parquet};
use crate::error::{InputError, RowFault};
use crate::evidence::DatasetEvidence;
use crate::focus::{FocusReader, RowOf, is_focus};
use crate::header::{HEADER_LINE, Header, names_in};
use crate::pages::{BadItem, begins_like_json};
use crate::reader::{ReadOptions, RejectSink, next_of};
use crate::records::{Record, RecordReader};
use crate::source::SourceReader;
use crate::summary::ReadSummary;

/// Records that are read before anybody looks at how much memory is used.
const PIECE_RECORDS: usize = 8 << 10;
/// What is looked at of a text to find its first record: the longest header of FOCUS files has 2 KiB.
const HEADER_BYTES: usize = 16 << 10;

/// How a source is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceForm {
    /// A CSV file: by [`SourceRows::open`].
    Csv,
    /// A page of usage details: by [`SourceRows::of_page`].
    Page,
    /// A Parquet file, of FOCUS or not: by [`RecordRows::of_parquet`].
    Parquet,
    /// A FOCUS file of CSV: by [`RecordRows::of_focus`].
    Focus,
}

impl SourceForm {
    /// Looks at the beginning of a source, which is read all the same.
    pub fn of<R: Read>(source: &mut SourceReader<R>) -> Result<Self, InputError> {
        let head = source.head()?;
        if begins_like_parquet(head) {
            return Ok(Self::Parquet);
        }
        if begins_like_json(head) {
            return Ok(Self::Page);
        }
        let text = source.look(HEADER_BYTES)?.to_vec();
        let is_whole = text.len() < HEADER_BYTES;
        let mut records = RecordReader::over(text, 1, is_whole);
        // What is no header is refused by whoever reads it.
        let names = match records.advance_within() {
            Ok(true) => names_in("", &records.record()).unwrap_or_default(),
            _ => Vec::new(),
        };
        Ok(if is_focus(&names) { Self::Focus } else { Self::Csv })
    }
}

/// SHA-256 of a source's bytes, in lower-case hexadecimal, and how many there are.
#[derive(Debug, Clone)]
pub struct SourceDigest {
    /// The hash.
    pub hash: String,
    /// The number of bytes.
    pub bytes: u64,
}

/// Gives the records of a source one by one.
trait RecordSource {
    fn next_record(&mut self, file: &str) -> Result<Option<Result<Record<'_>, BadItem<'_>>>, InputError>;

    /// Bytes of the source that were read, roughly.
    fn read_bytes(&self) -> u64;

    /// What was read. The source was read to its end.
    fn digest(&self) -> SourceDigest;
}

struct ParquetSource<R: ChunkReader> {
    records: ParquetRecords<R>,
    digest: SourceDigest,
}

impl<R: ChunkReader + 'static> RecordSource for ParquetSource<R> {
    fn next_record(&mut self, _: &str) -> Result<Option<Result<Record<'_>, BadItem<'_>>>, InputError> {
        self.records.next_record()
    }

    fn read_bytes(&self) -> u64 {
        self.digest.bytes / 10_000 * self.records.share()
    }

    fn digest(&self) -> SourceDigest {
        self.digest.clone()
    }
}

impl<R: Read> RecordSource for RecordReader<SourceReader<R>> {
    fn next_record(&mut self, file: &str) -> Result<Option<Result<Record<'_>, BadItem<'_>>>, InputError> {
        next_of(file, self).map(|record| record.map(Ok))
    }

    fn read_bytes(&self) -> u64 {
        self.input().input_bytes()
    }

    fn digest(&self) -> SourceDigest {
        SourceDigest { hash: self.input().hash_hex(), bytes: self.input().text_bytes() }
    }
}

/// The rows of a source that is read record by record. A FOCUS file is one source of each dataset.
pub struct RecordRows<'s> {
    file: String,
    records: Box<dyn RecordSource + 's>,
    focus: Option<FocusReader>,
    halves: Vec<Half<'s>>,
    rejects: Option<&'s mut dyn RejectSink>,
    done: RecordsDone,
}

/// The rows of one dataset; of the only one, where the source has no others.
struct Half<'s> {
    dataset: Option<Dataset>,
    rows: SourceRows<'s>,
}

/// What became of the records of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordsDone {
    /// All records.
    pub records: u64,
    /// Records that were put aside.
    pub rejected: u64,
    /// Records of other providers that were left out.
    pub left_out: u64,
}

impl<'s> RecordRows<'s> {
    /// Reads the footer of a Parquet file, whose bytes are those of the digest.
    pub fn of_parquet<R: ChunkReader + 'static>(
        file: &str,
        input: R,
        digest: SourceDigest,
        options: ReadOptions,
        rejects: Option<&'s mut dyn RejectSink>,
    ) -> Result<Self, InputError> {
        let records = ParquetRecords::open(file, input)?;
        let names = records.names().to_vec();
        let source = Box::new(ParquetSource { records, digest });
        if is_focus(&names) {
            let focus = FocusReader::new(file, names, None, options.other_providers)?;
            return Ok(Self::of_both(file, source, focus, &options, rejects));
        }
        let header = Header::of_names(file, names, None)?;
        let summary = ReadSummary::new(file, &header, &options, header.evidence());
        let rows = SourceRows::of_records(header, options, summary);
        let halves = vec![Half { dataset: None, rows }];
        Ok(Self::new(file, source, None, halves, rejects))
    }

    /// Reads the header of a FOCUS file of CSV.
    pub fn of_focus<R: Read + 's>(
        file: &str,
        source: SourceReader<R>,
        options: ReadOptions,
        rejects: Option<&'s mut dyn RejectSink>,
    ) -> Result<Self, InputError> {
        let mut records = RecordReader::new(source);
        let names = match next_of(file, &mut records)? {
            Some(header) => names_in(file, &header)?,
            None => return Err(InputError::Empty { file: file.to_owned() }),
        };
        let focus = FocusReader::new(file, names, HEADER_LINE, options.other_providers)?;
        Ok(Self::of_both(file, Box::new(records), focus, &options, rejects))
    }

    /// One source of each dataset, unless one of them alone is asked for.
    fn of_both(
        file: &str,
        source: Box<dyn RecordSource + 's>,
        focus: FocusReader,
        options: &ReadOptions,
        rejects: Option<&'s mut dyn RejectSink>,
    ) -> Self {
        let mut halves: Vec<Half<'s>> = Vec::new();
        let wanted = |dataset: &Dataset| options.fill.dataset.is_none_or(|wanted| wanted == *dataset);
        for (source_index, dataset) in (options.source_index..).zip(Dataset::ALL.into_iter().filter(wanted)) {
            let header = focus.header(dataset);
            let fact = "is a FOCUS file, whose billed and effective costs are read apart";
            let options = ReadOptions { source_index, ..options.clone() };
            let mut summary = ReadSummary::new(file, &header, &options, DatasetEvidence::of_file(dataset, fact));
            summary.both_datasets = true;
            let rows = SourceRows::of_records(header, options, summary);
            halves.push(Half { dataset: Some(dataset), rows });
        }
        Self::new(file, source, Some(focus), halves, rejects)
    }

    fn new(
        file: &str,
        records: Box<dyn RecordSource + 's>,
        focus: Option<FocusReader>,
        halves: Vec<Half<'s>>,
        rejects: Option<&'s mut dyn RejectSink>,
    ) -> Self {
        Self { file: file.to_owned(), records, focus, halves, rejects, done: RecordsDone::default() }
    }

    /// Whether the source holds both datasets, so that its rows must be kept apart.
    pub fn has_both_datasets(&self) -> bool {
        self.focus.is_some()
    }

    /// Reads some records; false at the end of the source.
    pub fn read_some(&mut self) -> Result<bool, InputError> {
        for _ in 0..PIECE_RECORDS {
            if !self.read_one()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_one(&mut self) -> Result<bool, InputError> {
        let Self { file, records, focus, halves, rejects, done } = self;
        let Some(next) = records.next_record(file)? else { return Ok(false) };
        done.records += 1;
        let record = match next {
            Ok(record) => record,
            Err(bad) => {
                put_aside(halves, bad.fault, bad.raw, rejects)?;
                done.rejected += 1;
                return Ok(true);
            }
        };
        let row_of = match focus {
            None => RowOf::Both,
            Some(focus) => match focus.read(&record) {
                Ok(row_of) => row_of,
                Err(fault) => {
                    put_aside(halves, fault, record.raw, rejects)?;
                    done.rejected += 1;
                    return Ok(true);
                }
            },
        };
        done.left_out += u64::from(row_of == RowOf::LeftOut);
        let source_row = i64::try_from(done.records).unwrap_or(i64::MAX);
        for half in halves {
            let own = match (half.dataset, &focus) {
                (Some(dataset), _) if !row_of.is_in(dataset) => continue,
                (Some(dataset), Some(focus)) => focus.record(&record, dataset),
                _ => record,
            };
            // What one dataset refuses of a row, the other one refuses too: the rest of it is the same.
            if !half.rows.take_record(&own, source_row, rejects)? {
                done.rejected += 1;
                break;
            }
        }
        Ok(true)
    }

    /// Rows and bytes of memory that wait to be handed on.
    pub fn waiting(&self) -> (usize, usize) {
        let rows = self.halves.iter().map(|half| half.rows.waiting()).sum();
        (rows, self.halves.iter().map(|half| half.rows.memory()).sum())
    }

    /// The rows that wait, with the tables that their numbers are of.
    pub fn take_slow(&mut self) -> Vec<(CellTable, Vec<CodedRows>)> {
        self.halves.iter_mut().filter_map(|half| half.rows.take_slow()).collect()
    }

    /// Bytes of the source that were read, roughly; for progress.
    pub fn read_bytes(&self) -> u64 {
        self.records.read_bytes()
    }

    /// What the source held, by dataset where it has both, and what became of its records. It was read to its end.
    pub fn finish(self) -> Result<(Vec<ReadSummary>, RecordsDone), InputError> {
        let SourceDigest { hash, bytes } = self.records.digest();
        let mut summaries: Vec<ReadSummary> = self.halves.into_iter().map(|half| half.rows.into_summary()).collect();
        ReadSummary::share_facts(&mut summaries)?;
        for summary in &mut summaries {
            (summary.hash, summary.text_bytes) = (hash.clone(), bytes);
            summary.rejected = self.done.rejected;
        }
        Ok((summaries, self.done))
    }
}

/// Puts a row aside that no dataset can take.
fn put_aside(
    halves: &mut [Half<'_>],
    fault: RowFault,
    raw: &[u8],
    rejects: &mut Option<&mut dyn RejectSink>,
) -> Result<(), InputError> {
    let first = halves.first_mut().expect("a source has a dataset");
    first.rows.summary_mut().reject(fault, raw, rejects)
}
