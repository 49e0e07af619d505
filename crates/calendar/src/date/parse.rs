//! Reading dates. Published EA exports write `MM/DD/YYYY`, newer ones and all requests ISO forms, some tools `YYYYMMDD`.
//!
//! Three dates per row are read while importing, so the two usual spellings are recognised by the places of their
//! separators in a fixed-size array and nothing is searched or copied.

use std::str::FromStr;

use super::Date;
use crate::error::CalendarError;

/// The most digits of a fraction of a second that are read; no clock prints more.
const FRACTION_DIGITS_MAX: usize = 9;

impl Date {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`CalendarError::IsoDateSyntax`], [`CalendarError::ImpossibleDate`], [`CalendarError::YearOutOfRange`].
    pub fn parse_iso(text: &str) -> Result<Date, CalendarError> {
        let bytes: &[u8; 10] = text.as_bytes().try_into().map_err(|_| CalendarError::IsoDateSyntax)?;
        iso_date(bytes).unwrap_or(Err(CalendarError::IsoDateSyntax))
    }

    /// Reads a date in any spelling that occurs in exports:
    ///
    /// - `MM/DD/YYYY`, month and day also with one digit;
    /// - `YYYY-MM-DD`;
    /// - `YYYY-MM-DDTHH:MM`, then optionally `:SS`, a fraction of up to nine digits after the seconds, and `Z` or
    ///   `+00:00`: the time of day is checked and dropped;
    /// - `YYYYMMDD`.
    ///
    /// A slash always means month before day, the order of the provider's files in every locale.
    ///
    /// # Errors
    /// [`CalendarError::DateSyntax`]; [`CalendarError::ImpossibleDate`] for dates such as 30 February;
    /// [`CalendarError::ImpossibleTime`]; [`CalendarError::OffsetNotUtc`] for another offset, because the UTC day could
    /// be another one; [`CalendarError::YearOutOfRange`].
    #[inline]
    pub fn parse_any(text: &[u8]) -> Result<Date, CalendarError> {
        if let Ok(bytes) = <&[u8; 10]>::try_from(text)
            && let Some(result) = us_date(bytes).or_else(|| iso_date(bytes))
        {
            return result;
        }
        parse_rare(text)
    }
}

impl FromStr for Date {
    type Err = CalendarError;

    /// As [`Date::parse_iso`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Date::parse_iso(text)
    }
}

/// `MM/DD/YYYY`; `None` where it is not written so.
#[inline]
fn us_date(text: &[u8; 10]) -> Option<Result<Date, CalendarError>> {
    let [m1, m2, b'/', d1, d2, b'/', y1, y2, y3, y4] = *text else {
        return None;
    };
    Some(Date::new(four_digits([y1, y2, y3, y4])?, two_digits([m1, m2])?, two_digits([d1, d2])?))
}

/// `YYYY-MM-DD`; `None` where it is not written so.
#[inline]
fn iso_date(text: &[u8; 10]) -> Option<Result<Date, CalendarError>> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else {
        return None;
    };
    Some(Date::new(four_digits([y1, y2, y3, y4])?, two_digits([m1, m2])?, two_digits([d1, d2])?))
}

fn parse_rare(text: &[u8]) -> Result<Date, CalendarError> {
    if let Some((date, [b'T', time @ ..])) = text.split_first_chunk::<10>() {
        let date = iso_date(date).ok_or(CalendarError::DateSyntax)??;
        return check_time(time).map(|()| date);
    }
    if let Ok(digits) = <&[u8; 8]>::try_from(text)
        && digits.iter().all(u8::is_ascii_digit)
    {
        let [y1, y2, y3, y4, m1, m2, d1, d2] = *digits;
        let padded = [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2];
        return iso_date(&padded).unwrap_or(Err(CalendarError::DateSyntax));
    }
    short_us_date(text).unwrap_or(Err(CalendarError::DateSyntax))
}

/// `M/D/YYYY` with one or two digits for month and day.
fn short_us_date(text: &[u8]) -> Option<Result<Date, CalendarError>> {
    let (month, rest) = one_or_two_digits(text)?;
    let (day, rest) = one_or_two_digits(rest.strip_prefix(b"/")?)?;
    let year = four_digits(rest.strip_prefix(b"/")?.try_into().ok()?)?;
    Some(Date::new(year, month, day))
}

