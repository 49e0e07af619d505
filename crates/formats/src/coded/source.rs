//! Putting the blocks of a source together in file order: what the fast reader was sure of is taken, the rest is read
//! record by record, so that every refusal is the one of the first row in the file that deserves it.

use std::io::Read;
use std::sync::Arc;

use ledger::{Dataset, EnrollmentId, Field, Place};
use memchr::memchr_iter;

use super::blocks::{Block, SourceBlocks};
use super::facts::BlockFacts;
use super::rows::CodedRows;
use super::table::CellTable;
use crate::batch::{Cell, period_number};
use crate::error::{InputError, RowPlace};
use crate::header::Header;
use crate::pages::PageReader;
use crate::reader::{Judged, ReadOptions, RejectSink, header_of, judge, syntax_error};
use crate::records::{Record, RecordReader};
use crate::row::{Row, SCOPE_FIELDS, outside_scope};
use crate::sketch;
use crate::source::{SourceCopy, SourceReader};
use crate::summary::ReadSummary;

/// Rows that are read one by one and kept together.
const SLOW_ROWS: usize = 8 << 10;

/// What all readers of a source share.
#[derive(Debug)]
pub struct RowPlan {
    pub(crate) header: Header,
    pub(crate) options: ReadOptions,
    /// The parts of a row's sketch that are of columns that the source does not have.
    pub(crate) sketch_of_missing: u64,
}

/// A block that was read, and all of whose rows are in order.
#[derive(Debug)]
pub struct BlockRows {
    pub(crate) rows: CodedRows,
    pub(crate) facts: BlockFacts,
}

/// The rows of one source, in file order.
pub struct SourceRows<'s> {
    plan: Arc<RowPlan>,
    summary: ReadSummary,
    rejects: Option<&'s mut dyn RejectSink>,
    /// The beginning of a record that the last block cut.
    carry: Vec<u8>,
    /// The line that comes next.
    line: u64,
    source_row: i64,
    last_place: Option<Place>,
    slow: SlowRows,
}

/// A source whose header is read.
pub struct OpenedSource<'s> {
    /// What takes its rows.
    pub rows: SourceRows<'s>,
    /// The rows that were read along with its header.
    pub first: Block,
}

/// Rows that are read one by one: each column is a span of its own.
struct SlowRows {
    table: CellTable,
    spans: Arc<[u32]>,
    open: Option<CodedRows>,
    done: Vec<CodedRows>,
    codes: Vec<u32>,
}

impl RowPlan {
    fn new(header: Header, options: ReadOptions) -> Self {
        let missing = sketch::TEXTS.iter().filter(|field| !header.has(**field));
        let sketch_of_missing = missing.fold(0, |sum: u64, field| sum.wrapping_add(sketch::part_of_text(*field, "")));
        Self { header, options, sketch_of_missing }
    }

    pub(crate) fn new_table(&self) -> CellTable {
        CellTable::new(self.header.unknown().iter().map(|(_, name)| name.clone()).collect())
    }

    /// Whether rows can be read by spans: cells are taken as they are, and no column is filled in row by row.
    pub fn has_spans(&self) -> bool {
        let header = &self.header;
        let has_period = header.has(Field::BillingPeriodStartDate) || header.has(Field::BillingPeriodEndDate);
        let outside = |field: &Field| match &self.options.fill.scope {
            Some(scope) => !header.has(*field) && outside_scope(scope, *field, None).is_some(),
            None => false,
        };
        !header.is_enterprise_reporting()
            && has_period
            && header.has(Field::BillingAccountId)
            && header.has(Field::BillingCurrencyCode)
            && !SCOPE_FIELDS.iter().any(outside)
    }
}

impl<'s> SourceRows<'s> {
    /// Reads a page of usage details with all of its rows.
    pub fn of_page<R: Read>(
        file: &str,
        source: &mut SourceReader<R>,
        options: ReadOptions,
        rejects: Option<&'s mut dyn RejectSink>,
    ) -> Result<Self, InputError> {
        let (mut page, header) = PageReader::open(file, source, &options.fill)?;
        let mut summary = ReadSummary::new(file, &header, &options, page.evidence());
        summary.page = Some(page.page());
        let mut rows = Self::new(RowPlan::new(header, options), summary, rejects, 1);
        while let Some(next) = page.next_record() {
            match next {
                Ok(record) => rows.read_record(&record)?,
                Err(bad) => {
                    rows.source_row += 1;
                    rows.summary.reject(bad.fault, bad.raw, &mut rows.rejects)?;
                }
            }
        }
        Ok(rows)
    }

