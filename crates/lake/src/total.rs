//! The exact sum of the cost column of a batch.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int8Type, Int32Type};
use formats::{scale_column, text_column};
use ledger::Field;
use money::{Decimal, Limits, Total, divided_exactly};

use crate::error::LakeError;

/// Scale of the stored cost.
const STORED_SCALE: u8 = 28;

/// The cost columns of a batch.
pub(crate) struct CostColumns<'a> {
    values: &'a PrimitiveArray<Decimal128Type>,
    scales: &'a PrimitiveArray<Int8Type>,
    texts: &'a ArrayRef,
}

impl<'a> CostColumns<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Result<Self, LakeError> {
        let missing = || foreign("it has no cost column".into());
        let column = |name: &str| batch.column_by_name(name).ok_or_else(missing);
        Ok(Self {
            values: column(Field::Cost.column())?.as_primitive_opt().ok_or_else(missing)?,
            scales: column(&scale_column(Field::Cost))?.as_primitive_opt().ok_or_else(missing)?,
            texts: column(&text_column(Field::Cost))?,
        })
    }

    /// Adds the cost of a row, in 256 bits. A value that the narrow column cannot hold is read from its text.
    pub(crate) fn add(&self, row: usize, total: &mut Total) -> Result<(), LakeError> {
        let sum = |source| LakeError::Sum { what: "a batch".into(), source };
        if !self.values.is_null(row) {
            let scale = self.scales.value(row).unsigned_abs();
            let padding = STORED_SCALE.checked_sub(scale);
            let value = padding.and_then(|padding| divided_exactly(self.values.value(row), padding));
            let too_long = || foreign(format!("the cost of row {row} has more digits than its scale {scale} says"));
            return total.add_scaled_i128(value.ok_or_else(too_long)?, scale).map_err(sum);
        }
        let Some(text) = self.text(row)? else { return Ok(()) };
        let parsed = Decimal::parse(text.as_bytes(), Limits::COST)
            .map_err(|error| foreign(format!("the cost {text:?} is no number: {error}")))?;
        total.add(parsed.value).map_err(sum)
    }

    fn text(&self, row: usize) -> Result<Option<&'a str>, LakeError> {
        if self.texts.is_null(row) {
            return Ok(None);
        }
        let another = || foreign("its cost texts are of another type".into());
        if let Some(dictionary) = self.texts.as_dictionary_opt::<Int32Type>() {
            let values = dictionary.values().as_string_opt::<i32>().ok_or_else(another)?;
            return Ok(dictionary.key(row).map(|key| values.value(key)));
        }
        Ok(Some(self.texts.as_string_opt::<i32>().ok_or_else(another)?.value(row)))
    }
}

fn foreign(reason: String) -> LakeError {
    LakeError::ForeignFile { path: "a batch".into(), reason }
}

/// Adds the costs of a batch to a total, in 256 bits. Values that the narrow column cannot hold are read from their
/// text. The total's scale is the greatest that any row's source wrote.
pub fn total_cost(batch: &RecordBatch, total: &mut Total) -> Result<(), LakeError> {
    let costs = CostColumns::of(batch)?;
    (0..batch.num_rows()).try_for_each(|row| costs.add(row, total))
}
