//! Reading a block of text into coded rows.

use std::borrow::Cow;
use std::sync::Arc;

use ledger::{ChargeType, EnrollmentId, Field, Place, PricingModel};
use money::Currency;

use super::blocks::Block;
use super::facts::{BlockFacts, PlaceCells, Places, RowFacts, SpanFacts, Witness};
use super::index::CellEnds;
use super::rows::CodedRows;
use super::source::{BlockRows, RowPlan};
use super::spans::{Piece, Spans};
use super::table::CellTable;
use crate::batch::{Cell, period_number};
use crate::cells::{self, DecimalCell};
use crate::records::{CELL_BYTES_MAX, plain_cell, quoted_cell};
use crate::row::{SCOPE_FIELDS, outside_scope};
use crate::sketch;

/// Reads blocks of one source, in any order, and remembers what it has seen.
#[derive(Debug)]
pub struct BlockReader {
    plan: Arc<RowPlan>,
    table: CellTable,
    spans: Spans,
    places: Places,
    ends: CellEnds,
    /// Number of the block that is read, from 1.
    block: u32,
    codes: Vec<u32>,
}

/// A cell of the text of its block, without quotes.
struct PlainCell<'t> {
    parsed: DecimalCell,
    text: Cow<'t, str>,
}

impl BlockReader {
    /// A reader that has seen nothing.
    pub fn new(plan: Arc<RowPlan>) -> Self {
        let mut table = plan.new_table();
        let spans = Spans::new(&plan.header, &mut table);
        Self { plan, table, spans, places: Places::default(), ends: CellEnds::default(), block: 0, codes: Vec::new() }
    }

    /// Bytes of memory that it holds, roughly.
    pub fn memory(&self) -> usize {
        self.table.memory() + self.spans.memory()
    }

    /// The table of the rows that were read until now. The reader begins with a new one.
    pub fn take_table(&mut self) -> CellTable {
        for span in self.spans.direct_spans() {
            self.table.fill_span(span);
        }
        let mut table = self.plan.new_table();
        self.spans.renew(&mut table);
        self.places = Places::default();
        std::mem::replace(&mut self.table, table)
    }

    /// Reads a block. `None`: it is not plainly in order, and must be read record by record.
    pub fn read(&mut self, block: &Block) -> Option<BlockRows> {
        let mut ends = std::mem::take(&mut self.ends);
        let read = if ends.find(&block.text, block.last) { self.rows(&block.text, &ends) } else { None };
        self.ends = ends;
        if self.spans.adapt(&mut self.table) {
            self.places.begin_again();
        }
        read
    }

    fn rows(&mut self, text: &[u8], ends: &CellEnds) -> Option<BlockRows> {
        self.block += 1;
        self.places.begin_block();
        let width = self.plan.header.width();
        let mut facts = BlockFacts::of_lines(ends.lines);
        let mut rows = CodedRows::new(self.spans.numbers.clone(), self.plan.options.source_index, ends.records().len());
        let (mut first, mut start) = (0, 0);
        for up_to in ends.records() {
            let cell_ends = ends.positions().get(first..*up_to as usize)?;
            let end = *cell_ends.last()? as usize;
            // A line without anything is skipped; one with a blank cell or too few cells is not.
            if cell_ends.len() == width {
                if end - start > CELL_BYTES_MAX {
                    return None;
                }
                self.row(text, start, cell_ends, &mut rows, &mut facts)?;
            } else if !matches!(text.get(start..end)?, b"" | b"\r") {
                return None;
            }
            first = *up_to as usize;
            start = end + 1;
        }
        Some(BlockRows { rows, facts })
    }

