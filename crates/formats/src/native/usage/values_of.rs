//! The columns of usage in Parquet that are no facts: days, instants and quantities, each as a type or as text.

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, DictionaryArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use calendar::Date;
use ledger::billing::Instant;
use money::Decimal;

use super::reader::{DATE, QUANTITY, TIME};
use crate::native::error::Fault;
use crate::native::values;

/// The first integer that 38 digits do not hold.
const COLUMN_BOUND: u128 = 10u128.pow(38);
const SCALE_MAX: i8 = 18;

/// Days.
pub(super) enum Dates {
    Typed(Date32Array),
    Text(DictionaryArray<Int32Type>),
}

/// Instants.
pub(super) enum Instants {
    Typed { micros: TimestampMicrosecondArray, finer: Option<ArrayRef> },
    Text(DictionaryArray<Int32Type>),
}

/// Quantities.
pub(super) enum Quantities {
    Typed { mantissas: Decimal128Array, scale: u8 },
    Text(DictionaryArray<Int32Type>),
}

impl Dates {
    pub(super) fn accepts(found: &DataType) -> bool {
        matches!(found, DataType::Date32 | DataType::Utf8)
    }

    pub(super) fn of(array: &ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Date32 => array.as_primitive_opt::<Date32Type>().cloned().map(Self::Typed),
            _ => array.as_dictionary_opt().cloned().map(Self::Text),
        }
    }

    pub(super) fn at(&self, row: usize) -> Result<Option<Date>, Fault> {
        match self {
            Self::Typed(days) if days.is_null(row) => Ok(None),
            Self::Typed(days) => {
                let date = Date::from_days(days.value(row));
                let fault = |error| Fault::plain(DATE, format!("{error}; expected a day of the years 1900 to 9999"));
                date.map(Some).map_err(fault)
            }
            Self::Text(texts) => read(texts, row, DATE, values::date),
        }
    }
}

impl Instants {
    pub(super) fn accepts(found: &DataType) -> bool {
        matches!(found, DataType::Timestamp(_, _) | DataType::Utf8)
    }

    pub(super) fn of(array: &ArrayRef) -> Option<Self> {
        let DataType::Timestamp(unit, zone) = array.data_type() else {
            return array.as_dictionary_opt().cloned().map(Self::Text);
        };
        // An instant that microseconds cannot hold is an error, not a null.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let micros =
            cast_with_options(array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()), &strict).ok()?;
        let micros = micros.as_primitive_opt::<TimestampMicrosecondType>()?.clone();
        let finer = (*unit == TimeUnit::Nanosecond).then(|| array.clone());
        Some(Self::Typed { micros, finer })
    }

    pub(super) fn at(&self, name: &str, row: usize) -> Result<Option<Instant>, Fault> {
        match self {
            Self::Typed { micros, .. } if micros.is_null(row) => Ok(None),
            Self::Typed { micros, .. } => {
                let instant = Instant(micros.value(row));
                let fault =
                    |error| Fault::plain(name, format!("{error}; expected an instant of the years 1900 to 9999"));
                instant.date().map_err(fault)?;
                Ok(Some(instant))
            }
            Self::Text(texts) => read(texts, row, name, values::instant),
        }
    }

    /// The hour that begins at an instant.
    pub(super) fn hour_at(&self, row: usize) -> Result<Option<(Date, u8)>, Fault> {
        if let Self::Text(texts) = self {
            return read(texts, row, TIME, values::hour);
        }
        let Some(instant) = self.at(TIME, row)? else { return Ok(None) };
        let hour = if self.is_finer(row) { None } else { values::day_and_hour(instant) };
        let fault = || Fault::of(TIME, &format!("{} microseconds since 1970", instant.0), values::HOUR_EXPECTED);
        hour.map(Some).ok_or_else(fault)
    }

    /// Whether there is something behind the microseconds.
    fn is_finer(&self, row: usize) -> bool {
        let Self::Typed { finer: Some(finer), .. } = self else { return false };
        finer.as_primitive_opt::<TimestampNanosecondType>().is_none_or(|nanos| nanos.value(row) % 1_000 != 0)
    }
}

impl Quantities {
    pub(super) const EXPECTED: &str = "DECIMAL with at most 38 digits and a scale of 0 to 18, an integer or text; binary floating point is not exact, write it as decimal or text";

    pub(super) fn accepts(found: &DataType) -> bool {
        match found {
            DataType::Decimal128(_, scale) => (0..=SCALE_MAX).contains(scale),
            found => found.is_integer() || *found == DataType::Utf8,
        }
    }

    pub(super) fn of(array: &ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Decimal128(_, scale) => {
                let scale = u8::try_from(*scale).ok()?;
                let mantissas = array.as_primitive_opt::<Decimal128Type>()?.clone();
                Some(Self::Typed { mantissas, scale })
            }
            found if found.is_integer() => {
                let strict = CastOptions { safe: false, ..CastOptions::default() };
                let whole = cast_with_options(array, &DataType::Decimal128(38, 0), &strict).ok()?;
                Some(Self::Typed { mantissas: whole.as_primitive_opt::<Decimal128Type>()?.clone(), scale: 0 })
            }
            _ => array.as_dictionary_opt().cloned().map(Self::Text),
        }
    }

    pub(super) fn at(&self, row: usize) -> Result<Decimal, Fault> {
        let missing = || Fault::plain(QUANTITY, "the value is missing; expected a value");
        match self {
            Self::Typed { mantissas, .. } if mantissas.is_null(row) => Err(missing()),
            Self::Typed { mantissas, scale } => {
                let mantissa = mantissas.value(row);
                // 20 integer digits and the scale's.
                let bound = COLUMN_BOUND / 10u128.pow(u32::from(SCALE_MAX.unsigned_abs() - scale));
                let value = Decimal::from_i128(mantissa, *scale).ok().filter(|_| mantissa.unsigned_abs() < bound);
                let expected = "expected a number with at most 20 integer and 18 fraction digits";
                value.ok_or_else(|| Fault::of(QUANTITY, &format!("{mantissa}E-{scale}"), expected))
            }
            Self::Text(texts) => {
                let quantity = |text: &str| values::decimal(text, values::QUANTITY_LIMITS);
                read(texts, row, QUANTITY, quantity)?.ok_or_else(missing)
            }
        }
    }
}

/// A text of a column, read; blank ones and nulls are absent.
fn read<T>(
    texts: &DictionaryArray<Int32Type>,
    row: usize,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Fault> {
    let Some(index) = texts.key(row) else { return Ok(None) };
    let strings = texts.values().as_string::<i32>();
    let text = if strings.is_valid(index) { strings.value(index) } else { "" };
    if text.trim().is_empty() {
        return Ok(None);
    }
    read(text).map(Some).map_err(|expected| Fault::of(name, text, expected))
}
