//! Billing periods: calendar months, written `YYYYMM` (SEMANTICS 1).

use std::fmt;
use std::str::FromStr;

use crate::civil::{YEAR_MAX, YEAR_MIN, days_in_month};
use crate::date::Date;
use crate::error::CalendarError;
use crate::range::DateRange;

/// A billing period: one calendar month of the years 1900 to 9999, from its first to its last day inclusive, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillingPeriod {
    year: u16,
    month: u8,
}

impl BillingPeriod {
    /// The period of a year and a month (1 to 12).
    ///
    /// # Errors
    /// [`CalendarError::MonthOutOfRange`], [`CalendarError::YearOutOfRange`].
    pub fn new(year: u16, month: u8) -> Result<BillingPeriod, CalendarError> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return Err(CalendarError::YearOutOfRange { year: year.into() });
        }
        if !(1..=12).contains(&month) {
            return Err(CalendarError::MonthOutOfRange { month });
        }
        Ok(BillingPeriod { year, month })
    }

    /// Reads `YYYYMM`. Two day digits behind it, as in `20230915`, are ignored whatever they are (SEMANTICS 1).
    ///
    /// # Errors
    /// [`CalendarError::PeriodSyntax`], [`CalendarError::MonthOutOfRange`], [`CalendarError::YearOutOfRange`].
    pub fn parse(text: &str) -> Result<BillingPeriod, CalendarError> {
        let digits = text.as_bytes();
        if !matches!(digits.len(), 6 | 8) || !digits.iter().all(u8::is_ascii_digit) {
            return Err(CalendarError::PeriodSyntax);
        }
        let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
        BillingPeriod::new(number(&digits[..4]), number(&digits[4..6]) as u8)
    }

    /// The period a day belongs to.
    pub fn of(date: Date) -> BillingPeriod {
        let (year, month, _) = date.year_month_day();
        BillingPeriod { year, month }
    }

    /// The year, 1900 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The first day of the month.
    pub fn first_day(self) -> Date {
        self.day(1)
    }

    /// The last day of the month.
    pub fn last_day(self) -> Date {
        self.day(days_in_month(self.year, self.month))
    }

    /// Number of days of the month, 28 to 31.
    pub fn day_count(self) -> u32 {
        days_in_month(self.year, self.month).into()
    }

    /// The days of the month in order; their number is [`BillingPeriod::day_count`].
    pub fn days(self) -> impl DoubleEndedIterator<Item = Date> + ExactSizeIterator + Clone + use<> {
        self.range().days()
    }

    /// The month as a range of days.
    pub fn range(self) -> DateRange {
        DateRange::inclusive(self.first_day(), self.last_day()).expect("a month does not end before it starts")
    }

    /// Whether a day lies in the month.
    pub fn contains(self, date: Date) -> bool {
        BillingPeriod::of(date) == self
    }

    /// The month after this one.
    ///
    /// # Errors
    /// [`CalendarError::YearOutOfRange`] after 999912.
    pub fn next(self) -> Result<BillingPeriod, CalendarError> {
        self.add_months(1)
    }

    /// The month before this one.
    ///
    /// # Errors
    /// [`CalendarError::YearOutOfRange`] before 190001.
    pub fn previous(self) -> Result<BillingPeriod, CalendarError> {
        self.add_months(-1)
    }

    /// The month that many months later, or earlier for negative numbers.
    ///
    /// # Errors
    /// [`CalendarError::YearOutOfRange`] outside the years 1900 to 9999.
    pub fn add_months(self, months: i16) -> Result<BillingPeriod, CalendarError> {
        let index = i32::from(self.year) * 12 + i32::from(self.month) - 1 + i32::from(months);
        let year = index.div_euclid(12);
        if !(i32::from(YEAR_MIN)..=i32::from(YEAR_MAX)).contains(&year) {
            return Err(CalendarError::YearOutOfRange { year });
        }
        Ok(BillingPeriod { year: year as u16, month: index.rem_euclid(12) as u8 + 1 })
    }

    /// The day of the month with this number, or its last day where it has no such day.
    pub fn day_or_last(self, day: u8) -> Date {
        self.day(day.min(days_in_month(self.year, self.month)))
    }

    fn day(self, day: u8) -> Date {
        Date::new(self.year, self.month, day).expect("the year and month are checked, the day is one of the month")
    }
}

impl FromStr for BillingPeriod {
    type Err = CalendarError;

    /// As [`BillingPeriod::parse`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        BillingPeriod::parse(text)
    }
}

