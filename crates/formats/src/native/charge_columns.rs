//! Columns of billed charges, for batches of staged rows.
//!
//! Charges of a resource and meter come day after day and differ in dates and numbers only. Texts are therefore asked for
//! once per run of charges that share them and become dictionaries; only dates, switches and numbers are taken row by row.
//! An imported batch holds the same values as plain text.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, DictionaryArray, Int32Array, Int32Builder, Int64Array, MapBuilder,
    RecordBatch, StringBuilder,
};
use arrow::datatypes::{DataType, Field as ArrowField, Int32Type, Schema, SchemaRef};
use calendar::BillingPeriod;
use ledger::billing::{ChargeRow, FieldValue};
use ledger::{Field, FieldKind};

use crate::batch::{BATCH_BYTES_MAX, BATCH_ROWS_MAX, DecimalColumn, extra_names, period_number};
use crate::schema::staging_schema;

/// The schema of batches of billed charges: [`staging_schema`] with dictionaries for the texts of fields.
fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let is_text = |name: &str| Field::ALL.iter().any(|field| is_text(*field) && field.column() == name);
        let typed = |field: &Arc<ArrowField>| match is_text(field.name()) {
            true => field.as_ref().clone().with_data_type(dictionary.clone()),
            false => field.as_ref().clone(),
        };
        Arc::new(Schema::new(staging_schema().fields().iter().map(typed).collect::<Vec<_>>()))
    });
    SCHEMA.clone()
}

fn is_text(field: Field) -> bool {
    field.kind() == FieldKind::Text
}

/// A text column: the texts, and which of them each run of charges has.
#[derive(Debug, Default)]
struct TextColumn {
    texts: StringBuilder,
    /// The text that was added last.
    last: String,
    count: i32,
    runs: Vec<Option<i32>>,
}

/// A column whose cells are taken row by row.
#[derive(Debug)]
enum CellColumn {
    Date(Date32Builder),
    Boolean(BooleanBuilder),
    Number(Box<DecimalColumn>),
}

/// Collects charges until a batch is full.
#[derive(Debug)]
pub(super) struct ChargeColumns {
    texts: Vec<(Field, TextColumn)>,
    cells: Vec<(Field, CellColumn)>,
    /// How many charges each run has.
    runs: Vec<usize>,
    rows: usize,
    /// Bytes of the texts of a charge of the last run, and of all cells.
    run_bytes: usize,
    bytes: usize,
}

impl ChargeColumns {
    pub(super) fn new() -> Self {
        let (texts, others): (Vec<Field>, Vec<Field>) = Field::ALL.iter().partition(|field| is_text(**field));
        let cells = others.into_iter().map(|field| {
            let column = match field.kind() {
                FieldKind::Date => CellColumn::Date(Date32Builder::new()),
                FieldKind::Boolean => CellColumn::Boolean(BooleanBuilder::new()),
                _ => CellColumn::Number(Box::new(DecimalColumn::new(field))),
            };
            (field, column)
        });
        Self {
            cells: cells.collect(),
            texts: texts.into_iter().map(|field| (field, TextColumn::default())).collect(),
            runs: Vec::new(),
            rows: 0,
            run_bytes: 0,
            bytes: 0,
        }
    }

    /// Whether the batch should be finished before the next charge. Bytes count as if every charge had its own texts,
    /// because the writer of a file may have to write them so.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends a charge. `is_like_last`: it shares its texts with the charge that was appended before.
    pub(super) fn push(&mut self, charge: &ChargeRow<'_>, is_like_last: bool) {
        match self.runs.last_mut().filter(|_| is_like_last) {
            Some(run) => *run += 1,
            None => {
                self.runs.push(1);
                self.run_bytes = 0;
                for (field, column) in &mut self.texts {
                    self.run_bytes += column.begin_run(*field, charge.value(*field));
                }
            }
        }
        self.rows += 1;
        self.bytes += self.run_bytes;
        for (field, column) in &mut self.cells {
            self.bytes += column.append(*field, charge.value(*field));
        }
    }

    /// Takes the charges collected so far. `last_row` is the source row of the last of them.
    pub(super) fn finish(&mut self, period: BillingPeriod, last_row: i64) -> RecordBatch {
        let rows = self.rows;
        let first_row = last_row - i64::try_from(rows).expect("a batch has few rows") + 1;
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from_value(period_number(period), rows)),
            Arc::new(Int32Array::from_value(0, rows)),
        ];
        let (mut texts, mut cells) = (self.texts.iter_mut(), self.cells.iter_mut());
        for field in Field::ALL {
            if is_text(*field) {
                arrays.extend(texts.next().map(|(_, column)| column.finish(&self.runs)));
            } else if let Some((_, column)) = cells.next() {
                column.finish(&mut arrays);
            }
        }
        arrays.push(Arc::new(Int64Array::from_iter_values(first_row..=last_row)));
        let mut extra = MapBuilder::new(Some(extra_names()), StringBuilder::new(), StringBuilder::new());
        (0..rows).for_each(|_| extra.append(true).expect("neither keys nor values are appended"));
        arrays.push(Arc::new(extra.finish()));
        self.runs.clear();
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new(schema(), arrays).expect("every charge has a cell in every column")
    }
}

impl TextColumn {
    /// Begins a run of charges with a text, and says how many bytes it has.
    fn begin_run(&mut self, field: Field, value: FieldValue<'_>) -> usize {
        let text = match value {
            FieldValue::Text(text) => text,
            FieldValue::Unknown => {
                self.runs.push(None);
                return 0;
            }
            other => unreachable!("{field:?}: {other:?} is no text"),
        };
        if self.count == 0 || self.last != text {
            self.texts.append_value(&text);
            self.last.clear();
            self.last.push_str(&text);
            self.count += 1;
        }
        self.runs.push(Some(self.count - 1));
        text.len()
    }

    fn finish(&mut self, lengths: &[usize]) -> ArrayRef {
        let mut keys = Int32Builder::with_capacity(lengths.iter().sum());
        for (text, length) in self.runs.iter().zip(lengths) {
            match text {
                Some(text) => keys.append_value_n(*text, *length),
                None => keys.append_nulls(*length),
            }
        }
        self.runs.clear();
        self.count = 0;
        let texts = Arc::new(self.texts.finish());
        let dictionary = DictionaryArray::<Int32Type>::try_new(keys.finish(), texts);
        Arc::new(dictionary.expect("every key is the number of a text"))
    }
}

impl CellColumn {
    /// Appends a cell, and says how many bytes count for it.
    fn append(&mut self, field: Field, value: FieldValue<'_>) -> usize {
        match (self, value) {
            (Self::Date(column), FieldValue::Date(date)) => column.append_value(date.days()),
            (Self::Date(column), FieldValue::Unknown) => column.append_null(),
            (Self::Boolean(column), FieldValue::Boolean(value)) => column.append_value(value),
            (Self::Boolean(column), FieldValue::Unknown) => column.append_null(),
            (Self::Number(column), FieldValue::Unknown) => column.append_unknown(),
            (Self::Number(column), FieldValue::Number(number)) => {
                column.append_shortest(number);
                return size_of::<i128>();
            }
            (column, value) => unreachable!("{field:?}: {value:?} does not fit {column:?}"),
        }
        0
    }

    fn finish(&mut self, arrays: &mut Vec<ArrayRef>) {
        match self {
            Self::Date(column) => arrays.push(Arc::new(column.finish())),
            Self::Boolean(column) => arrays.push(Arc::new(column.finish())),
            Self::Number(column) => column.finish(arrays),
        }
    }
}
