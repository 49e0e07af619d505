//! The columns of a batch of charges, ready to be written row by row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int8Array, Int64Array, MapArray, RecordBatch, StringArray,
};
use arrow::datatypes::{Date32Type, Decimal128Type, Int8Type, Int32Type, Int64Type};
use calendar::Date;
use ledger::{Field, FieldKind};

use crate::schema::{EXTRA_COLUMN, scale_column, stored_scale, text_column};

/// A batch does not have the columns of a charge.
#[derive(Debug, thiserror::Error)]
#[error("a batch of charges has no usable column {column}")]
pub struct EncodeError {
    /// The missing column or the one of another type.
    pub column: String,
}

/// Appends a text as a cell of some format.
pub(crate) type WriteText = fn(&[u8], &mut Vec<u8>);

/// A column prepared for one batch.
pub(crate) enum Column {
    Text(CodedTexts),
    Date(Vec<Option<Date>>),
    Boolean(BooleanArray),
    Decimal(Decimals),
}

/// Texts already written as cells, by dictionary code.
pub(crate) struct CodedTexts {
    codes: Vec<u32>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// The three columns of a decimal field.
pub(crate) struct Decimals {
    values: Decimal128Array,
    scales: Int8Array,
    texts: ArrayRef,
    stored_scale: u8,
}

/// A decimal cell.
pub(crate) enum DecimalCell<'a> {
    /// The source's own spelling.
    Spelled(&'a str),
    /// Value and scale; they restore the source's digits.
    Scaled(i128, u8),
}

/// The cells of columns that no layout knows.
#[derive(Clone)]
pub(crate) struct Extras(Arc<MapArray>);

fn named<'b>(batch: &'b RecordBatch, column: &str) -> Result<&'b ArrayRef, EncodeError> {
    batch.column_by_name(column).ok_or_else(|| unusable(column))
}

fn unusable(column: &str) -> EncodeError {
    EncodeError { column: column.to_owned() }
}

/// The lake columns of a field.
pub(crate) fn lake_columns(field: Field) -> Vec<String> {
    match field.kind() {
        FieldKind::Cost | FieldKind::Number => {
            vec![field.column().to_owned(), scale_column(field), text_column(field)]
        }
        FieldKind::Text | FieldKind::Date | FieldKind::Boolean => vec![field.column().to_owned()],
    }
}

impl Column {
    /// The column of a field; each distinct text is written once.
    pub(crate) fn of(batch: &RecordBatch, field: Field, write_text: WriteText) -> Result<Self, EncodeError> {
        let array = named(batch, field.column())?;
        let unusable = || unusable(field.column());
        match field.kind() {
            FieldKind::Text => CodedTexts::of(array, write_text).map(Self::Text).ok_or_else(unusable),
            FieldKind::Date => {
                let days = array.as_primitive_opt::<Date32Type>().ok_or_else(unusable)?;
                let dates: Result<_, _> = days.iter().map(|day| day.map(Date::from_days).transpose()).collect();
                Ok(Self::Date(dates.map_err(|_| unusable())?))
            }
            FieldKind::Boolean => Ok(Self::Boolean(array.as_boolean_opt().ok_or_else(unusable)?.clone())),
            FieldKind::Cost | FieldKind::Number => {
                let scales = named(batch, &scale_column(field))?;
                Ok(Self::Decimal(Decimals {
                    values: array.as_primitive_opt::<Decimal128Type>().ok_or_else(unusable)?.clone(),
                    scales: scales.as_primitive_opt::<Int8Type>().ok_or_else(unusable)?.clone(),
                    texts: named(batch, &text_column(field))?.clone(),
                    stored_scale: stored_scale(field),
                }))
            }
        }
    }
}

impl CodedTexts {
    /// A text column by its name in the lake.
    pub(crate) fn named(batch: &RecordBatch, column: &str, write_text: WriteText) -> Result<Self, EncodeError> {
        Self::of(named(batch, column)?, write_text).ok_or_else(|| unusable(column))
    }

    fn of(array: &ArrayRef, write_text: WriteText) -> Option<Self> {
        let mut texts = Self { codes: Vec::new(), bytes: Vec::new(), ends: Vec::new() };
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            let values = dictionary.values().as_string_opt::<i32>()?;
            for index in 0..values.len() {
                texts.push(values.value(index).as_bytes(), write_text);
            }
            // The last entry is the blank cell of unknown values.
            let blank = u32::try_from(values.len()).ok()?;
            texts.push(b"", write_text);
            let code = |key: Option<i32>| key.map_or(Some(blank), |key| u32::try_from(key).ok());
            texts.codes = dictionary.keys().iter().map(code).collect::<Option<Vec<u32>>>()?;
            return Some(texts);
        }
        let values: &StringArray = array.as_string_opt()?;
        for index in 0..values.len() {
            texts.push(if values.is_null(index) { b"" } else { values.value(index).as_bytes() }, write_text);
        }
        texts.codes = (0..u32::try_from(values.len()).ok()?).collect();
        Some(texts)
    }

    fn push(&mut self, value: &[u8], write_text: WriteText) {
        write_text(value, &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// The cell of a row, as it was written.
    pub(crate) fn at(&self, row: usize) -> &[u8] {
        let code = self.codes[row] as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.bytes[start..self.ends[code]]
    }
}

impl Decimals {
    /// The cell of a row; `None` for an unknown one.
    pub(crate) fn at(&self, row: usize) -> Option<DecimalCell<'_>> {
        if let Some(text) = text_at(&self.texts, row) {
            return Some(DecimalCell::Spelled(text));
        }
        if self.values.is_null(row) {
            return None;
        }
        // The stored value without the zeros that the fixed scale added.
        let scale = self.scales.value(row).unsigned_abs().min(self.stored_scale);
        let value = self.values.value(row) / 10_i128.pow(u32::from(self.stored_scale - scale));
        Some(DecimalCell::Scaled(value, scale))
    }
}

impl Extras {
    pub(crate) fn of(batch: &RecordBatch) -> Result<Self, EncodeError> {
        let map = named(batch, EXTRA_COLUMN)?.as_map_opt().ok_or_else(|| unusable(EXTRA_COLUMN))?;
        Ok(Self(Arc::new(map.clone())))
    }

    /// The cell of a row in a column.
    pub(crate) fn at(&self, row: usize, name: &str) -> Option<&str> {
        let map = &self.0;
        if map.is_null(row) {
            return None;
        }
        let offsets = map.value_offsets();
        let (start, end) = (usize::try_from(offsets[row]).ok()?, usize::try_from(offsets[row + 1]).ok()?);
        let keys = map.keys().as_string_opt::<i32>()?;
        let values = map.values().as_string_opt::<i32>()?;
        (start..end).find(|index| keys.value(*index) == name).map(|index| values.value(index))
    }
}

/// A column of whole numbers by its name in the lake.
pub(crate) fn integers(batch: &RecordBatch, column: &str) -> Result<Int64Array, EncodeError> {
    Ok(named(batch, column)?.as_primitive_opt::<Int64Type>().ok_or_else(|| unusable(column))?.clone())
}

fn text_at(texts: &ArrayRef, row: usize) -> Option<&str> {
    if texts.is_null(row) {
        return None;
    }
    match texts.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) => {
            let code = usize::try_from(dictionary.keys().value(row)).ok()?;
            Some(dictionary.values().as_string_opt::<i32>()?.value(code))
        }
        None => Some(texts.as_string_opt::<i32>()?.value(row)),
    }
}