    fn row(
        &mut self,
        text: &[u8],
        start: usize,
        ends: &[u32],
        rows: &mut CodedRows,
        facts: &mut BlockFacts,
    ) -> Option<()> {
        let piece = |first: usize, last: usize| {
            let from = if first == 0 { start } else { ends[first - 1] as usize + 1 };
            let piece = text.get(from..ends[last] as usize)?;
            let at_line_end = last + 1 == ends.len();
            Some(if at_line_end { piece.strip_suffix(b"\r").unwrap_or(piece) } else { piece })
        };
        let (mut row, mut place, mut stretches) = (SpanFacts::default(), PlaceCells::default(), 0);
        let (mut quantity, mut cost) = (None, None);
        self.codes.clear();
        for index in 0..self.spans.pieces.len() {
            match self.spans.pieces[index] {
                Piece::Span(span) => {
                    let reader = &mut self.spans.readers[span];
                    let content = piece(reader.first, reader.last)?;
                    reader.asked += 1;
                    if reader.direct {
                        let column = self.table.span(reader.number).columns()[0];
                        self.codes.push(direct_cell(&mut self.table, column, content)?);
                        continue;
                    }
                    let hash = reader.texts.hash(content);
                    let entry = match reader.texts.find(hash, content) {
                        Some(entry) => entry,
                        None => self.learn(span, hash, content)?,
                    };
                    self.codes.push(entry);
                    let reader = &mut self.spans.readers[span];
                    let known = &mut reader.facts[entry as usize];
                    row.add(known);
                    if reader.has_place {
                        place[stretches] = known.place;
                        stretches += 1;
                    }
                    if known.block != self.block {
                        known.block = self.block;
                        self.meet(span, entry, facts);
                    }
                }
                Piece::Quantity(position) => quantity = Some(number(Field::Quantity, piece(position, position)?)?),
                Piece::Cost(position) => cost = Some(number(Field::Cost, piece(position, position)?)?),
            }
        }
        let (quantity, cost) = (quantity?, cost?);
        let (period, derived) = self.plan.period(&row)?;
        let witness = Witness {
            offset: start,
            charge: row.charge.unwrap_or_else(|| ChargeType::read("")),
            pricing: row.pricing.unwrap_or_else(|| PricingModel::read("")),
            cost_is_zero: cost.parsed.value.is_zero(),
        };
        facts.observe(witness);
        facts.places.extend(self.places.meet(place, stretches, self.block, &self.table));
        let sketch = row
            .sketch
            .wrapping_add(self.plan.sketch_of_missing)
            .wrapping_add(sketch::part_of_number(Field::Quantity, quantity.parsed.value))
            .wrapping_add(sketch::part_of_number(Field::Cost, cost.parsed.value));
        facts.count(&RowFacts { period, derived, day: row.day, cost: cost.parsed.value, sketch })?;
        rows.push(&self.codes, period, (&quantity.parsed, &quantity.text), (&cost.parsed, &cost.text));
        Some(())
    }

    /// Reads a content that was not seen before: splits it as a record is split, reads its cells, checks them.
    #[inline(never)]
    fn learn(&mut self, span: usize, hash: u64, content: &[u8]) -> Option<u32> {
        let text = std::str::from_utf8(content).ok()?;
        let reader = &self.spans.readers[span];
        let (first, last, number) = (reader.first, reader.last, reader.number);
        let columns: Vec<usize> = self.spans.table_columns(first, last).collect();
        let mut facts = SpanFacts::default();
        let mut place = PlaceCells::default();
        let mut codes = Vec::with_capacity(columns.len());
        let mut rest = 0;
        for (index, column) in columns.iter().enumerate() {
            let (cell, after) = strict_cell(text, rest)?;
            let is_last = index + 1 == columns.len();
            match content.get(after) {
                None if is_last => {}
                Some(b',') if !is_last => rest = after + 1,
                _ => return None,
            }
            let before = self.table.columns()[*column].len();
            let code = match Field::ALL.get(*column) {
                Some(field) => {
                    let read = cells::read(*field, &cell).ok()?;
                    self.plan.check(*field, &read)?;
                    facts.learn(*field, &read);
                    let code = self.table.intern(*column, cell.as_bytes(), &read)?;
                    if let Some(part) = Place::FIELDS.iter().position(|other| other == field) {
                        place[part] = code;
                    }
                    code
                }
                None if cell.is_empty() => 0,
                None => self.table.intern(*column, cell.as_bytes(), &Cell::Text(Cow::Borrowed(&cell)))?,
            };
            self.spans.readers[span].new_cells[index] += u32::from(self.table.columns()[*column].len() > before);
            codes.push(code);
        }
        facts.place = self.places.stretch(place)?;
        self.table.span_mut(number).push(&codes);
        let reader = &mut self.spans.readers[span];
        reader.new += 1;
        reader.facts.push(facts);
        reader.texts.add(hash, content)
    }

    /// Takes what the file must agree on from a content that is new in the block.
    fn meet(&self, span: usize, entry: u32, facts: &mut BlockFacts) {
        let span = self.table.span(self.spans.readers[span].number);
        for (column, code) in span.columns().iter().zip(span.cells(entry)) {
            let list = match Field::ALL.get(*column) {
                Some(Field::BillingAccountId) => &mut facts.enrollments,
                Some(Field::BillingAccountName) => &mut facts.names,
                Some(Field::BillingCurrencyCode) => &mut facts.currencies,
                _ => continue,
            };
            // Every text in the table was checked to be UTF-8.
            let text = std::str::from_utf8(self.table.columns()[*column].text(*code)).unwrap_or_default();
            if *code > 0 && !list.iter().any(|known| known == text) {
                list.push(text.to_owned());
            }
        }
    }
}

