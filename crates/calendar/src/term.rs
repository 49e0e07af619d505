//! Terms of reservations and savings plans (SEMANTICS 3.2).
//!
//! A term covers whole days from its first day on. The usual "add months" of date libraries clamps to the end of a
//! shorter month and then steps back a day; the rule here is another one where it matters: 2024-02-29 plus 12 months
//! ends *on* 2025-02-28 and so covers 366 days, not 365.

use std::fmt;

use crate::civil::days_in_month;
use crate::date::Date;
use crate::error::CalendarError;
use crate::period::BillingPeriod;

/// The longest term in months. Benefits are sold for up to 36, a few for 60; the rest is margin, and a bound for loops
/// over installments.
pub const TERM_MONTHS_MAX: u16 = 120;

/// The length of a benefit in months: 12 and 36 for most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    months: u16,
}

impl Term {
    /// One month.
    pub const ONE_MONTH: Term = Term { months: 1 };
    /// One year, `12` in cost files and `P1Y` in price sheets.
    pub const ONE_YEAR: Term = Term { months: 12 };
    /// Three years, `36` in cost files and `P3Y` in price sheets.
    pub const THREE_YEARS: Term = Term { months: 36 };

    /// A term of 1 to [`TERM_MONTHS_MAX`] months.
    ///
    /// # Errors
    /// [`CalendarError::TermOutOfRange`].
    pub fn new(months: u16) -> Result<Term, CalendarError> {
        if !(1..=TERM_MONTHS_MAX).contains(&months) {
            return Err(CalendarError::TermOutOfRange { months });
        }
        Ok(Term { months })
    }

    /// Number of months, which is also the number of monthly installments.
    pub fn months(self) -> u16 {
        self.months
    }

    /// The last day of a term that starts on `start`: the day before the same day of the month so many months later; if
    /// that month has no such day, its last day (SEMANTICS 3.2).
    ///
    /// # Errors
    /// [`CalendarError::YearOutOfRange`] where the month after the term is beyond 9999.
    pub fn last_covered_day(self, start: Date) -> Result<Date, CalendarError> {
        let (_, _, day) = start.year_month_day();
        let month_after = self.month_of(start, self.months)?;
        if day > days_in_month(month_after.year(), month_after.month()) {
            return Ok(month_after.last_day());
        }
        month_after.day_or_last(day).previous()
    }

    /// N of SEMANTICS 3.2: number of covered days of a term that starts on `start`, both ends included.
    ///
    /// # Errors
    /// As [`Term::last_covered_day`].
    pub fn day_count(self, start: Date) -> Result<u32, CalendarError> {
        let last = self.last_covered_day(start)?;
        Ok((last.days() - start.days() + 1) as u32)
    }

    /// The day of a monthly installment, counted from 0: the start's day of the month so many months later, or the last
    /// day of a shorter month. Installment 0 falls on the start day (SEMANTICS 3.2).
    ///
    /// # Errors
    /// [`CalendarError::InstallmentOutOfRange`] from the number of months on; [`CalendarError::YearOutOfRange`] beyond
    /// 9999.
    pub fn installment_date(self, start: Date, installment: u16) -> Result<Date, CalendarError> {
        if installment >= self.months {
            return Err(CalendarError::InstallmentOutOfRange { installment, months: self.months });
        }
        let (_, _, day) = start.year_month_day();
        Ok(self.month_of(start, installment)?.day_or_last(day))
    }

    /// The month so many months after that of `start`; at most [`TERM_MONTHS_MAX`].
    fn month_of(self, start: Date, months_later: u16) -> Result<BillingPeriod, CalendarError> {
        let months = i16::try_from(months_later).expect("a term has at most 120 months");
        BillingPeriod::of(start).add_months(months)
    }
}

