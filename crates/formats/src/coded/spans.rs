//! Which neighbouring columns are read together, and what is known of their contents.
//!
//! A span that is mostly new is split: columns that keep bringing new cells stand alone from then on, what lies between
//! them stays together.

use std::sync::Arc;

use ledger::{Field, FieldKind, Place};

use super::facts::SpanFacts;
use super::table::CellTable;
use super::texts::Texts;
use crate::header::Header;
use crate::row::SCOPE_FIELDS;
use crate::sketch;

/// Rows after which a span is judged: what repeats from day to day had time to come again.
const JUDGED_ROWS: u32 = 32 << 10;
/// A span is split if more than three of ten contents are new,
const NEW_TENTHS_MAX: u32 = 3;
/// and a column stands alone if more than one of ten is.
const ALONE_TENTHS: u32 = 1;

/// A column of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileColumn {
    Quantity,
    Cost,
    /// The number of the column in the table.
    Described(usize),
}

/// A span as it is read.
#[derive(Debug)]
pub(crate) struct SpanReader {
    /// Its first and last column in the file.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Its number in the table.
    pub(crate) number: u32,
    /// Its contents as the file spells them.
    pub(crate) texts: Texts,
    pub(crate) facts: Vec<SpanFacts>,
    pub(crate) has_place: bool,
    /// Whether it is one column of texts that say nothing of the row and mostly are new: its contents are not kept
    /// beside the column's cells.
    pub(crate) direct: bool,
    pub(crate) asked: u32,
    pub(crate) new: u32,
    /// New cells by column.
    pub(crate) new_cells: Vec<u32>,
}

/// All columns of a file in order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece {
    /// By its position among the spans.
    Span(usize),
    /// By its position in the file.
    Quantity(usize),
    Cost(usize),
}

/// The division of a file's columns into spans.
#[derive(Debug)]
pub(crate) struct Spans {
    columns: Vec<FileColumn>,
    pub(crate) readers: Vec<SpanReader>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) numbers: Arc<[u32]>,
}

/// The columns of a file with this header.
pub(crate) fn file_columns(header: &Header) -> Vec<FileColumn> {
    let mut columns = vec![FileColumn::Described(0); header.width()];
    for field in Field::ALL {
        if let Some(position) = header.position(*field) {
            columns[position] = match field {
                Field::Quantity => FileColumn::Quantity,
                Field::Cost => FileColumn::Cost,
                field => FileColumn::Described(field.index()),
            };
        }
    }
    for (index, (position, _)) in header.unknown().iter().enumerate() {
        columns[*position] = FileColumn::Described(Field::ALL.len() + index);
    }
    columns
}

impl Spans {
    /// As few spans as there can be: quantity, cost and the day stand between them.
    pub(crate) fn new(header: &Header, table: &mut CellTable) -> Self {
        let columns = file_columns(header);
        let mut spans = Self { columns, readers: Vec::new(), pieces: Vec::new(), numbers: Arc::new([]) };
        let mut bounds: Vec<(usize, usize)> = Vec::new();
        for (position, column) in spans.columns.iter().enumerate() {
            let alone = |column: &FileColumn| *column == FileColumn::Described(Field::Date.index());
            match (column, bounds.last_mut()) {
                (FileColumn::Quantity | FileColumn::Cost, _) => {}
                (column, Some((_, last)))
                    if *last + 1 == position && !alone(column) && !alone(&spans.columns[*last]) =>
                {
                    *last = position;
                }
                _ => bounds.push((position, position)),
            }
        }
        for (first, last) in bounds {
            let reader = spans.reader((first, last, false), table);
            spans.readers.push(reader);
        }
        spans.arrange();
        spans
    }

    /// The same division over a new table.
    pub(crate) fn renew(&mut self, table: &mut CellTable) {
        let bounds: Vec<_> = self.readers.iter().map(|reader| (reader.first, reader.last, reader.direct)).collect();
        self.readers = bounds.into_iter().map(|bounds| self.reader(bounds, table)).collect();
        self.arrange();
    }

    /// The columns of the table that the columns from `first` to `last` of the file are.
    pub(crate) fn table_columns(&self, first: usize, last: usize) -> impl Iterator<Item = usize> {
        self.columns[first..=last].iter().filter_map(|column| match column {
            FileColumn::Described(number) => Some(*number),
            FileColumn::Quantity | FileColumn::Cost => None,
        })
    }

