//! The distinct cells of a source, as one reader saw them, and the stretches of cells that rows are made of.

use ledger::{Field, FieldKind};

use super::texts::Texts;
use crate::batch::Cell;
use crate::cells::DecimalCell;
use crate::schema::stored_scale;

/// A decimal as the three columns of its field hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StoredDecimal {
    /// The value at the column's scale; `None` where the column cannot hold it.
    pub value: Option<i128>,
    /// Number of fraction digits in the source.
    pub scale: i8,
    /// Whether the source's spelling must be kept, because value and scale do not restore it.
    pub spelled: bool,
}

/// What the distinct cells of a column mean, by their numbers. Number 0 is the unknown cell.
#[derive(Debug)]
pub enum CellValues {
    /// The texts themselves.
    Text,
    /// Days since 1970.
    Dates(Vec<i32>),
    /// Truth values.
    Booleans(Vec<bool>),
    /// Decimals; their texts are the spellings.
    Decimals(Vec<StoredDecimal>),
}

/// The distinct cells of a column.
#[derive(Debug)]
pub struct CellColumn {
    texts: Texts,
    values: CellValues,
}

/// Neighbouring columns whose distinct contents are numbered together.
#[derive(Debug)]
pub struct CellSpan {
    columns: Vec<usize>,
    codes: Vec<u32>,
}

/// The distinct cells and spans of a source.
///
/// Columns are numbered: the fields in the order of [`Field::ALL`], then the unknown columns of the source in file order.
/// Quantity and cost have numbers too, but no cells here.
#[derive(Debug)]
pub struct CellTable {
    columns: Vec<CellColumn>,
    spans: Vec<CellSpan>,
    unknown: Vec<String>,
}

impl StoredDecimal {
    pub(crate) fn of(field: Field, parsed: &DecimalCell) -> Self {
        let value = parsed.value.rescaled_i128(stored_scale(field));
        let spelled = value.is_none() || !parsed.canonical;
        Self { value, scale: parsed.value.scale().cast_signed(), spelled }
    }
}

impl CellColumn {
    fn of_kind(kind: FieldKind) -> Self {
        let values = match kind {
            FieldKind::Text => CellValues::Text,
            FieldKind::Date => CellValues::Dates(vec![0]),
            FieldKind::Boolean => CellValues::Booleans(vec![false]),
            FieldKind::Cost | FieldKind::Number => CellValues::Decimals(vec![StoredDecimal::default()]),
        };
        let mut texts = Texts::default();
        // The unknown cell has number 0 everywhere.
        texts.intern(b"");
        Self { texts, values }
    }

    /// Number of distinct cells, the unknown one included. Two cells may mean the same value.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Never true: there is always the unknown cell.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// What the cells mean.
    pub fn values(&self) -> &CellValues {
        &self.values
    }

    /// The text of a text cell, or the spelling of a decimal that is spelled.
    pub fn text(&self, code: u32) -> &[u8] {
        self.texts.get(code)
    }

    /// The number of a cell that was read from `key`. `None`: the column is full.
    fn intern(&mut self, field: Option<Field>, key: &[u8], cell: &Cell<'_>) -> Option<u32> {
        let (code, new) = self.texts.intern(key)?;
        if new {
            match (&mut self.values, cell) {
                (CellValues::Text, Cell::Text(_)) => {}
                (CellValues::Dates(days), Cell::Date(date)) => days.push(date.days()),
                (CellValues::Booleans(values), Cell::Boolean(value)) => values.push(*value),
                (CellValues::Decimals(values), Cell::Decimal { parsed, .. }) => {
                    values.push(StoredDecimal::of(field?, parsed));
                }
                (values, cell) => unreachable!("{field:?}: {cell:?} does not fit {values:?}"),
            }
        }
        Some(code)
    }
}

impl CellSpan {
    /// A span over these columns, without any content.
    pub(crate) fn new(columns: Vec<usize>) -> Self {
        Self { columns, codes: Vec::new() }
    }

    /// Its columns.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Number of distinct contents.
    pub fn len(&self) -> usize {
        self.codes.len() / self.columns.len()
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The cells of a content, by their numbers in each of the columns.
    pub fn cells(&self, entry: u32) -> &[u32] {
        let start = entry as usize * self.columns.len();
        &self.codes[start..start + self.columns.len()]
    }

    /// Takes a content that is not there yet, or that others may equal.
    pub(crate) fn push(&mut self, cells: &[u32]) {
        self.codes.extend_from_slice(cells);
    }
}

impl CellTable {
    /// A table for a source with these unknown columns.
    pub(crate) fn new(unknown: Vec<String>) -> Self {
        let fields = Field::ALL.iter().map(|field| CellColumn::of_kind(field.kind()));
        let others = unknown.iter().map(|_| CellColumn::of_kind(FieldKind::Text));
        Self { columns: fields.chain(others).collect(), spans: Vec::new(), unknown }
    }

    /// The columns.
    pub fn columns(&self) -> &[CellColumn] {
        &self.columns
    }

    /// A span by its number.
    pub fn span(&self, span: u32) -> &CellSpan {
        &self.spans[span as usize]
    }

    /// All spans.
    pub fn spans(&self) -> &[CellSpan] {
        &self.spans
    }

    /// Names of the unknown columns, which follow those of the fields.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Bytes of memory that it holds, roughly.
    pub fn memory(&self) -> usize {
        let columns: usize = self.columns.iter().map(|column| column.texts.memory() + 20 * column.len()).sum();
        columns + self.spans.iter().map(|span| 4 * span.codes.capacity()).sum::<usize>()
    }

    pub(crate) fn add_span(&mut self, columns: Vec<usize>) -> u32 {
        self.spans.push(CellSpan::new(columns));
        u32::try_from(self.spans.len() - 1).expect("a table has far less than 2^32 spans")
    }

    pub(crate) fn span_mut(&mut self, span: u32) -> &mut CellSpan {
        &mut self.spans[span as usize]
    }

    /// The number of a cell; `key` is what it was read from. `None`: there are more distinct cells than numbers.
    pub(crate) fn intern(&mut self, column: usize, key: &[u8], cell: &Cell<'_>) -> Option<u32> {
        match cell {
            Cell::Unknown => Some(0),
            cell => self.columns[column].intern(Field::ALL.get(column).copied(), key, cell),
        }
    }

    /// Makes the span of a single column hold each of the column's cells under the cell's own number.
    pub(crate) fn fill_span(&mut self, span: u32) {
        let CellTable { columns, spans, .. } = self;
        let span = &mut spans[span as usize];
        let cells = columns[span.columns[0]].len();
        let known = span.codes.len();
        span.codes.extend((known..cells).filter_map(|code| u32::try_from(code).ok()));
    }
}
