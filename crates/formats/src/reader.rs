//! Reading one source into batches of staged charges.

use std::io::Read;

use arrow::record_batch::RecordBatch;
use calendar::DateRange;
use ledger::{Field, Place};

use crate::batch::ChargeBatchBuilder;
use crate::error::{InputError, RowFault};
use crate::header::{FillIns, Header, PREFACE_LINES_MAX};
use crate::pages::{BadItem, PageReader, begins_like_json};
use crate::records::{Record, RecordError, RecordReader};
use crate::row::{Reading, Row, RowRefusal};
use crate::source::SourceReader;
use crate::summary::ReadSummary;

/// How a source is to be read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// What the file may lack.
    pub fill: FillIns,
    /// Days that every row must be dated in, when the source says so.
    pub days: Option<DateRange>,
    /// Position of the source in its import. A FOCUS file is two sources, one of each dataset.
    pub source_index: i32,
    /// What is done about charges of other providers in FOCUS files.
    pub other_providers: OtherProviders,
}

/// What is done about charges of other providers in FOCUS files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OtherProviders {
    /// Such a row cannot be understood.
    #[default]
    Refused,
    /// Such rows are left out, and counted.
    LeftOut,
}

/// A row that was put aside.
#[derive(Debug)]
pub struct Rejected<'a> {
    /// Path of the source as given.
    pub file: &'a str,
    /// Where and why.
    pub fault: &'a RowFault,
    /// The row's bytes as they came, without line end.
    pub raw: &'a [u8],
}

/// Takes rows that cannot be understood, when the caller chose to go on without them.
pub trait RejectSink {
    /// Keeps a rejected row.
    fn reject(&mut self, rejected: Rejected<'_>) -> std::io::Result<()>;
}

/// Where the records of a source come from.
enum Records<R: Read> {
    Csv(RecordReader<SourceReader<R>>),
    Page { page: Box<PageReader>, source: SourceReader<R> },
}

/// Reads one source, a file or a page of usage details, from its beginning to its end.
pub struct ChargeReader<'s, R: Read> {
    records: Records<R>,
    header: Header,
    options: ReadOptions,
    rejects: Option<&'s mut dyn RejectSink>,
    builder: ChargeBatchBuilder,
    summary: ReadSummary,
    source_row: i64,
    last_place: Option<Place>,
}

impl<'s, R: Read> ChargeReader<'s, R> {
    /// Reads the header, or the page. With a `rejects` sink, rows that cannot be understood go there instead of failing the import.
    pub fn open(
        file: &str,
        mut source: SourceReader<R>,
        options: ReadOptions,
        rejects: Option<&'s mut dyn RejectSink>,
    ) -> Result<Self, InputError> {
        let is_page = begins_like_json(source.head()?);
        let (records, header) = if is_page {
            let (page, header) = PageReader::open(file, &mut source, &options.fill)?;
            (Records::Page { page: Box::new(page), source }, header)
        } else {
            let mut records = RecordReader::new(source);
            let header = read_header(file, &mut records)?;
            (Records::Csv(records), header)
        };
        let (evidence, page) = match &records {
            Records::Page { page, .. } => (page.evidence(), Some(page.page())),
            Records::Csv(_) => (header.evidence(), None),
        };
        let mut summary = ReadSummary::new(file, &header, &options, evidence);
        summary.page = page;
        let builder = ChargeBatchBuilder::new();
        Ok(Self { records, header, options, rejects, builder, summary, source_row: 0, last_place: None })
    }

    /// The next batch of staged rows, or `None` at the end of the source.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, InputError> {
        while !self.builder.is_full() {
            let Some(next) = self.records.next_record(&self.summary.file)? else { break };
            self.source_row += 1;
            let record = match next {
                Ok(record) => record,
                Err(bad) => {
                    self.summary.reject(bad.fault, bad.raw, &mut self.rejects)?;
                    continue;
                }
            };
            let place = &mut self.last_place;
            match judge(&self.header, &self.options, &mut self.summary, place, &record, &mut self.rejects)? {
                Judged::Rejected => {}
                Judged::Accepted(row) => {
                    let origin = (self.options.source_index, self.source_row);
                    append(&mut self.builder, &self.header, &record, &row, origin);
                }
            }
        }
        Ok((!self.builder.is_empty()).then(|| self.builder.finish()))
    }

    /// Bytes taken from the input so far, as stored; for progress.
    pub fn input_bytes(&self) -> u64 {
        self.records.source().input_bytes()
    }

    /// What the source held, once [`Self::next_batch`] gave `None`.
    pub fn finish(self) -> ReadSummary {
        let source = self.records.into_source();
        ReadSummary { hash: source.hash_hex(), text_bytes: source.text_bytes(), ..self.summary }
    }
}