    /// Reads the header of a file. The text up to the first row goes to `copy`.
    pub fn open<R: Read>(
        file: &str,
        blocks: &mut SourceBlocks<R>,
        options: ReadOptions,
        rejects: Option<&'s mut dyn RejectSink>,
        copy: &mut dyn SourceCopy,
    ) -> Result<OpenedSource<'s>, InputError> {
        let (mut text, mut line, mut preface, mut begun) = (Vec::new(), 1, 0, false);
        let mut last = false;
        loop {
            if let Some(block) = blocks.next_block(file, Vec::new())? {
                text.extend_from_slice(&block.text);
                last = block.last;
            }
            let mut records = RecordReader::over(text, line, last);
            if begun {
                records = records.go_on();
            }
            let header = header_of(file, &mut records, &mut preface)?;
            let consumed = records.consumed();
            line = records.line();
            begun |= consumed > 0;
            let mut head = records.into_whole();
            text = head.split_off(consumed);
            copy.take(&head).map_err(|source| InputError::Io { file: file.to_owned(), source })?;
            let Some(header) = header else { continue };
            let first = Block { text, last };
            let summary = ReadSummary::new(file, &header, &options, header.evidence());
            let rows = Self::new(RowPlan::new(header, options), summary, rejects, line);
            return Ok(OpenedSource { rows, first });
        }
    }

    /// Rows whose records are handed on one by one.
    pub(super) fn of_records(header: Header, options: ReadOptions, summary: ReadSummary) -> Self {
        Self::new(RowPlan::new(header, options), summary, None, 1)
    }

    fn new(plan: RowPlan, summary: ReadSummary, rejects: Option<&'s mut dyn RejectSink>, line: u64) -> Self {
        let slow = SlowRows::new(plan.new_table());
        let plan = Arc::new(plan);
        Self { plan, summary, rejects, carry: Vec::new(), line, source_row: 0, last_place: None, slow }
    }

    /// What readers of the source's blocks need.
    pub fn plan(&self) -> &Arc<RowPlan> {
        &self.plan
    }

    /// Takes the next block of the file, and what the fast reader made of it. Gives its rows, unless they had to be read
    /// record by record.
    pub fn take(&mut self, block: &Block, read: Option<BlockRows>) -> Result<Option<CodedRows>, InputError> {
        if self.carry.is_empty()
            && let Some(read) = read
            && let Some(rows) = self.take_read(block, read)
        {
            return Ok(Some(rows));
        }
        self.read_slow(block)?;
        Ok(None)
    }

    /// Rows that were read record by record since the last call, and their table.
    pub fn take_slow(&mut self) -> Option<(CellTable, Vec<CodedRows>)> {
        self.slow.seal();
        if self.slow.done.is_empty() {
            return None;
        }
        let next = SlowRows::new(self.plan.new_table());
        let mut slow = std::mem::replace(&mut self.slow, next);
        slow.fill_spans();
        Some((slow.table, slow.done))
    }

    /// Bytes of memory that it holds, roughly.
    pub fn memory(&self) -> usize {
        let rows: usize = self.slow.done.iter().chain(&self.slow.open).map(CodedRows::memory).sum();
        rows + self.slow.table.memory() + self.carry.capacity()
    }

    /// What the source held. The source was read to its end.
    pub fn finish<R: Read>(self, source: &SourceReader<R>) -> ReadSummary {
        ReadSummary { hash: source.hash_hex(), text_bytes: source.text_bytes(), ..self.summary }
    }

    /// Takes a block that was read, if it fits to what came before it.
    fn take_read(&mut self, block: &Block, read: BlockRows) -> Option<CodedRows> {
        let BlockRows { mut rows, facts } = read;
        let enrollment = match (&self.summary.enrollment, facts.enrollments.first()) {
            (None, Some(first)) => Some(EnrollmentId::parse(first).ok()?),
            (known, _) => known.clone(),
        };
        if let Some(known) = &enrollment
            && !facts.enrollments.iter().all(|other| known.matches(other))
        {
            return None;
        }
        let currency = match (self.summary.currency, facts.currencies.first()) {
            (None, Some(first)) => Some(first.parse().ok()?),
            (known, _) => known,
        };
        if !facts.currencies.iter().all(|other| other.parse().ok() == currency) {
            return None;
        }
        for period in &facts.periods {
            let mut total = self.summary.periods.get(&period.period).map(|known| known.total).unwrap_or_default();
            total.merge(period.summary.total).ok()?;
        }
        // Nothing can be refused from here on.
        self.summary.enrollment = enrollment;
        self.summary.currency = currency;
        if self.summary.enrollment_name.is_none() {
            self.summary.enrollment_name = facts.names.first().cloned();
        }
        for dataset in [Dataset::ActualCost, Dataset::AmortizedCost] {
            if let Some(row) = facts.witness(dataset)
                && !self.summary.evidence.has(dataset)
            {
                let lines = memchr_iter(b'\n', &block.text[..row.offset]).count() as u64;
                let place = RowPlace::of_line(self.line + lines);
                self.summary.evidence.observe(place, row.charge, row.pricing, row.cost_is_zero);
            }
        }
        self.summary.merge(facts.places, facts.periods);
        self.slow.seal();
        self.last_place = None;
        rows.number_from(self.source_row + 1);
        self.source_row += rows.len() as i64;
        self.line += facts.lines;
        Some(rows)
    }

    fn read_slow(&mut self, block: &Block) -> Result<(), InputError> {
        let mut text = std::mem::take(&mut self.carry);
        text.extend_from_slice(&block.text);
        let mut records = RecordReader::over(text, self.line, block.last).go_on();
        while records.advance_within().map_err(|error| syntax_error(&self.summary.file, error))? {
            self.read_record(&records.record())?;
        }
        self.line = records.line();
        let consumed = records.consumed();
        self.carry = records.into_whole().split_off(consumed);
        Ok(())
    }

    /// Reads one record and takes its row, or rejects it.
    fn read_record(&mut self, record: &Record<'_>) -> Result<(), InputError> {
        let mut rejects = self.rejects.take();
        let read = self.take_record(record, self.source_row + 1, &mut rejects);
        self.rejects = rejects;
        read.map(drop)
    }

    /// Takes the row of a record, which has this number in its source; false if it was rejected.
    pub(super) fn take_record(
        &mut self,
        record: &Record<'_>,
        source_row: i64,
        rejects: &mut Option<&mut dyn RejectSink>,
    ) -> Result<bool, InputError> {
        self.source_row = source_row;
        let place = &mut self.last_place;
        match judge(&self.plan.header, &self.plan.options, &mut self.summary, place, record, rejects)? {
            Judged::Rejected => Ok(false),
            Judged::Accepted(row) => {
                self.slow.push(&self.plan, record, &row, source_row);
                Ok(true)
            }
        }
    }

    /// Rows that were read record by record and not handed on yet.
    pub(super) fn waiting(&self) -> usize {
        self.slow.done.iter().chain(&self.slow.open).map(CodedRows::len).sum()
    }

    pub(super) fn summary_mut(&mut self) -> &mut ReadSummary {
        &mut self.summary
    }

    pub(super) fn into_summary(self) -> ReadSummary {
        self.summary
    }
}

