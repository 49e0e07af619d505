//! What can go wrong with dates. A text that could not be read is not repeated: the caller holds it and knows the file,
//! line and column it came from.

use thiserror::Error;

use crate::civil::{YEAR_MAX, YEAR_MIN};
use crate::date::Date;
use crate::term::TERM_MONTHS_MAX;

/// A text that is no date, period or range, or a computation that leaves the calendar of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// The text has none of the forms in which a date is read.
    #[error("date is not written as MM/DD/YYYY, YYYY-MM-DD, YYYYMMDD or YYYY-MM-DDTHH:MM:SSZ")]
    DateSyntax,
    /// The text is not `YYYY-MM-DD`.
    #[error("date is not written as YYYY-MM-DD")]
    IsoDateSyntax,
    /// The date is written well but is not in the calendar, such as 30 February.
    #[error("date {year:04}-{month:02}-{day:02} does not exist")]
    ImpossibleDate {
        /// The year as written.
        year: u16,
        /// The month as written, not necessarily 1..=12.
        month: u8,
        /// The day as written.
        day: u8,
    },
    /// The year is outside the years this crate knows.
    #[error("year {year} is outside {YEAR_MIN}..={YEAR_MAX}")]
    YearOutOfRange {
        /// The year.
        year: i32,
    },
    /// The number of days since 1970-01-01 is outside the years this crate knows.
    #[error("day {days} since 1970-01-01 is outside the years {YEAR_MIN}..={YEAR_MAX}")]
    DaysOutOfRange {
        /// Days since 1970-01-01.
        days: i64,
    },
    /// The time of day behind a date does not exist.
    #[error("time of day {hour:02}:{minute:02}:{second:02} does not exist")]
    ImpossibleTime {
        /// The hour as written, not necessarily 0..=23.
        hour: u8,
        /// The minute as written, not necessarily 0..=59.
        minute: u8,
        /// The second as written, 0 where there is none.
        second: u8,
    },
    /// The time of day is in another offset than UTC, so that the day could be another one.
    #[error("time of day has an offset other than Z or +00:00")]
    OffsetNotUtc,
    /// The text is not `YYYYMM`, alone or with two day digits.
    #[error("billing period is not written as YYYYMM")]
    PeriodSyntax,
    /// The month is not one of twelve.
    #[error("month {month} is outside 1..=12")]
    MonthOutOfRange {
        /// The month as given.
        month: u8,
    },
    /// A range would end before it starts.
    #[error("range starts on {start}, after its end on {end}")]
    RangeReversed {
        /// The first day that was asked for.
        start: Date,
        /// The last day that was asked for.
        end: Date,
    },
    /// The text is not two dates joined by `..`.
    #[error("range of dates is not written as YYYY-MM-DD..YYYY-MM-DD")]
    RangeSyntax,
    /// No benefit has a term of so many months.
    #[error("term of {months} months is outside 1..={TERM_MONTHS_MAX}")]
    TermOutOfRange {
        /// The number of months.
        months: u16,
    },
    /// A term has one installment per month and not as many as that.
    #[error("installment {installment} does not exist in a term of {months} months, counted from 0")]
    InstallmentOutOfRange {
        /// The 0-based installment that was asked for.
        installment: u16,
        /// Number of months and of installments of the term.
        months: u16,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_what_was_wrong() {
        let impossible = CalendarError::ImpossibleDate { year: 2025, month: 2, day: 30 };
        assert_eq!(impossible.to_string(), "date 2025-02-30 does not exist");
        let year = CalendarError::YearOutOfRange { year: 1899 };
        assert_eq!(year.to_string(), "year 1899 is outside 1900..=9999");
        let start = Date::new(2025, 3, 1).unwrap();
        let end = Date::new(2025, 2, 1).unwrap();
        let reversed = CalendarError::RangeReversed { start, end };
        assert_eq!(reversed.to_string(), "range starts on 2025-03-01, after its end on 2025-02-01");
    }

    #[test]
    fn errors_stay_small() {
        assert!(size_of::<CalendarError>() <= 16);
    }
}
