//! Reading single values of native input from their text. Every error says what would be right.

use std::borrow::Cow;

use calendar::{BillingPeriod, Date, Term};
use ledger::SubscriptionId;
use ledger::billing::{Instant, UnitOfMeasure};
use money::{Currency, Decimal, Limits};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Longest id, in bytes.
pub(crate) const ID_BYTES_MAX: usize = 128;
/// Longest name, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// Longest resource id, in bytes.
pub(crate) const RESOURCE_ID_BYTES_MAX: usize = 2048;
/// Most integer digits of a quantity: with 18 fraction digits it fills a `decimal(38,18)`.
pub(crate) const QUANTITY_LIMITS: Limits = Limits { fraction_digits_max: 18, integer_digits_max: 20 };
/// A price times any quantity that metering can mean stays an amount that every reader takes.
pub(crate) const PRICE_LIMITS: Limits = Limits { fraction_digits_max: 18, integer_digits_max: 9 };
/// Amounts of orders: the currency allows fewer fraction digits, which is judged by value.
pub(crate) const AMOUNT_LIMITS: Limits = Limits { fraction_digits_max: 18, integer_digits_max: 18 };
/// Most fraction digits of a commitment per hour.
const COMMITMENT_DIGITS_MAX: u8 = 12;
/// Most fraction digits of amounts whose currency nobody states: no currency has more.
const MINOR_DIGITS_MAX: u8 = 4;

/// A text without control characters and without blanks around it.
pub(crate) fn text(text: &str, bytes_max: usize) -> Result<&str, String> {
    if text.is_empty() || text.trim() != text {
        return Err("the text is blank or has blanks around it; expected text without them".to_owned());
    }
    if text.len() > bytes_max {
        return Err(format!("the text has {} bytes; expected at most {bytes_max}", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err("the text has a control character; expected printable text".to_owned());
    }
    Ok(text)
}

/// An id: a text without slashes, which would break the paths that it becomes part of.
pub(crate) fn id(value: &str) -> Result<&str, String> {
    let value = text(value, ID_BYTES_MAX)?;
    if value.contains(['/', '\\', '?', '#']) {
        return Err("the id has one of / \\ ? #; expected an id without them".to_owned());
    }
    Ok(value)
}

/// A subscription id.
pub(crate) fn subscription(text: &str) -> Result<SubscriptionId, String> {
    SubscriptionId::parse(text)
        .map_err(|_| "expected a subscription id, a GUID such as 1caaa5a3-2b66-438e-8ab4-bce37d518c5d".to_owned())
}

/// A number with at most so many digits.
pub(crate) fn decimal(text: &str, limits: Limits) -> Result<Decimal, String> {
    let parsed = Decimal::parse(text.as_bytes(), limits).map_err(|error| {
        format!(
            "{error}; expected a decimal number with at most {} integer and {} fraction digits",
            limits.integer_digits_max, limits.fraction_digits_max
        )
    })?;
    Ok(parsed.value)
}

/// A price: not negative.
pub(crate) fn price(text: &str) -> Result<Decimal, String> {
    let price = decimal(text, PRICE_LIMITS)?;
    if price.is_negative() { Err("the price is negative; expected 0 or more".to_owned()) } else { Ok(price) }
}

/// An amount in minor units of a currency.
pub(crate) fn amount(text: &str, currency: Option<Currency>) -> Result<Decimal, String> {
    let amount = decimal(text, AMOUNT_LIMITS)?;
    let digits = currency.map_or(MINOR_DIGITS_MAX, |currency| currency.minor_digits());
    if money::truncate(amount, digits) == amount {
        return Ok(amount);
    }
    let of = currency.map_or("any currency".to_owned(), |currency| currency.to_string());
    Err(format!("the amount has more fraction digits than {of}; expected at most {digits}"))
}

/// A number above 0.
pub(crate) fn positive(value: Decimal) -> Result<Decimal, String> {
    if value > Decimal::ZERO { Ok(value) } else { Err("expected a number above 0".to_owned()) }
}

/// A number that is not negative.
pub(crate) fn not_negative(value: Decimal) -> Result<Decimal, String> {
    if value.is_negative() { Err("expected 0 or more".to_owned()) } else { Ok(value) }
}

/// A commitment: money per hour, above 0.
pub(crate) fn commitment(text: &str) -> Result<Decimal, String> {
    let limits = Limits { fraction_digits_max: COMMITMENT_DIGITS_MAX, integer_digits_max: 18 };
    positive(decimal(text, limits)?)
}

/// A whole number above 0.
pub(crate) fn units(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let units = if digits { text.parse::<u32>().ok() } else { None };
    units.filter(|units| *units > 0).ok_or_else(|| format!("expected a whole number of 1 to {}", u32::MAX))
}

/// A day, `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    Date::parse_iso(text).map_err(|error| format!("{error}; expected a day such as 2025-01-31"))
}

/// A billing period, `YYYYMM`.
pub(crate) fn period(text: &str) -> Result<BillingPeriod, String> {
    let expected = "expected a billing period such as 202501";
    if text.len() != 6 {
        return Err(expected.to_owned());
    }
    BillingPeriod::parse(text).map_err(|error| format!("{error}; {expected}"))
}

/// A term of 1 to 120 months.
pub(crate) fn term_months(text: &str) -> Result<Term, String> {
    let months = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
    let term = months.and_then(|months| Term::new(months).ok());
    term.ok_or_else(|| "expected a whole number of 1 to 120 months, such as 12 or 36".to_owned())
}

/// A currency.
pub(crate) fn currency(text: &str) -> Result<Currency, String> {
    text.parse().map_err(|_| "expected an ISO currency code such as USD".to_owned())
}

/// A unit of measure.
pub(crate) fn unit(text: &str) -> Result<UnitOfMeasure, String> {
    UnitOfMeasure::parse(text)
        .map_err(|_| "expected a block and a unit such as 1 Hour, 100 Hours, 10K or 1 GB/Month".to_owned())
}

/// An instant; what is finer than a microsecond is dropped.
pub(crate) fn instant(text: &str) -> Result<Instant, String> {
    let expected = || "expected an instant such as 2025-01-31T13:45:00Z".to_owned();
    let instant = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| expected())?;
    let micros = i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000)).map_err(|_| expected())?;
    let instant = Instant(micros);
    instant.date().map_err(|error| format!("{error}; {}", expected()))?;
    Ok(instant)
}

