//! The Arrow schema of charges: what a Parquet file of the lake holds.
//!
//! Frozen by `docs/adr/0001-charge-schema.md`. Every decimal field is three columns: the value at a fixed scale that
//! outside readers can sum, the scale that the source wrote, and, rarely, the source's own spelling.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema, SchemaRef};
use ledger::{Field, FieldKind};

/// Scale of `cost` in the lake: `decimal(38,28)`.
pub(crate) const COST_SCALE: u8 = 28;
/// Scale of quantities and prices in the lake: `decimal(38,18)`.
pub(crate) const NUMBER_SCALE: u8 = 18;
pub(crate) const DECIMAL_DIGITS: u8 = 38;

/// Source scope that the row was imported for; equal for all rows of a file.
pub const SOURCE_SCOPE_COLUMN: &str = "source_scope";
/// SHA-256 of the source file's uncompressed bytes, in lower-case hexadecimal.
pub const SOURCE_HASH_COLUMN: &str = "source_hash";
/// Number of the data row in the source file, from 1; rejected rows count.
pub const SOURCE_ROW_COLUMN: &str = "source_row";
/// Cells of columns that no layout knows, by column name; blank cells are absent.
pub const EXTRA_COLUMN: &str = "extra";
/// `YYYYMM` as a number while rows are staged; a partition column (text) of the lake.
pub const BILLING_PERIOD_COLUMN: &str = "billing_period";
/// Which source of the import a staged row is from, from 0; its hash is known when the source has been read.
pub const SOURCE_INDEX_COLUMN: &str = "source_index";

/// Name of the column that holds the source's number of fraction digits.
pub fn scale_column(field: Field) -> String {
    format!("{}_scale", field.column())
}

/// Name of the column that holds the source's spelling where value and scale do not restore it.
pub fn text_column(field: Field) -> String {
    format!("{}_text", field.column())
}

/// The scale at which the lake stores a decimal field.
pub(crate) const fn stored_scale(field: Field) -> u8 {
    match field.kind() {
        FieldKind::Cost => COST_SCALE,
        _ => NUMBER_SCALE,
    }
}

/// The Arrow fields of charges in column order.
pub fn charge_fields() -> Vec<ArrowField> {
    let mut fields = Vec::new();
    for field in Field::ALL {
        let name = field.column();
        match field.kind() {
            FieldKind::Text => fields.push(ArrowField::new(name, DataType::Utf8, true)),
            FieldKind::Date => fields.push(ArrowField::new(name, DataType::Date32, true)),
            FieldKind::Boolean => fields.push(ArrowField::new(name, DataType::Boolean, true)),
            FieldKind::Cost | FieldKind::Number => {
                let scale = stored_scale(*field).cast_signed();
                fields.push(ArrowField::new(name, DataType::Decimal128(DECIMAL_DIGITS, scale), true));
                fields.push(ArrowField::new(scale_column(*field), DataType::Int8, true));
                fields.push(ArrowField::new(text_column(*field), DataType::Utf8, true));
            }
        }
    }
    fields.push(ArrowField::new(SOURCE_SCOPE_COLUMN, DataType::Utf8, false));
    fields.push(ArrowField::new(SOURCE_HASH_COLUMN, DataType::Utf8, false));
    fields.push(ArrowField::new(SOURCE_ROW_COLUMN, DataType::Int64, false));
    fields.push(extra_field());
    fields
}

fn extra_field() -> ArrowField {
    let entry = Fields::from(vec![
        ArrowField::new("key", DataType::Utf8, false),
        ArrowField::new("value", DataType::Utf8, true),
    ]);
    let entries = ArrowField::new("key_value", DataType::Struct(entry), false);
    ArrowField::new(EXTRA_COLUMN, DataType::Map(Arc::new(entries), false), true)
}

/// The schema of a file of the lake.
pub fn charge_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(charge_fields())));
    SCHEMA.clone()
}

/// The schema of staged rows: billing period and source index, then the fields of a charge, without what is known
/// only when all sources have been read (scope and hash).
pub fn staging_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let front =
            [BILLING_PERIOD_COLUMN, SOURCE_INDEX_COLUMN].map(|name| ArrowField::new(name, DataType::Int32, false));
        let known_late = [SOURCE_SCOPE_COLUMN, SOURCE_HASH_COLUMN];
        let fields = charge_fields().into_iter().filter(|field| !known_late.contains(&field.name().as_str()));
        Arc::new(Schema::new(front.into_iter().chain(fields).collect::<Vec<_>>()))
    });
    SCHEMA.clone()
}
