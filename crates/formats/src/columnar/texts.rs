//! The cells of a Parquet column as texts: each type in the spelling that a CSV export has for it.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use calendar::Date;
use money::write_scaled;

const NANOSECONDS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i128 = 86_400;

/// What is wrong with the type of a column; `None` if its cells can be told as texts.
pub(super) fn refused_type(found: &DataType) -> Option<String> {
    match found {
        DataType::Utf8
        | DataType::Binary
        | DataType::Boolean
        | DataType::Date32
        | DataType::Timestamp(_, _)
        | DataType::Null => None,
        DataType::Decimal128(_, 0..) => None,
        found if found.is_integer() => None,
        found if found.is_floating() => Some(format!(
            "it has type {found}: binary floating point has no exact decimal digits, so that the numbers of the source are \
             lost already; expected DECIMAL or text"
        )),
        found if found.is_nested() => Some("it holds lists or structures; expected one value in a cell".to_owned()),
        found => Some(format!(
            "it has type {found}; expected text, DECIMAL of at most 38 digits, an integer, DATE, TIMESTAMP or BOOLEAN"
        )),
    }
}

/// A column of a batch.
pub(super) enum Texts {
    /// Texts by their numbers in a dictionary.
    Dictionary(ArrayRef),
    /// Anything else.
    Plain(ArrayRef),
}

impl Texts {
    pub(super) fn of(array: &ArrayRef) -> Self {
        match array.data_type() {
            DataType::Dictionary(_, _) => Self::Dictionary(array.clone()),
            _ => Self::Plain(array.clone()),
        }
    }

    /// Appends the text of a cell; nothing if there is no value. The error says why the value has no text.
    pub(super) fn push(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Dictionary(array) => {
                let coded = array.as_dictionary::<Int32Type>();
                // A null among the values is unknown, and so is what a damaged file points at.
                let texts = coded.values().as_string::<i32>();
                let known = coded.key(row).filter(|index| *index < texts.len() && texts.is_valid(*index));
                out.extend_from_slice(known.map_or("", |index| texts.value(index)).as_bytes());
                Ok(())
            }
            Self::Plain(array) if array.is_null(row) => Ok(()),
            Self::Plain(array) => push_value(array, row, out),
        }
    }
}

fn push_value(array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
    match array.data_type() {
        DataType::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => out.extend_from_slice(array.as_binary::<i32>().value(row)),
        DataType::Boolean => out.extend_from_slice(if array.as_boolean().value(row) { b"True" } else { b"False" }),
        DataType::Date32 => {
            let day = Date::from_days(array.as_primitive::<Date32Type>().value(row));
            day.map_err(|error| error.to_string())?.write_iso(out);
        }
        DataType::Timestamp(unit, _) => push_instant(array, *unit, row, out)?,
        DataType::Decimal128(_, scale) => {
            push_shortest(array.as_primitive::<Decimal128Type>().value(row), scale.unsigned_abs(), out);
        }
        DataType::Int8 => push_whole::<Int8Type>(array, row, out),
        DataType::Int16 => push_whole::<Int16Type>(array, row, out),
        DataType::Int32 => push_whole::<Int32Type>(array, row, out),
        DataType::Int64 => push_whole::<Int64Type>(array, row, out),
        DataType::UInt8 => push_whole::<UInt8Type>(array, row, out),
        DataType::UInt16 => push_whole::<UInt16Type>(array, row, out),
        DataType::UInt32 => push_whole::<UInt32Type>(array, row, out),
        DataType::UInt64 => push_whole::<UInt64Type>(array, row, out),
        _ => {}
    }
    Ok(())
}

fn push_whole<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize, out: &mut Vec<u8>)
where
    T::Native: Into<i128>,
{
    write_scaled(array.as_primitive::<T>().value(row).into(), 0, out);
}

/// A decimal says a value and no spelling: the zeros at its end are the column's, so they are left out.
fn push_shortest(mantissa: i128, scale: u8, out: &mut Vec<u8>) {
    let (mut mantissa, mut scale) = (mantissa, scale);
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    write_scaled(mantissa, scale, out);
}