impl<R: Read> Records<R> {
    /// The next record, or an item that cannot be turned into one; `None` at the end.
    fn next_record(&mut self, file: &str) -> Result<Option<Result<Record<'_>, BadItem<'_>>>, InputError> {
        match self {
            Self::Page { page, .. } => Ok(page.next_record()),
            Self::Csv(records) => next_of(file, records).map(|record| record.map(Ok)),
        }
    }

    fn source(&self) -> &SourceReader<R> {
        match self {
            Self::Csv(records) => records.input(),
            Self::Page { source, .. } => source,
        }
    }

    fn into_source(self) -> SourceReader<R> {
        match self {
            Self::Csv(records) => records.into_input(),
            Self::Page { source, .. } => source,
        }
    }
}

/// A row that was judged.
pub(crate) enum Judged<'t> {
    /// Its facts are in the summary.
    Accepted(Row<'t>),
    /// It went to the sink.
    Rejected,
}

/// Reads and checks one record and takes its facts into the summary. Both ways of reading a source rest on it.
pub(crate) fn judge<'t>(
    header: &Header,
    options: &ReadOptions,
    summary: &mut ReadSummary,
    last_place: &mut Option<Place>,
    record: &Record<'t>,
    rejects: &mut Option<&mut dyn RejectSink>,
) -> Result<Judged<'t>, InputError> {
    match (Reading { header, options, summary: &mut *summary }).row(record) {
        Ok(row) => {
            *last_place = summary.learn(&row, last_place.take());
            summary.count(&row)?;
            Ok(Judged::Accepted(row))
        }
        Err(RowRefusal::File(error)) => Err(error),
        Err(RowRefusal::Row(fault)) => {
            summary.reject(fault, record.raw, rejects)?;
            Ok(Judged::Rejected)
        }
    }
}

/// Reads the header, below a preface of Enterprise Reporting if there is one.
fn read_header<R: Read>(file: &str, records: &mut RecordReader<SourceReader<R>>) -> Result<Header, InputError> {
    for line in 0..=PREFACE_LINES_MAX {
        match next_of(file, records)? {
            Some(record) if line < PREFACE_LINES_MAX && Header::is_preface(&record) => {}
            Some(record) => return Header::recognise(file, &record),
            None => break,
        }
    }
    Err(InputError::Empty { file: file.to_owned() })
}

/// Reads the header of a text in memory; `None` if it ends before its header does and there is more of it. `preface`
/// counts the lines above the header.
pub(crate) fn header_of<R: Read>(
    file: &str,
    records: &mut RecordReader<R>,
    preface: &mut usize,
) -> Result<Option<Header>, InputError> {
    while *preface <= PREFACE_LINES_MAX && records.advance_within().map_err(|error| syntax_error(file, error))? {
        let record = records.record();
        if *preface == PREFACE_LINES_MAX || !Header::is_preface(&record) {
            return Header::recognise(file, &record).map(Some);
        }
        *preface += 1;
    }
    if records.is_whole() { Err(InputError::Empty { file: file.to_owned() }) } else { Ok(None) }
}

pub(crate) fn next_of<'r, R: Read>(
    file: &str,
    records: &'r mut RecordReader<SourceReader<R>>,
) -> Result<Option<Record<'r>>, InputError> {
    match records.advance() {
        Ok(true) => Ok(Some(records.record())),
        Ok(false) => Ok(None),
        Err(RecordError::Io(source)) => {
            let io = InputError::Io { file: file.to_owned(), source };
            Err(records.input_mut().take_failure().unwrap_or(io))
        }
        Err(error) => Err(syntax_error(file, error)),
    }
}

pub(crate) fn syntax_error(file: &str, error: RecordError) -> InputError {
    let file = file.to_owned();
    match error {
        RecordError::Syntax(fault) => InputError::Syntax { file, fault },
        RecordError::Io(source) => InputError::Io { file, source },
    }
}

/// Appends an accepted row.
fn append(
    builder: &mut ChargeBatchBuilder,
    header: &Header,
    record: &Record<'_>,
    row: &Row<'_>,
    (source_index, source_row): (i32, i64),
) {
    builder.begin_row(row.period, source_index, source_row);
    for (field, cell) in Field::ALL.iter().zip(&row.cells) {
        builder.cell(*field, cell);
    }
    if !header.unknown().is_empty()
        && let Some(text) = record.text()
    {
        for (index, name) in header.unknown() {
            let cell = header.cell(record, text, *index);
            if !cell.is_empty() {
                builder.extra_cell(name, &cell);
            }
        }
    }
    builder.end_row();
}