const HOUR_MICROS: i64 = 3_600_000_000;

/// The day and the hour that begin at an instant. `None`: it is not the beginning of an hour, UTC.
pub(crate) fn day_and_hour(instant: Instant) -> Option<(Date, u8)> {
    if instant.0.rem_euclid(HOUR_MICROS) != 0 {
        return None;
    }
    let hour = u8::try_from(instant.0.div_euclid(HOUR_MICROS).rem_euclid(24)).ok()?;
    Some((instant.date().ok()?, hour))
}

/// The instant at which usage of a day or an hour begins.
pub(crate) fn begin(day: Date, hour: Option<u8>) -> Instant {
    Instant(Instant::start_of(day).0 + i64::from(hour.unwrap_or(0)) * HOUR_MICROS)
}

/// What an hour should look like.
pub(crate) const HOUR_EXPECTED: &str = "expected the beginning of an hour in UTC such as 2025-01-31T13:00:00Z";

/// A hour of usage.
pub(crate) fn hour(text: &str) -> Result<(Date, u8), String> {
    let instant = instant(text).map_err(|_| HOUR_EXPECTED.to_owned())?;
    day_and_hour(instant).ok_or_else(|| HOUR_EXPECTED.to_owned())
}

/// Whether a publisher is another one than the operator.
pub(crate) fn publisher_type(text: &str) -> Result<bool, String> {
    match text {
        "Azure" => Ok(false),
        "Marketplace" => Ok(true),
        _ => Err("expected Azure or Marketplace".to_owned()),
    }
}

/// `true` or `false`.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err("expected true or false".to_owned())
    }
}

/// The number `mantissa` / 10^`scale` without zeros at the end of its fraction; `scale` is at most 28.
pub(crate) fn shortest_scaled(mantissa: i128, scale: u8) -> Decimal {
    Decimal::from_i128(mantissa, scale).expect("a scale of at most 28 and 128 bits fit a decimal").shortest()
}

/// JSON text without the blanks between its parts. The text has been checked to be JSON.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    if !json.bytes().any(blank) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for letter in json.chars() {
        if !in_text && u8::try_from(letter).is_ok_and(blank) {
            continue;
        }
        out.push(letter);
        in_text = if letter == '"' && !escaped { !in_text } else { in_text };
        escaped = in_text && letter == '\\' && !escaped;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_inside_of_texts_stay() {
        assert_eq!(compact("{ \"a b\" : \"c \\\" d\" ,\n\"e\":1 }"), "{\"a b\":\"c \\\" d\",\"e\":1}");
        assert_eq!(compact(r#"{"a\\": "b"}"#), r#"{"a\\":"b"}"#);
    }

    #[test]
    fn hours_are_full_hours_of_utc() {
        let day: Date = "2025-01-31".parse().unwrap();
        assert_eq!(hour("2025-01-31T13:00:00Z"), Ok((day, 13)));
        assert_eq!(hour("2025-02-01T01:00:00+05:00"), Ok((day, 20)));
        for text in ["2025-01-31T13:30:00Z", "2025-01-31T13:00:00.5Z", "2025-01-31", "2025-01-31T13:00:00+05:30", ""] {
            assert_eq!(hour(text), Err(HOUR_EXPECTED.to_owned()), "{text}");
        }
    }

    #[test]
    fn zeros_at_the_end_of_a_fraction_go() {
        let wide = "12345678901234567890.1234567890123456789000";
        for (text, short) in [("0.000", "0"), ("10", "10"), ("-1.500", "-1.5"), ("3.20", "3.2"), (wide, &wide[..40])] {
            let number = Decimal::parse(text.as_bytes(), Limits::TOTAL).unwrap().value;
            assert_eq!(number.shortest().to_string(), short);
        }
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let yen = Currency::parse("JPY").unwrap();
        assert!(amount("100.00", Some(yen)).is_ok());
        assert_eq!(
            amount("100.5", Some(yen)).unwrap_err(),
            "the amount has more fraction digits than JPY; expected at most 0"
        );
        assert!(amount("0.0001", None).is_ok() && amount("0.00001", None).is_err());
    }
}