fn push_instant(array: &ArrayRef, unit: TimeUnit, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
    fn value<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, row: usize) -> i128 {
        let values: &PrimitiveArray<T> = array.as_primitive();
        i128::from(values.value(row))
    }
    let nanoseconds = match unit {
        TimeUnit::Second => value::<TimestampSecondType>(array, row) * NANOSECONDS_PER_SECOND,
        TimeUnit::Millisecond => value::<TimestampMillisecondType>(array, row) * 1_000_000,
        TimeUnit::Microsecond => value::<TimestampMicrosecondType>(array, row) * 1_000,
        TimeUnit::Nanosecond => value::<TimestampNanosecondType>(array, row),
    };
    let seconds = nanoseconds.div_euclid(NANOSECONDS_PER_SECOND);
    let day = i32::try_from(seconds.div_euclid(SECONDS_PER_DAY)).ok().and_then(|day| Date::from_days(day).ok());
    day.ok_or("the time is not of the years 1900 to 9999")?.write_iso(out);
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let clock = format!("T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    out.extend_from_slice(clock.as_bytes());
    let fraction = nanoseconds.rem_euclid(NANOSECONDS_PER_SECOND);
    if fraction != 0 {
        out.push(b'.');
        out.extend_from_slice(format!("{fraction:09}").trim_end_matches('0').as_bytes());
    }
    out.push(b'Z');
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Int64Array, NullArray, StringArray,
        TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
    };

    use super::*;

    fn texts(array: impl Array + 'static) -> Vec<String> {
        let array: ArrayRef = Arc::new(array);
        let column = Texts::of(&array);
        let text = |row| {
            let mut out = Vec::new();
            column.push(row, &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        (0..array.len()).map(|row| text(row).unwrap_or_else(|reason| reason)).collect()
    }

    #[test]
    fn every_type_has_the_spelling_of_a_file() {
        assert_eq!(texts(StringArray::from(vec![Some("a,b"), None])), ["a,b", ""]);
        assert_eq!(texts(DictionaryArray::<Int32Type>::from_iter([Some("x"), None, Some("x")])), ["x", "", "x"]);
        assert_eq!(texts(BinaryArray::from_vec(vec![b"bytes".as_slice()])), ["bytes"]);
        assert_eq!(texts(BooleanArray::from(vec![Some(true), Some(false), None])), ["True", "False", ""]);
        assert_eq!(texts(NullArray::new(2)), ["", ""]);
        assert_eq!(texts(Date32Array::from(vec![19_601, i32::MAX])).first().unwrap(), "2023-09-01");
        assert_eq!(texts(Int64Array::from(vec![i64::MIN])), ["-9223372036854775808"]);
        assert_eq!(texts(UInt64Array::from(vec![u64::MAX])), ["18446744073709551615"]);
        let decimals = Decimal128Array::from(vec![Some(0), Some(-1_500), Some(1), Some(10i128.pow(37)), None]);
        let decimals = decimals.with_precision_and_scale(38, 18).unwrap();
        assert_eq!(texts(decimals), ["0", "-0.0000000000000015", "0.000000000000000001", "10000000000000000000", ""]);
    }

    #[test]
    fn instants_are_those_of_utc() {
        let day = 1_693_526_400_000;
        assert_eq!(
            texts(TimestampMillisecondArray::from(vec![day, day - 1, day + 3_723_000])),
            ["2023-09-01T00:00:00Z", "2023-08-31T23:59:59.999Z", "2023-09-01T01:02:03Z"]
        );
        assert_eq!(texts(TimestampNanosecondArray::from(vec![1])), ["1970-01-01T00:00:00.000000001Z"]);
        assert!(texts(TimestampMillisecondArray::from(vec![i64::MAX]))[0].contains("1900 to 9999"));
    }

    #[test]
    fn floats_and_lists_are_refused_with_the_reason() {
        assert!(refused_type(&DataType::Float64).unwrap().contains("no exact decimal digits"));
        assert!(refused_type(&DataType::new_list(DataType::Utf8, true)).unwrap().contains("lists"));
        assert!(refused_type(&DataType::Decimal256(50, 2)).unwrap().contains("38 digits"));
        assert!(refused_type(&DataType::Decimal128(38, -2)).is_some());
        assert_eq!(refused_type(&DataType::Decimal128(38, 18)), None);
    }
}