/// Checks `HH:MM[:SS[.fraction]][Z|+00:00]`.
fn check_time(text: &[u8]) -> Result<(), CalendarError> {
    let (hour, rest) = leading_two_digits(text).ok_or(CalendarError::DateSyntax)?;
    let rest = rest.strip_prefix(b":").ok_or(CalendarError::DateSyntax)?;
    let (minute, mut rest) = leading_two_digits(rest).ok_or(CalendarError::DateSyntax)?;
    let mut second = 0;
    if let Some(after) = rest.strip_prefix(b":") {
        (second, rest) = leading_two_digits(after).ok_or(CalendarError::DateSyntax)?;
        if let Some(fraction) = rest.strip_prefix(b".") {
            let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 || count > FRACTION_DIGITS_MAX {
                return Err(CalendarError::DateSyntax);
            }
            rest = &fraction[count..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(CalendarError::ImpossibleTime { hour, minute, second });
    }
    match rest {
        b"" | b"Z" | b"+00:00" => Ok(()),
        [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) => {
            Err(CalendarError::OffsetNotUtc)
        }
        _ => Err(CalendarError::DateSyntax),
    }
}

fn leading_two_digits(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<2>()?;
    Some((two_digits(*digits)?, rest))
}

fn one_or_two_digits(text: &[u8]) -> Option<(u8, &[u8])> {
    if let Some(result) = leading_two_digits(text) {
        return Some(result);
    }
    let (&digit, rest) = text.split_first()?;
    Some((two_digits([b'0', digit])?, rest))
}

#[inline]
fn two_digits(text: [u8; 2]) -> Option<u8> {
    let [tens, units] = text.map(|byte| byte.wrapping_sub(b'0'));
    (tens <= 9 && units <= 9).then(|| tens * 10 + units)
}

#[inline]
fn four_digits(text: [u8; 4]) -> Option<u16> {
    let [y1, y2, y3, y4] = text;
    Some(u16::from(two_digits([y1, y2])?) * 100 + u16::from(two_digits([y3, y4])?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::civil::{DAYS_MAX, DAYS_MIN};

    fn date(year: u16, month: u8, day: u8) -> Date {
        Date::new(year, month, day).unwrap()
    }

    #[test]
    fn all_spellings_are_read() {
        for text in [
            "09/05/2023",
            "9/5/2023",
            "09/5/2023",
            "9/05/2023",
            "2023-09-05",
            "20230905",
            "2023-09-05T00:00",
            "2023-09-05T23:59Z",
            "2023-09-05T23:59:59",
            "2023-09-05T00:00:00Z",
            "2023-09-05T00:00:00.0000000Z",
            "2023-09-05T00:00:00.123456789+00:00",
            "2023-09-05T00:00:00+00:00",
            "2023-09-05T00:00+00:00",
        ] {
            assert_eq!(Date::parse_any(text.as_bytes()), Ok(date(2023, 9, 5)), "{text}");
        }
        assert_eq!(Date::parse_any(b"12/31/9999"), Ok(Date::MAX));
        assert_eq!(Date::parse_any(b"1/1/1900"), Ok(Date::MIN));
        assert_eq!(Date::parse_any(b"12/1/2023"), Ok(date(2023, 12, 1)));
        assert_eq!(Date::parse_any(b"1/12/2023"), Ok(date(2023, 1, 12)));
    }

    #[test]
    fn impossible_dates_say_so_in_every_spelling() {
        let expected = CalendarError::ImpossibleDate { year: 2025, month: 2, day: 30 };
        for text in ["02/30/2025", "2/30/2025", "2025-02-30", "20250230", "2025-02-30T00:00:00Z"] {
            assert_eq!(Date::parse_any(text.as_bytes()), Err(expected), "{text}");
        }
        // Day before month is an impossible month at best, never guessed.
        let swapped = CalendarError::ImpossibleDate { year: 2025, month: 31, day: 1 };
        assert_eq!(Date::parse_any(b"31/01/2025"), Err(swapped));
        assert_eq!(Date::parse_any(b"0001-01-01"), Err(CalendarError::YearOutOfRange { year: 1 }));
        assert_eq!(Date::parse_any(b"1899-12-31"), Err(CalendarError::YearOutOfRange { year: 1899 }));
    }

    #[test]
    fn impossible_times_are_refused() {
        for (text, hour, minute, second) in
            [("2023-09-05T24:00", 24, 0, 0), ("2023-09-05T23:60:00Z", 23, 60, 0), ("2023-09-05T23:59:60Z", 23, 59, 60)]
        {
            let expected = CalendarError::ImpossibleTime { hour, minute, second };
            assert_eq!(Date::parse_any(text.as_bytes()), Err(expected), "{text}");
        }
    }

    #[test]
    fn other_offsets_are_refused() {
        for text in ["2023-09-05T00:00:00+01:00", "2023-09-05T00:00-08:00", "2023-09-05T00:00:00.5-00:00"] {
            assert_eq!(Date::parse_any(text.as_bytes()), Err(CalendarError::OffsetNotUtc), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "2023",
            "202309",
            "2023095",
            "202309050",
            "2023-9-5",
            "2023-09-5",
            "2023/09/05",
            "09-05-2023",
            "09/05/23",
            "009/05/2023",
            "9//2023",
            "/5/2023",
            " 9/5/2023",
            "9/5/2023 ",
            "09/05/2023 ",
            "2023-09-05 ",
            "2023-09-05Z",
            "2023-09-05T",
            "2023-09-05T1:00",
            "2023-09-05T10",
            "2023-09-05T10:0",
            "2023-09-05T10:00:",
            "2023-09-05T10:00:00.",
            "2023-09-05T10:00:00.Z",
            "2023-09-05T10:00:00.1234567890",
            "2023-09-05T10:00.5",
            "2023-09-05T10:00:00ZZ",
            "2023-09-05T10:00:00z",
            "2023-09-05t10:00:00Z",
            "2023-09-05 10:00:00",
            "2023-09-05T10:00:00+0000",
            "2023-09-05T10:00:00+00",
            "2023-0a-05",
            "2o23-09-05",
            "+2023-09-05",
            "9/5/2023 12:00:00 AM",
            "5 Sep 2023",
            "２０２３",
        ] {
            assert_eq!(Date::parse_any(text.as_bytes()), Err(CalendarError::DateSyntax), "{text}");
        }
    }

    #[test]
    fn iso_reader_reads_nothing_but_iso() {
        assert_eq!("2023-09-05".parse(), Ok(date(2023, 9, 5)));
        for text in ["", "09/05/2023", "20230905", "2023-09-05Z", "2023-09-05T00:00", "2023-9-5"] {
            assert_eq!(Date::parse_iso(text), Err(CalendarError::IsoDateSyntax), "{text}");
        }
        let impossible = CalendarError::ImpossibleDate { year: 2025, month: 2, day: 30 };
        assert_eq!(Date::parse_iso("2025-02-30"), Err(impossible));
    }

    proptest! {
        #[test]
        fn written_dates_are_read_back(days in DAYS_MIN..=DAYS_MAX) {
            let date = Date::from_days(days).unwrap();
            let iso = date.to_string();
            prop_assert_eq!(Date::parse_iso(&iso), Ok(date));
            prop_assert_eq!(Date::parse_any(iso.as_bytes()), Ok(date));
            prop_assert_eq!(Date::parse_any(iso.replace('-', "").as_bytes()), Ok(date));
            prop_assert_eq!(Date::parse_any(format!("{iso}T12:34:56.7Z").as_bytes()), Ok(date));
            let mut us = Vec::new();
            date.write_us(&mut us);
            prop_assert_eq!(Date::parse_any(&us), Ok(date));
            let (year, month, day) = date.year_month_day();
            prop_assert_eq!(Date::parse_any(format!("{month}/{day}/{year}").as_bytes()), Ok(date));
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            text in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                proptest::collection::vec(proptest::sample::select(b"0129/-T:.Z+".to_vec()), 0..32),
            ]
        ) {
            let _ = Date::parse_any(&text);
        }
    }
}
