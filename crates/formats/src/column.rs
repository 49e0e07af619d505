//! The columns of a batch of charges, ready to be written row by row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int8Array, Int64Array, MapArray, PrimitiveArray,
    RecordBatch, StringArray,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Date32Type, Decimal128Type, Int8Type, Int32Type, Int64Type};
use calendar::Date;
use ledger::{Field, FieldKind};
use money::divided_exactly;

use crate::schema::{EXTRA_COLUMN, scale_column, stored_scale, text_column};

/// A batch does not have the columns of a charge.
#[derive(Debug, thiserror::Error)]
#[error("a batch of charges has no usable column {column}")]
pub struct EncodeError {
    /// The missing column or the one of another type.
    pub column: String,
}

/// A column prepared for one batch.
pub(crate) enum Column {
    Text(CodedTexts),
    /// Texts of which most stand in one row only.
    Plain(StringArray),
    /// The text of every row, already written as a cell.
    Same(Vec<u8>),
    Date(Vec<Option<Date>>),
    Boolean(BooleanArray),
    Decimal(Decimals),
}

/// Texts already written as cells, by dictionary code.
pub(crate) struct CodedTexts {
    /// The code of each row, none of them negative.
    codes: ScalarBuffer<i32>,
    bytes: Vec<u8>,
    /// Where the text of a code begins; that of the next code ends it.
    starts: Vec<usize>,
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
    /// The column of a field; each distinct text of a dictionary is written once.
    pub(crate) fn of(
        batch: &RecordBatch,
        field: Field,
        write_text: impl Fn(&[u8], &mut Vec<u8>),
    ) -> Result<Self, EncodeError> {
        let array = named(batch, field.column())?;
        let unusable = || unusable(field.column());
        match field.kind() {
            FieldKind::Text => match array.as_string_opt() {
                Some(texts) => Ok(Self::Plain(texts.clone())),
                None => match same_text(array) {
                    Some(text) => Ok(Self::Same(written(text, write_text))),
                    None => CodedTexts::of(array, write_text).map(Self::Text).ok_or_else(unusable),
                },
            },
            FieldKind::Date => {
                let days = array.as_primitive_opt::<Date32Type>().ok_or_else(unusable)?;
                Ok(Self::Date(dates(days).ok_or_else(unusable)?))
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

/// The text of every row of a dictionary that has no other; unknown cells are another one.
fn same_text(array: &ArrayRef) -> Option<&str> {
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    let values = dictionary.values().as_string_opt::<i32>()?;
    let same = values.len() == 1 && !values.is_null(0) && dictionary.keys().null_count() == 0;
    same.then(|| values.value(0))
}

fn written(text: &str, write_text: impl Fn(&[u8], &mut Vec<u8>)) -> Vec<u8> {
    let mut cell = Vec::new();
    write_text(text.as_bytes(), &mut cell);
    cell
}

/// The dates of a column; `None` where a day is none. Neighbours are often of the same day.
fn dates(days: &PrimitiveArray<Date32Type>) -> Option<Vec<Option<Date>>> {
    let mut last = None;
    days.iter()
        .map(|day| match (day, last) {
            (None, _) => Some(None),
            (Some(day), Some((known, date))) if known == day => Some(Some(date)),
            (Some(day), _) => {
                let date = Date::from_days(day).ok()?;
                last = Some((day, date));
                Some(Some(date))
            }
        })
        .collect()
}

impl CodedTexts {
    /// A text column by its name in the lake.
    pub(crate) fn named(
        batch: &RecordBatch,
        column: &str,
        write_text: impl Fn(&[u8], &mut Vec<u8>),
    ) -> Result<Self, EncodeError> {
        Self::of(named(batch, column)?, write_text).ok_or_else(|| unusable(column))
    }

    /// The texts of the given codes, one for each row: as many as `texts` has, written by it.
    pub(crate) fn written(
        codes: impl Into<ScalarBuffer<i32>>,
        texts: usize,
        write: impl Fn(usize, &mut Vec<u8>),
    ) -> Self {
        let codes = codes.into();
        debug_assert!(codes.iter().all(|code| usize::try_from(*code).is_ok_and(|code| code < texts)));
        let (mut bytes, mut starts) = (Vec::new(), Vec::with_capacity(texts + 1));
        for text in 0..texts {
            starts.push(bytes.len());
            write(text, &mut bytes);
        }
        starts.push(bytes.len());
        Self { codes, bytes, starts }
    }

    fn of(array: &ArrayRef, write_text: impl Fn(&[u8], &mut Vec<u8>)) -> Option<Self> {
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            let values = dictionary.values().as_string_opt::<i32>()?;
            // The last code is the blank cell of unknown values.
            let blank = i32::try_from(values.len()).ok()?;
            let keys = dictionary.keys();
            let codes = match keys.nulls() {
                // A key is checked to be the index of a value when the array is made.
                None => keys.values().clone(),
                Some(known) => {
                    let coded = keys.values().iter().zip(known);
                    coded.map(|(code, known)| if known { *code } else { blank }).collect()
                }
            };
            return Some(Self::written(codes, values.len() + 1, |code, out| {
                write_text(if code < values.len() { values.value(code).as_bytes() } else { b"" }, out);
            }));
        }
        let values: &StringArray = array.as_string_opt()?;
        let codes: ScalarBuffer<i32> = (0..i32::try_from(values.len()).ok()?).collect();
        Some(Self::written(codes, values.len(), |code, out| {
            write_text(if values.is_null(code) { b"" } else { values.value(code).as_bytes() }, out);
        }))
    }

    /// The only text there is, else all of them.
    pub(crate) fn into_single(self) -> Result<Vec<u8>, Self> {
        if self.starts.len() == 2 { Ok(self.bytes) } else { Err(self) }
    }

    /// The code of each row.
    pub(crate) fn codes(&self) -> &[i32] {
        &self.codes
    }

    /// The cell of a row, as it was written.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> &[u8] {
        let code = self.codes[row].cast_unsigned() as usize;
        &self.bytes[self.starts[code]..self.starts[code + 1]]
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
        // The stored value without the zeros that the fixed scale added. Digits that it should not have are not cut off.
        let scale = self.scales.value(row).unsigned_abs().min(self.stored_scale);
        let value = self.values.value(row);
        Some(match divided_exactly(value, self.stored_scale - scale) {
            Some(value) => DecimalCell::Scaled(value, scale),
            None => DecimalCell::Scaled(value, self.stored_scale),
        })
    }

    /// Adds to `changed` the rows whose cell may be another one than that of the row before.
    pub(crate) fn mark_changes(&self, changed: &mut [bool]) {
        mark(self.values.values(), changed);
        mark(self.scales.values(), changed);
        for nulls in
            [self.values.nulls(), self.scales.nulls()].into_iter().flatten().filter(|nulls| nulls.null_count() > 0)
        {
            (1..changed.len()).for_each(|row| changed[row] |= nulls.is_null(row) != nulls.is_null(row - 1));
        }
        if self.texts.null_count() < self.texts.len() {
            (0..changed.len()).for_each(|row| {
                let spelled = !self.texts.is_null(row) || (row > 0 && !self.texts.is_null(row - 1));
                changed[row] |= spelled;
            });
        }
    }
}

impl Extras {
    pub(crate) fn of(batch: &RecordBatch) -> Result<Self, EncodeError> {
        let map = named(batch, EXTRA_COLUMN)?.as_map_opt().ok_or_else(|| unusable(EXTRA_COLUMN))?;
        Ok(Self(Arc::new(map.clone())))
    }

    /// Adds to `changed` the rows that have such cells, and those after them.
    pub(crate) fn mark_changes(&self, changed: &mut [bool]) {
        let has_cells: Vec<bool> = self.0.value_offsets().windows(2).map(|pair| pair[0] != pair[1]).collect();
        for (row, changed) in changed.iter_mut().enumerate() {
            *changed |= has_cells[row] || (row > 0 && has_cells[row - 1]);
        }
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

/// Adds to `changed` the rows whose value is another one than that of the row before.
pub(crate) fn mark<T: PartialEq>(values: &[T], changed: &mut [bool]) {
    for (changed, pair) in changed.iter_mut().skip(1).zip(values.windows(2)) {
        *changed |= pair[0] != pair[1];
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
