//! Encoding a row group: sorted rows become column chunks, run by run where neighbouring rows repeat.

use std::collections::HashMap;

use formats::{Numbers, SOURCE_HASH_COLUMN, SOURCE_ROW_COLUMN, SOURCE_SCOPE_COLUMN};
use ledger::{Field, FieldKind};
use money::{Decimal, Limits, Total};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::SchemaDescriptor;

use super::chunk::{Bounded, Chunk, PageCompressor, encode};
use super::extra::Extras;
use super::leaf::{Leaf, NULL, Values};
use super::unify::Unified;
use crate::error::LakeError;
use crate::write::STATISTICS_COLUMNS;

/// Scale of the stored cost.
const COST_SCALE: u8 = 28;

/// What all row groups are encoded by.
#[derive(Debug)]
pub(crate) struct GroupFormat {
    pub(crate) schema: SchemaDescriptor,
    pub(crate) properties: WriterPropertiesPtr,
}

/// Column chunks of a row group; those that tell scope and source of the rows are made when both are known.
#[derive(Debug)]
pub(crate) struct EncodedGroup {
    pub(crate) rows: u64,
    /// By leaf; `None` for scope and source hash.
    pub(crate) chunks: Vec<Option<Chunk>>,
    /// The sources of the rows, as runs.
    pub(crate) sources: Vec<(u32, u32)>,
    pub(crate) facts: RowFacts,
}

/// What the log says about a file's rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowFacts {
    pub(crate) total: Total,
    /// First and last day.
    pub(crate) days: Option<(i32, i32)>,
    /// Least and greatest texts of columns.
    pub(crate) bounds: HashMap<&'static str, (String, String)>,
}

/// Rows of a row group, looked up.
struct Looked<'u, 'r> {
    unified: &'u Unified<'r>,
    rows: &'u [(u32, u32)],
    /// For each group the contents of the rows, and the same as runs.
    contents: Vec<Vec<u32>>,
    runs: Vec<Vec<(u32, u32)>>,
    /// For each column its group and its position there.
    place_of: Vec<(usize, usize)>,
}

impl RowFacts {
    /// Takes the facts of further rows.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), LakeError> {
        let sum = |source| LakeError::Sum { what: "a file of charges".into(), source };
        self.total.merge(other.total).map_err(sum)?;
        if let Some((first, last)) = other.days {
            let own = self.days.get_or_insert((first, last));
            *own = (own.0.min(first), own.1.max(last));
        }
        for (column, (least, greatest)) in &other.bounds {
            self.observe(column, least, greatest);
        }
        Ok(())
    }

    pub(crate) fn observe(&mut self, column: &'static str, least: &str, greatest: &str) {
        let own = self.bounds.entry(column).or_insert_with(|| (least.to_owned(), greatest.to_owned()));
        if least < own.0.as_str() {
            own.0 = least.to_owned();
        }
        if greatest > own.1.as_str() {
            own.1 = greatest.to_owned();
        }
    }
}

