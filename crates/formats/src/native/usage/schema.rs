//! The Arrow schema of stored usage. The enrollment and the billing period in which a record is posted are partitions of
//! its table and no columns here.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::fact::UsageFact;

/// Scale of stored quantities: `decimal(38,18)`.
pub(crate) const QUANTITY_SCALE: u8 = 18;
const QUANTITY_DIGITS: u8 = 38;

/// Columns before the facts, in order.
pub(super) const FRONT: [&str; 8] =
    ["date", "hour", "late_date", "late_hour", "received_at", "batch_index", "record", "quantity"];

/// The schema of the usage table and its files:
/// `date` (of the row that the usage becomes part of), `hour` (0 to 23; null: daily), `late_date` and `late_hour` (the
/// real time of usage that is posted late, D-31), `received_at` (microseconds since 1970, UTC), `batch_index` (which
/// batch of the commit the record came with), `record` (its number in the batch, from 1), `quantity`, and the facts as
/// text.
pub fn usage_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| schema(&DataType::Utf8));
    SCHEMA.clone()
}

/// The same with dictionaries for texts: what [`super::UsageBatchBuilder`] makes, and the types to ask a Parquet reader
/// for, because [`super::UsageAdder`] looks at a dictionary's texts once and not row by row.
pub fn usage_batch_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> =
        LazyLock::new(|| schema(&DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))));
    SCHEMA.clone()
}

fn schema(text: &DataType) -> SchemaRef {
    let front = FRONT.iter().map(|name| match *name {
        "date" => Field::new(*name, DataType::Date32, false),
        "hour" | "late_hour" => Field::new(*name, DataType::Int8, true),
        "late_date" => Field::new(*name, DataType::Date32, true),
        "received_at" | "record" => Field::new(*name, DataType::Int64, false),
        "batch_index" => Field::new(*name, DataType::Int32, false),
        _ => Field::new(*name, DataType::Decimal128(QUANTITY_DIGITS, QUANTITY_SCALE.cast_signed()), false),
    });
    let facts = UsageFact::ALL.iter().map(|fact| Field::new(fact.column(), text.clone(), !fact.is_required()));
    Arc::new(Schema::new(front.chain(facts).collect::<Vec<_>>()))
}
