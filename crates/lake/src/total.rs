//! The exact sum of the cost column of a batch.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int8Type};
use formats::{scale_column, text_column};
use ledger::Field;
use money::{Decimal, Limits, Total};

use crate::error::LakeError;

/// Scale of the stored cost.
const STORED_SCALE: u8 = 28;

/// Adds the costs of a batch to a total, in 256 bits. Values that the narrow column cannot hold are read from their
/// text. The total's scale is the greatest that any row's source wrote.
pub fn total_cost(batch: &RecordBatch, total: &mut Total) -> Result<(), LakeError> {
    let foreign = || LakeError::ForeignFile { path: "a batch".into(), reason: "it has no cost column".into() };
    let column = |name: &str| batch.column_by_name(name).ok_or_else(foreign);
    let values = column(Field::Cost.column())?.as_primitive_opt::<Decimal128Type>().ok_or_else(foreign)?;
    let scales = column(&scale_column(Field::Cost))?.as_primitive_opt::<Int8Type>().ok_or_else(foreign)?;
    let texts = column(&text_column(Field::Cost))?;
    let sum = |source| LakeError::Sum { what: "a batch".into(), source };
    for row in 0..batch.num_rows() {
        if !values.is_null(row) {
            let scale = scales.value(row).unsigned_abs();
            let value = Decimal::from_rescaled_i128(values.value(row), STORED_SCALE, scale);
            let value = value.ok_or_else(|| LakeError::ForeignFile {
                path: "a batch".into(),
                reason: format!("the cost of row {row} has more digits than its scale {scale} says"),
            })?;
            total.add(value).map_err(sum)?;
        } else if !texts.is_null(row) {
            let text = texts.as_string_opt::<i32>().ok_or_else(foreign)?.value(row);
            let parsed = Decimal::parse(text.as_bytes(), Limits::COST).map_err(|error| LakeError::ForeignFile {
                path: "a batch".into(),
                reason: format!("the cost {text:?} is no number: {error}"),
            })?;
            total.add(parsed.value).map_err(sum)?;
        }
    }
    Ok(())
}