/// Encodes rows, which come in the order of the lake and are of one billing period.
pub(crate) fn encode_group(
    unified: &Unified<'_>,
    rows: &[(u32, u32)],
    format: &GroupFormat,
    compressor: &mut PageCompressor,
) -> Result<EncodedGroup, LakeError> {
    let looked = Looked::new(unified, rows);
    let mut facts = RowFacts::default();
    let mut chunks: Vec<Option<Chunk>> = Vec::with_capacity(format.schema.num_columns());
    let mut add = |leaf: &Leaf<'_>, dictionary: bool, bounded: Bounded| {
        let chunk = encode(leaf, &format.schema.column(chunks.len()), dictionary, bounded, compressor);
        chunks.push(Some(chunk.map_err(LakeError::parquet("encode charges"))?));
        Ok::<_, LakeError>(())
    };
    for field in Field::ALL {
        match field.kind() {
            FieldKind::Text => {
                let leaf = looked.texts(field.index());
                let bounded = STATISTICS_COLUMNS.contains(&field.column());
                if bounded {
                    facts.observe_texts(field.column(), &leaf);
                }
                add(&leaf, true, if bounded { Bounded::Pages } else { Bounded::Nothing })?;
            }
            FieldKind::Date => {
                let leaf = looked.days(field.index());
                if *field == Field::Date {
                    facts.observe_days(&leaf);
                }
                add(&leaf, true, if *field == Field::Date { Bounded::Pages } else { Bounded::Chunk })?;
            }
            FieldKind::Boolean => add(&looked.booleans(field.index()), false, Bounded::Chunk)?,
            FieldKind::Cost | FieldKind::Number if matches!(field, Field::Quantity | Field::Cost) => {
                let [values, scales, texts] = looked.numbers(*field);
                add(&values, false, Bounded::Chunk)?;
                add(&scales, true, Bounded::Chunk)?;
                add(&texts, true, Bounded::Nothing)?;
            }
            FieldKind::Cost | FieldKind::Number => {
                let [values, scales, texts] = looked.prices(field.index());
                add(&values, true, Bounded::Chunk)?;
                add(&scales, true, Bounded::Chunk)?;
                add(&texts, true, Bounded::Nothing)?;
            }
        }
    }
    let is_named = |index: usize, name: &str| format.schema.column(index).name() == name;
    assert!(is_named(chunks.len(), SOURCE_SCOPE_COLUMN) && is_named(chunks.len() + 1, SOURCE_HASH_COLUMN));
    chunks.extend([None, None]);
    assert!(is_named(chunks.len(), SOURCE_ROW_COLUMN));
    let source_rows = looked.source_rows();
    let chunk = encode(&source_rows, &format.schema.column(chunks.len()), false, Bounded::Chunk, compressor);
    chunks.push(Some(chunk.map_err(LakeError::parquet("encode charges"))?));
    let (key, value) = (format.schema.column(chunks.len()), format.schema.column(chunks.len() + 1));
    let extras = looked.extras().encode(&key, &value, &format.properties);
    chunks.extend(extras.map_err(LakeError::parquet("encode charges"))?.map(Some));
    facts.total = looked.total()?;
    Ok(EncodedGroup { rows: rows.len() as u64, chunks, sources: looked.sources(), facts })
}

impl RowFacts {
    fn observe_texts(&mut self, column: &'static str, leaf: &Leaf<'_>) {
        let Values::Texts(texts) = &leaf.values else { return };
        let bounds = leaf.values.bounds(0..texts.len() as u32);
        // Every text of the tables was checked to be UTF-8.
        let text = |code: u32| std::str::from_utf8(texts[code as usize]).unwrap_or_default();
        if let Some((least, greatest)) = bounds {
            self.observe(column, text(least), text(greatest));
        }
    }

    fn observe_days(&mut self, leaf: &Leaf<'_>) {
        let Values::Ints(days) = &leaf.values else { return };
        self.days = days.iter().copied().min().zip(days.iter().copied().max());
    }
}

impl<'u, 'r> Looked<'u, 'r> {
    fn new(unified: &'u Unified<'r>, rows: &'u [(u32, u32)]) -> Self {
        let groups = unified.groups.len();
        let mut contents: Vec<Vec<u32>> = vec![Vec::with_capacity(rows.len()); groups];
        let mut row_contents = vec![0; groups];
        for (block, row) in rows {
            unified.contents(*block as usize, *row as usize, &mut row_contents);
            contents.iter_mut().zip(&row_contents).for_each(|(contents, code)| contents.push(*code));
        }
        let runs = contents.iter().map(|contents| runs_of(contents)).collect();
        let mut place_of = vec![(0, 0); unified.columns.len()];
        for (index, group) in unified.groups.iter().enumerate() {
            for (position, column) in group.columns.iter().enumerate() {
                place_of[*column] = (index, position);
            }
        }
        Self { unified, rows, contents, runs, place_of }
    }

    /// The cells of a column, as runs.
    fn cells(&self, column: usize) -> Vec<(u32, u32)> {
        let (group, position) = self.place_of[column];
        let cells_of = &self.unified.groups[group];
        let mut cells = Vec::with_capacity(self.runs[group].len());
        for (content, count) in &self.runs[group] {
            Leaf::push_run(&mut cells, cells_of.cells(*content)[position], *count);
        }
        cells
    }