impl SlowRows {
    fn new(mut table: CellTable) -> Self {
        let described = (0..table.columns().len())
            .filter(|column| ![Field::Quantity.index(), Field::Cost.index()].contains(column));
        let spans = described.collect::<Vec<_>>().into_iter().map(|column| table.add_span(vec![column])).collect();
        Self { table, spans, open: None, done: Vec::new(), codes: Vec::new() }
    }

    fn push(&mut self, plan: &RowPlan, record: &Record<'_>, row: &Row<'_>, source_row: i64) {
        if self.open.as_ref().is_some_and(|open| open.len() >= SLOW_ROWS) {
            self.seal();
        }
        self.codes.clear();
        for (column, cell) in row.cells.iter().enumerate() {
            let code = match cell {
                Cell::Unknown => 0,
                Cell::Text(text) => self.intern(column, text.as_bytes(), cell),
                Cell::Date(date) => self.intern(column, &date.days().to_le_bytes(), cell),
                Cell::Boolean(value) => self.intern(column, if *value { b"true" } else { b"false" }, cell),
                Cell::Decimal { .. } if [Field::Quantity.index(), Field::Cost.index()].contains(&column) => continue,
                Cell::Decimal { spelling, .. } => self.intern(column, spelling.as_bytes(), cell),
            };
            self.codes.push(code);
        }
        let text = record.text().unwrap_or_default();
        for (index, (position, _)) in plan.header.unknown().iter().enumerate() {
            let cell = plan.header.cell(record, text, *position);
            let code = match cell.is_empty() {
                true => 0,
                false => self.intern(Field::ALL.len() + index, cell.as_bytes(), &Cell::Text(cell.as_ref().into())),
            };
            self.codes.push(code);
        }
        let (
            Cell::Decimal { parsed: quantity, spelling: quantity_text },
            Cell::Decimal { parsed: cost, spelling: cost_text },
        ) = (&row.cells[Field::Quantity.index()], &row.cells[Field::Cost.index()])
        else {
            unreachable!("an accepted row has a quantity and a cost")
        };
        let source_index = plan.options.source_index;
        let open = self.open.get_or_insert_with(|| CodedRows::new(self.spans.clone(), source_index, 0));
        open.push(&self.codes, period_number(row.period), (quantity, quantity_text), (cost, cost_text));
        open.number_last(source_row);
    }

    fn intern(&mut self, column: usize, key: &[u8], cell: &Cell<'_>) -> u32 {
        self.table.intern(column, key, cell).expect("rows are handed on long before there are 2^32 cells")
    }

    fn seal(&mut self) {
        self.done.extend(self.open.take());
    }

    /// Each column's cells are the contents of its span.
    fn fill_spans(&mut self) {
        self.spans.iter().for_each(|span| self.table.fill_span(*span));
    }
}