    /// Numbers of the spans whose contents are the cells of their column.
    pub(crate) fn direct_spans(&self) -> impl Iterator<Item = u32> {
        self.readers.iter().filter(|reader| reader.direct).map(|reader| reader.number)
    }

    /// Bytes of memory beside the table.
    pub(crate) fn memory(&self) -> usize {
        let facts = size_of::<SpanFacts>();
        self.readers.iter().map(|reader| reader.texts.memory() + facts * reader.facts.capacity()).sum()
    }

    fn reader(&self, (first, last, new): (usize, usize, bool), table: &mut CellTable) -> SpanReader {
        let columns: Vec<usize> = self.table_columns(first, last).collect();
        let direct = new && columns.len() == 1 && !says_something(columns[0]);
        let has_place = Place::FIELDS.iter().any(|field| columns.contains(&field.index()));
        let new_cells = vec![0; columns.len()];
        let number = table.add_span(columns);
        let (texts, facts) = (Texts::default(), Vec::new());
        SpanReader { first, last, number, texts, facts, has_place, direct, asked: 0, new: 0, new_cells }
    }

    /// Puts the pieces in the order of the file.
    fn arrange(&mut self) {
        self.readers.sort_by_key(|reader| reader.first);
        self.pieces = self.readers.iter().enumerate().map(|(index, _)| Piece::Span(index)).collect();
        for (position, column) in self.columns.iter().enumerate() {
            match column {
                FileColumn::Quantity => self.pieces.push(Piece::Quantity(position)),
                FileColumn::Cost => self.pieces.push(Piece::Cost(position)),
                FileColumn::Described(_) => {}
            }
        }
        self.numbers = self.readers.iter().map(|reader| reader.number).collect();
    }

    /// Splits spans that are mostly new. True if there were any.
    pub(crate) fn adapt(&mut self, table: &mut CellTable) -> bool {
        let mut parts = Vec::new();
        let (mut kept, mut split) = (Vec::new(), false);
        for mut reader in std::mem::take(&mut self.readers) {
            if reader.asked < JUDGED_ROWS {
                kept.push(reader);
                continue;
            }
            if reader.first < reader.last && reader.new > reader.asked / 10 * NEW_TENTHS_MAX {
                parts.extend(parts_of(&reader));
                split = true;
                continue;
            }
            (reader.asked, reader.new) = (0, 0);
            reader.new_cells.fill(0);
            kept.push(reader);
        }
        kept.extend(parts.into_iter().map(|bounds| self.reader(bounds, table)));
        self.readers = kept;
        if split {
            self.arrange();
        }
        split
    }
}

/// The spans that a span is split into, and whether they are columns that mostly are new.
fn parts_of(reader: &SpanReader) -> Vec<(usize, usize, bool)> {
    let limit = reader.asked / 10 * ALONE_TENTHS;
    let alone: Vec<bool> = reader.new_cells.iter().map(|new| *new > limit).collect();
    if !alone.contains(&true) {
        let middle = reader.first.midpoint(reader.last);
        return vec![(reader.first, middle, false), (middle + 1, reader.last, false)];
    }
    let mut parts: Vec<(usize, usize, bool)> = Vec::new();
    for (index, is_alone) in alone.iter().enumerate() {
        let position = reader.first + index;
        match parts.last_mut() {
            Some((_, last, false)) if !is_alone => *last = position,
            _ => parts.push((position, position, *is_alone)),
        }
    }
    parts
}

/// Whether a cell of the column says more than its text, so that its facts must be kept.
fn says_something(column: usize) -> bool {
    const FACTS: [Field; 5] = [
        Field::ChargeType,
        Field::PricingModel,
        Field::BillingAccountId,
        Field::BillingAccountName,
        Field::BillingCurrencyCode,
    ];
    Field::ALL.get(column).is_some_and(|field| {
        field.kind() != FieldKind::Text
            || FACTS.contains(field)
            || SCOPE_FIELDS.contains(field)
            || Place::FIELDS.contains(field)
            || sketch::TEXTS.contains(field)
    })
}