impl SpanFacts {
    /// Adds what another span of the same row says.
    #[inline]
    fn add(&mut self, other: &Self) {
        self.sketch = self.sketch.wrapping_add(other.sketch);
        // Each of these is said by one span at most; the others say 0.
        self.period_by_start += other.period_by_start;
        self.period_by_end += other.period_by_end;
        self.period_by_day += other.period_by_day;
        self.day += other.day;
        self.charge = self.charge.or(other.charge);
        self.pricing = self.pricing.or(other.pricing);
    }

    /// Takes what a cell says.
    fn learn(&mut self, field: Field, cell: &Cell<'_>) {
        let text = match cell {
            Cell::Text(text) => text.as_ref(),
            _ => "",
        };
        if sketch::TEXTS.contains(&field) {
            self.sketch = self.sketch.wrapping_add(sketch::part_of_text(field, text));
        }
        match (field, cell) {
            (Field::ChargeType, _) => self.charge = Some(ChargeType::read(text)),
            (Field::PricingModel, _) => self.pricing = Some(PricingModel::read(text)),
            (Field::Date, Cell::Date(date)) => {
                self.day = date.days();
                self.period_by_day = period_number(calendar::BillingPeriod::of(*date));
                self.sketch = self.sketch.wrapping_add(sketch::part_of_day(*date));
            }
            (Field::BillingPeriodStartDate, Cell::Date(date)) => {
                self.period_by_start = period_number(calendar::BillingPeriod::of(*date));
            }
            (Field::BillingPeriodEndDate, Cell::Date(date)) => {
                self.period_by_end = period_number(calendar::BillingPeriod::of(*date));
            }
            _ => {}
        }
    }
}

impl RowPlan {
    /// The billing period of a row, and whether nothing but its day tells it. `None`: it contradicts the options.
    fn period(&self, row: &SpanFacts) -> Option<(i32, bool)> {
        let own = if row.period_by_start != 0 { row.period_by_start } else { row.period_by_end };
        match (own, self.options.fill.period.map(period_number)) {
            (0, Some(stated)) => Some((stated, false)),
            (0, None) => Some((row.period_by_day, true)),
            (own, Some(stated)) if own != stated => None,
            (own, _) => Some((own, false)),
        }
    }

    /// Checks what a cell alone can be refused for. `None`: a row with it is refused, or must be judged with others.
    fn check(&self, field: Field, cell: &Cell<'_>) -> Option<()> {
        let fill = &self.options.fill;
        let text = match cell {
            Cell::Text(text) => Some(text.as_ref()),
            _ => None,
        };
        let accepted = match field {
            Field::BillingAccountId => match text {
                // The first one is parsed, the others must equal it.
                Some(text) => EnrollmentId::parse(text).is_ok() || fill.enrollment.is_some(),
                None => fill.enrollment.is_some(),
            },
            Field::BillingCurrencyCode => match text {
                Some(text) => text.parse::<Currency>().is_ok(),
                None => fill.currency.is_some(),
            },
            Field::Date => match (self.options.days, cell) {
                (Some(days), Cell::Date(date)) => days.contains(*date),
                _ => true,
            },
            _ => true,
        };
        let inside = match &fill.scope {
            Some(scope) if SCOPE_FIELDS.contains(&field) => outside_scope(scope, field, text).is_none(),
            _ => true,
        };
        (accepted && inside).then_some(())
    }
}

/// The number of a cell that says nothing but its text.
fn direct_cell(table: &mut CellTable, column: usize, content: &[u8]) -> Option<u32> {
    let (cell, after) = strict_cell(std::str::from_utf8(content).ok()?, 0)?;
    match (after == content.len(), cell.is_empty()) {
        (false, _) => None,
        (true, true) => Some(0),
        (true, false) => table.intern(column, cell.as_bytes(), &Cell::Text(Cow::Borrowed(&cell))),
    }
}

/// The cell at `position` of a text that ends with a cell, and where it ends.
fn strict_cell(text: &str, position: usize) -> Option<(Cow<'_, str>, usize)> {
    let bytes = text.as_bytes();
    let (span, after) = match bytes.get(position) {
        Some(b'"') => quoted_cell(bytes, position, true)?,
        _ => plain_cell(bytes, position, true)?,
    };
    let cell = text.get(span.start..span.end)?;
    let cell = if span.doubled_quotes { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) };
    Some((cell, after))
}

/// Reads a quantity or cost.
fn number(field: Field, content: &[u8]) -> Option<PlainCell<'_>> {
    let text = std::str::from_utf8(content).ok()?;
    let text = if content.first() == Some(&b'"') {
        let (cell, after) = strict_cell(text, 0)?;
        if after != content.len() {
            return None;
        }
        cell
    } else {
        Cow::Borrowed(text)
    };
    let parsed = money::Decimal::parse(text.as_bytes(), cells::limits(field)).ok()?;
    Some(PlainCell { parsed, text })
}