impl fmt::Display for Term {
    /// The number of months, as cost files write it (SEMANTICS 3.1).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.months.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn assert_term(start: &str, months: u16, last: &str, day_count: u32) {
        let term = Term::new(months).unwrap();
        assert_eq!(term.last_covered_day(date(start)), Ok(date(last)), "{start} + {months}");
        assert_eq!(term.day_count(date(start)), Ok(day_count), "{start} + {months}");
    }

    #[test]
    fn e2_one_year_ends_the_day_before_its_anniversary() {
        assert_term("2025-05-26", 12, "2026-05-25", 365);
    }

    #[test]
    fn e3_a_year_with_a_leap_day_has_366_days() {
        assert_term("2019-10-23", 12, "2020-10-22", 366);
    }

    #[test]
    fn e4_three_years_without_a_leap_day_inside() {
        assert_term("2025-01-15", 36, "2028-01-14", 1095);
        let start = date("2025-01-15");
        for installment in 0..36 {
            let day = Term::THREE_YEARS.installment_date(start, installment).unwrap();
            assert_eq!(day.day(), 15);
        }
        assert_eq!(Term::THREE_YEARS.installment_date(start, 0), Ok(start));
        assert_eq!(Term::THREE_YEARS.installment_date(start, 35), Ok(date("2027-12-15")));
    }

    #[test]
    fn e2_and_e4_months_have_the_covered_days_of_the_examples() {
        // The day counts that the money examples take for granted: first, some inner and last month of the term.
        let covered = |start: &str, term: Term, period: &str| {
            let (start, period) = (date(start), BillingPeriod::parse(period).unwrap());
            let last = term.last_covered_day(start).unwrap();
            period.days().filter(|&day| start <= day && day <= last).count()
        };
        for (period, days) in [("202505", 6), ("202506", 30), ("202602", 28), ("202605", 25), ("202606", 0)] {
            assert_eq!(covered("2025-05-26", Term::ONE_YEAR, period), days, "{period}");
        }
        for (period, days) in [("201910", 9), ("202002", 29), ("202010", 22)] {
            assert_eq!(covered("2019-10-23", Term::ONE_YEAR, period), days, "{period}");
        }
        for (period, days) in [("202501", 17), ("202502", 28), ("202801", 14)] {
            assert_eq!(covered("2025-01-15", Term::THREE_YEARS, period), days, "{period}");
        }
    }

    #[test]
    fn a_term_from_the_leap_day_ends_on_the_last_of_february() {
        assert_term("2024-02-29", 12, "2025-02-28", 366);
        assert_term("2024-02-29", 36, "2027-02-28", 1096);
        assert_term("2024-02-29", 48, "2028-02-28", 1461);
        assert_term("2024-02-28", 12, "2025-02-27", 366);
        assert_term("2024-03-01", 12, "2025-02-28", 365);
        assert_term("2023-03-01", 12, "2024-02-29", 366);
    }

    #[test]
    fn months_of_other_lengths() {
        assert_term("2025-01-31", 1, "2025-02-28", 29);
        assert_term("2025-01-28", 1, "2025-02-27", 31);
        assert_term("2024-01-31", 1, "2024-02-29", 30);
        assert_term("2025-02-28", 1, "2025-03-27", 28);
        assert_term("2025-03-31", 1, "2025-04-30", 31);
        assert_term("2025-01-01", 1, "2025-01-31", 31);
        assert_term("2023-01-15", 36, "2026-01-14", 1096);
    }

    #[test]
    fn installments_fall_on_the_last_day_of_shorter_months() {
        let start = date("2024-01-31");
        let days: Vec<_> = (0..12).map(|i| Term::ONE_YEAR.installment_date(start, i).unwrap().to_string()).collect();
        assert_eq!(
            days,
            [
                "2024-01-31",
                "2024-02-29",
                "2024-03-31",
                "2024-04-30",
                "2024-05-31",
                "2024-06-30",
                "2024-07-31",
                "2024-08-31",
                "2024-09-30",
                "2024-10-31",
                "2024-11-30",
                "2024-12-31"
            ]
        );
        let expected = CalendarError::InstallmentOutOfRange { installment: 12, months: 12 };
        assert_eq!(Term::ONE_YEAR.installment_date(start, 12), Err(expected));
        assert_eq!(Term::ONE_MONTH.installment_date(start, 0), Ok(start));
    }

    #[test]
    fn terms_are_bounded() {
        for months in [0, 121, u16::MAX] {
            assert_eq!(Term::new(months), Err(CalendarError::TermOutOfRange { months }));
        }
        assert_eq!(Term::new(36), Ok(Term::THREE_YEARS));
        assert_eq!(Term::new(120).unwrap().months(), 120);
        assert_eq!(Term::ONE_YEAR.to_string(), "12");
        let late = date("9999-06-01");
        assert_eq!(Term::ONE_YEAR.last_covered_day(late), Err(CalendarError::YearOutOfRange { year: 10_000 }));
        assert!(Term::ONE_YEAR.installment_date(late, 7).is_err());
    }

    proptest! {
        #[test]
        fn terms_cover_their_installments_and_nothing_more(start in 0i32..60_000, months in 1u16..=120) {
            let start = Date::from_days(start).unwrap();
            let term = Term::new(months).unwrap();
            let last = term.last_covered_day(start).unwrap();
            let final_installment = term.installment_date(start, months - 1).unwrap();
            prop_assert!(start <= final_installment && final_installment <= last);
            let days = term.day_count(start).unwrap();
            prop_assert_eq!(start.add_days(days as i32 - 1), Ok(last));
            let years = u32::from(months) / 12;
            if months.is_multiple_of(12) && years <= 3 {
                prop_assert!(days == years * 365 || days == years * 365 + 1);
            }
            // A month is covered for each month of the term, no more and no less.
            let after = last.next().unwrap();
            let expected = BillingPeriod::of(start).add_months(months as i16).unwrap();
            if start.day() <= 28 {
                prop_assert_eq!((BillingPeriod::of(after), after.day()), (expected, start.day()));
            }
        }
    }
}