    fn texts(&self, column: usize) -> Leaf<'r> {
        let distinct = self.unified.distinct(column);
        Leaf::of_cells(&self.cells(column), distinct, |cell| self.unified.text(column, cell), Values::Texts)
    }

    fn days(&self, column: usize) -> Leaf<'r> {
        let distinct = self.unified.distinct(column);
        Leaf::of_cells(&self.cells(column), distinct, |cell| self.unified.day(column, cell), Values::Ints)
    }

    fn booleans(&self, column: usize) -> Leaf<'r> {
        let distinct = self.unified.distinct(column);
        Leaf::of_cells(&self.cells(column), distinct, |cell| self.unified.boolean(column, cell), Values::Booleans)
    }

    /// Value, scale and text of a decimal field whose distinct cells are known.
    fn prices(&self, column: usize) -> [Leaf<'r>; 3] {
        let (cells, distinct) = (self.cells(column), self.unified.distinct(column));
        let decimal = |cell| self.unified.decimal(column, cell);
        let text = |cell| decimal(cell).filter(|decimal| decimal.spelled).and_then(|_| self.unified.text(column, cell));
        [
            Leaf::of_cells(&cells, distinct, |cell| decimal(cell).and_then(|decimal| decimal.value), Values::Decimals),
            Leaf::of_cells(
                &cells,
                distinct,
                |cell| decimal(cell).map(|decimal| i32::from(decimal.scale)),
                Values::Ints,
            ),
            Leaf::of_cells(&cells, distinct, text, Values::Texts),
        ]
    }

    fn numbers_of(&self, field: Field) -> impl Iterator<Item = (&'r Numbers, usize)> {
        self.rows.iter().map(move |(block, row)| {
            let rows: &'r formats::CodedRows = self.unified.rows[*block as usize];
            (if field == Field::Cost { rows.cost() } else { rows.quantity() }, *row as usize)
        })
    }

    /// Value, scale and text of quantity or cost, row by row.
    fn numbers(&self, field: Field) -> [Leaf<'r>; 3] {
        let stored: Vec<Option<i128>> = self.numbers_of(field).map(|(numbers, row)| numbers.value(row)).collect();
        let present: Vec<bool> = stored.iter().map(Option::is_some).collect();
        let values = Leaf::of_each(Values::Decimals(stored.into_iter().flatten().collect()), present.into_iter());
        let scales: Vec<u32> =
            self.numbers_of(field).map(|(numbers, row)| u32::from(numbers.scale(row).unsigned_abs())).collect();
        let scale = |scale: u32| i32::try_from(scale).ok();
        let scales = Leaf::of_cells(&runs_of(&scales), 1 << 8, scale, Values::Ints);
        let (mut texts, mut runs) = (Vec::new(), Vec::new());
        for text in self.numbers_of(field).map(|(numbers, row)| numbers.spelling(row)) {
            Leaf::push_run(&mut runs, if text.is_some() { texts.len() as u32 } else { NULL }, 1);
            texts.extend(text.map(str::as_bytes));
        }
        [values, scales, Leaf { values: Values::Texts(texts), runs }]
    }

    fn source_rows(&self) -> Leaf<'r> {
        let row = |(block, row): &(u32, u32)| self.unified.rows[*block as usize].source_row(*row as usize);
        Leaf::of_each(Values::Longs(self.rows.iter().map(row).collect()), self.rows.iter().map(|_| true))
    }

    fn sources(&self) -> Vec<(u32, u32)> {
        let mut runs = Vec::new();
        for (block, _) in self.rows {
            let source = self.unified.rows[*block as usize].source_index.unsigned_abs();
            Leaf::push_run(&mut runs, source, 1);
        }
        runs
    }

    fn extras(&self) -> Extras {
        let mut extras = Extras::default();
        for (at, (block, _)) in self.rows.iter().enumerate() {
            let columns = self.unified.unknown_of(*block as usize);
            extras.push(columns.iter().filter_map(|column| {
                let (group, position) = self.place_of[*column];
                let cell = self.unified.groups[group].cells(self.contents[group][at])[position];
                let name = self.unified.unknown[*column - Field::ALL.len()].as_str();
                self.unified.text(*column, cell).map(|text| (name, text))
            }));
        }
        extras
    }

    /// The exact sum of the costs, with the digits of the source.
    fn total(&self) -> Result<Total, LakeError> {
        let foreign = |reason: String| LakeError::ForeignFile { path: "rows of an import".into(), reason };
        let mut total = Total::default();
        for (costs, row) in self.numbers_of(Field::Cost) {
            let cost = match (costs.value(row), costs.spelling(row)) {
                (Some(value), _) => Decimal::from_rescaled_i128(value, COST_SCALE, costs.scale(row).unsigned_abs()),
                (None, Some(text)) => Decimal::parse(text.as_bytes(), Limits::COST).ok().map(|parsed| parsed.value),
                (None, None) => None,
            };
            let cost = cost.ok_or_else(|| foreign(format!("the cost of row {row} is not what its source says")))?;
            total.add(cost).map_err(|source| LakeError::Sum { what: "rows of an import".into(), source })?;
        }
        Ok(total)
    }
}

/// Equal neighbours as runs.
fn runs_of(codes: &[u32]) -> Vec<(u32, u32)> {
    let mut runs = Vec::new();
    for code in codes {
        Leaf::push_run(&mut runs, *code, 1);
    }
    runs
}