impl fmt::Display for BillingPeriod {
    /// `YYYYMM`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}{:02}", self.year, self.month)
    }
}

impl fmt::Debug for BillingPeriod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BillingPeriod({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_period() -> impl Strategy<Value = BillingPeriod> {
        (YEAR_MIN..=YEAR_MAX, 1u8..=12).prop_map(|(year, month)| BillingPeriod::new(year, month).unwrap())
    }

    #[test]
    fn periods_are_read_with_and_without_day_digits() {
        let expected = BillingPeriod::new(2023, 9).unwrap();
        for text in ["202309", "20230915", "20230999", "20230900"] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "202309");
    }

    #[test]
    fn what_is_not_a_period_is_refused() {
        for text in [
            "",
            "2023",
            "20239",
            "2023-09",
            "2023091",
            "202309151",
            "2023O9",
            "+20239",
            " 202309",
            "202309 ",
            "２０２３",
        ] {
            assert_eq!(BillingPeriod::parse(text), Err(CalendarError::PeriodSyntax), "{text}");
        }
        assert_eq!(BillingPeriod::parse("202313"), Err(CalendarError::MonthOutOfRange { month: 13 }));
        assert_eq!(BillingPeriod::parse("20230015"), Err(CalendarError::MonthOutOfRange { month: 0 }));
        assert_eq!(BillingPeriod::parse("092023"), Err(CalendarError::YearOutOfRange { year: 920 }));
        assert_eq!(BillingPeriod::new(2023, 99), Err(CalendarError::MonthOutOfRange { month: 99 }));
    }

    #[test]
    fn months_have_their_days() {
        for (text, first, last, count) in [
            ("202402", "2024-02-01", "2024-02-29", 29),
            ("202502", "2025-02-01", "2025-02-28", 28),
            ("202304", "2023-04-01", "2023-04-30", 30),
            ("999912", "9999-12-01", "9999-12-31", 31),
        ] {
            let period = BillingPeriod::parse(text).unwrap();
            assert_eq!(period.first_day().to_string(), first);
            assert_eq!(period.last_day().to_string(), last);
            assert_eq!(period.day_count(), count);
            assert_eq!(period.days().len(), count as usize);
            assert_eq!((period.year(), period.month()), (period.first_day().year(), period.first_day().month()));
        }
    }

    #[test]
    fn neighbours_cross_the_year_and_stop_at_the_ends() {
        let december = BillingPeriod::new(2023, 12).unwrap();
        let january = BillingPeriod::new(2024, 1).unwrap();
        assert_eq!(december.next(), Ok(january));
        assert_eq!(january.previous(), Ok(december));
        assert_eq!(january.add_months(-13), BillingPeriod::new(2022, 12));
        let first = BillingPeriod::new(1900, 1).unwrap();
        let last = BillingPeriod::new(9999, 12).unwrap();
        assert_eq!(first.previous(), Err(CalendarError::YearOutOfRange { year: 1899 }));
        assert_eq!(last.next(), Err(CalendarError::YearOutOfRange { year: 10_000 }));
    }

    proptest! {
        #[test]
        fn periods_are_written_and_read_back(period in any_period()) {
            prop_assert_eq!(BillingPeriod::parse(&period.to_string()), Ok(period));
        }

        #[test]
        fn neighbouring_periods_touch(period in any_period()) {
            if let Ok(next) = period.next() {
                prop_assert!(next > period);
                prop_assert_eq!(next.previous(), Ok(period));
                prop_assert_eq!(period.last_day().next(), Ok(next.first_day()));
                prop_assert!(!period.contains(next.first_day()) && !next.contains(period.last_day()));
            }
        }

        #[test]
        fn months_add_up(period in any_period(), there in -2000i16..2000, further in -2000i16..2000) {
            if let Ok(stop) = period.add_months(there) {
                prop_assert_eq!(stop.add_months(-there), Ok(period));
                prop_assert_eq!(stop.cmp(&period), there.cmp(&0));
                prop_assert_eq!(stop.add_months(further), period.add_months(there + further));
            }
        }

        #[test]
        fn a_period_contains_exactly_its_days(period in any_period(), offset in 0i32..60) {
            prop_assert!(period.days().all(|date| period.contains(date) && BillingPeriod::of(date) == period));
            if let Ok(date) = period.first_day().add_days(offset) {
                prop_assert_eq!(period.contains(date), offset < period.day_count() as i32);
            }
        }
    }
}
