//! Building Arrow batches of staged charges, column by column.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int8Builder, Int32Builder, Int64Builder, MapBuilder,
    MapFieldNames, RecordBatch, StringBuilder,
};
use arrow::datatypes::DataType;
use calendar::{BillingPeriod, Date};
use ledger::{Field, FieldKind};
use money::Decimal;

use crate::cells::DecimalCell;
use crate::schema::{DECIMAL_DIGITS, staging_schema, stored_scale};

/// Most rows in a batch: a sorted run that fits memory many times.
pub(crate) const BATCH_ROWS_MAX: usize = 1 << 15;
/// Most cell bytes in a batch; wide rows make shorter batches.
pub(crate) const BATCH_BYTES_MAX: usize = 32 << 20;

/// A cell of a row, read and checked.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    Unknown,
    Text(Cow<'a, str>),
    Date(Date),
    Boolean(bool),
    Decimal { parsed: DecimalCell, spelling: Cow<'a, str> },
}

#[derive(Debug)]
enum Column {
    Text(StringBuilder),
    Date(Date32Builder),
    Boolean(BooleanBuilder),
    Decimal(Box<DecimalColumn>),
}

/// The three columns of a decimal field.
#[derive(Debug)]
pub(crate) struct DecimalColumn {
    value: Decimal128Builder,
    scale: Int8Builder,
    text: StringBuilder,
    stored_scale: u8,
}

impl DecimalColumn {
    /// Empty columns of a decimal field.
    pub(crate) fn new(field: Field) -> Self {
        let stored_scale = stored_scale(field);
        let data_type = DataType::Decimal128(DECIMAL_DIGITS, stored_scale.cast_signed());
        Self {
            value: Decimal128Builder::new().with_data_type(data_type),
            scale: Int8Builder::new(),
            text: StringBuilder::new(),
            stored_scale,
        }
    }

    pub(crate) fn append_unknown(&mut self) {
        self.value.append_null();
        self.scale.append_null();
        self.text.append_null();
    }

    /// The spelling is kept only where value and scale do not restore it.
    fn append(&mut self, parsed: &DecimalCell, spelling: &str) {
        let stored = parsed.value.rescaled_i128(self.stored_scale);
        self.value.append_option(stored);
        self.scale.append_value(parsed.value.scale().cast_signed());
        self.text.append_option((stored.is_none() || !parsed.canonical).then_some(spelling));
    }

    /// Appends a number so that value and scale print as the shortest plain decimal (SEMANTICS 2.4). It is spelled only
    /// where the column cannot hold its value.
    pub(crate) fn append_shortest(&mut self, number: Decimal) {
        let shortest = number.shortest();
        let stored = shortest.rescaled_i128(self.stored_scale);
        self.value.append_option(stored);
        self.scale.append_value(shortest.scale().cast_signed());
        match stored {
            Some(_) => self.text.append_null(),
            None => self.text.append_value(shortest.to_string()),
        }
    }

    /// Takes the three columns.
    pub(crate) fn finish(&mut self, arrays: &mut Vec<ArrayRef>) {
        arrays.push(Arc::new(self.value.finish()));
        arrays.push(Arc::new(self.scale.finish()));
        arrays.push(Arc::new(self.text.finish()));
    }
}

/// Collects rows until a batch is full.
#[derive(Debug)]
pub(crate) struct ChargeBatchBuilder {
    billing_period: Int32Builder,
    source_index: Int32Builder,
    columns: Vec<Column>,
    source_row: Int64Builder,
    extra: MapBuilder<StringBuilder, StringBuilder>,
    rows: usize,
    bytes: usize,
}

impl ChargeBatchBuilder {
    pub(crate) fn new() -> Self {
        let columns = Field::ALL
            .iter()
            .map(|field| match field.kind() {
                FieldKind::Text => Column::Text(StringBuilder::new()),
                FieldKind::Date => Column::Date(Date32Builder::new()),
                FieldKind::Boolean => Column::Boolean(BooleanBuilder::new()),
                FieldKind::Cost | FieldKind::Number => Column::Decimal(Box::new(DecimalColumn::new(*field))),
            })
            .collect();
        Self {
            billing_period: Int32Builder::new(),
            source_index: Int32Builder::new(),
            columns,
            source_row: Int64Builder::new(),
            extra: MapBuilder::new(Some(extra_names()), StringBuilder::new(), StringBuilder::new()),
            rows: 0,
            bytes: 0,
        }
    }

    /// Whether the batch should be finished before the next row.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Begins a row; its cells follow in field order, then [`Self::end_row`].
    pub(crate) fn begin_row(&mut self, period: BillingPeriod, source_index: i32, source_row: i64) {
        self.billing_period.append_value(period_number(period));
        self.source_index.append_value(source_index);
        self.source_row.append_value(source_row);
    }

    /// Appends the cell of a field. The cell's kind is the field's.
    pub(crate) fn cell(&mut self, field: Field, cell: &Cell<'_>) {
        match (&mut self.columns[field.index()], cell) {
            (Column::Text(column), Cell::Text(text)) => {
                self.bytes += text.len();
                column.append_value(text);
            }
            (Column::Text(column), Cell::Unknown) => column.append_null(),
            (Column::Date(column), Cell::Date(date)) => column.append_value(date.days()),
            (Column::Date(column), Cell::Unknown) => column.append_null(),
            (Column::Boolean(column), Cell::Boolean(value)) => column.append_value(*value),
            (Column::Boolean(column), Cell::Unknown) => column.append_null(),
            (Column::Decimal(column), Cell::Unknown) => column.append_unknown(),
            (Column::Decimal(column), Cell::Decimal { parsed, spelling }) => {
                self.bytes += 16;
                column.append(parsed, spelling);
            }
            (column, cell) => unreachable!("{field:?}: {cell:?} does not fit {column:?}"),
        }
    }

    /// Appends a cell of a column that no layout knows.
    pub(crate) fn extra_cell(&mut self, name: &str, value: &str) {
        self.bytes += name.len() + value.len();
        self.extra.keys().append_value(name);
        self.extra.values().append_value(value);
    }

    pub(crate) fn end_row(&mut self) {
        self.extra.append(true).expect("keys and values are appended in pairs");
        self.rows += 1;
    }

    /// Takes the rows collected so far.
    pub(crate) fn finish(&mut self) -> RecordBatch {
        let mut arrays: Vec<ArrayRef> =
            vec![Arc::new(self.billing_period.finish()), Arc::new(self.source_index.finish())];
        for column in &mut self.columns {
            match column {
                Column::Text(column) => arrays.push(Arc::new(column.finish())),
                Column::Date(column) => arrays.push(Arc::new(column.finish())),
                Column::Boolean(column) => arrays.push(Arc::new(column.finish())),
                Column::Decimal(column) => column.finish(&mut arrays),
            }
        }
        arrays.push(Arc::new(self.source_row.finish()));
        arrays.push(Arc::new(self.extra.finish()));
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(staging_schema(), arrays).expect("every row has a cell in every column")
    }
}

/// The names inside of the column of further cells.
pub(crate) fn extra_names() -> MapFieldNames {
    MapFieldNames { entry: "key_value".to_owned(), key: "key".to_owned(), value: "value".to_owned() }
}

/// A billing period as the number `YYYYMM`.
pub(crate) fn period_number(period: BillingPeriod) -> i32 {
    i32::from(period.year()) * 100 + i32::from(period.month())
}
