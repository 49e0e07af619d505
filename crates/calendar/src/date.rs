//! A civil date. Dates of billing rows are UTC calendar days without a time of day (SEMANTICS, notation).

mod parse;
mod print;

use serde::{Deserialize, Serialize};

use crate::civil::{DAYS_MAX, DAYS_MIN, YEAR_MAX, YEAR_MIN, civil_from_days, days_from_civil, days_in_month};
use crate::error::CalendarError;

/// A day of the proleptic Gregorian calendar in the years 1900 to 9999. Serialized as ISO text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    /// Days since 1970-01-01.
    days: i32,
}

impl TryFrom<String> for Date {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, CalendarError> {
        Self::parse_iso(&text)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl Date {
    /// 1900-01-01, the first date there is.
    pub const MIN: Date = Date { days: DAYS_MIN };
    /// 9999-12-31, the last date there is.
    pub const MAX: Date = Date { days: DAYS_MAX };

    /// The date of a year, a month (1 to 12) and a day of the month (from 1).
    ///
    /// # Errors
    /// [`CalendarError::ImpossibleDate`] for dates such as 30 February, [`CalendarError::YearOutOfRange`].
    #[inline]
    pub fn new(year: u16, month: u8, day: u8) -> Result<Date, CalendarError> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return Err(CalendarError::YearOutOfRange { year: year.into() });
        }
        if day == 0 || day > days_in_month(year, month) {
            return Err(CalendarError::ImpossibleDate { year, month, day });
        }
        Ok(Date { days: days_from_civil(year, month, day) })
    }

    /// The date that many days after 1970-01-01, negative for earlier ones: the value of an Arrow or Parquet date column.
    ///
    /// # Errors
    /// [`CalendarError::DaysOutOfRange`] outside the years 1900 to 9999.
    #[inline]
    pub fn from_days(days: i32) -> Result<Date, CalendarError> {
        if !(DAYS_MIN..=DAYS_MAX).contains(&days) {
            return Err(CalendarError::DaysOutOfRange { days: days.into() });
        }
        Ok(Date { days })
    }

    /// Days since 1970-01-01; the difference of two of them is the number of days between the dates.
    #[inline]
    pub fn days(self) -> i32 {
        self.days
    }

    /// The year, 1900 to 9999.
    pub fn year(self) -> u16 {
        self.year_month_day().0
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.year_month_day().1
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.year_month_day().2
    }

    /// Year, month and day at once, for the price of one of them.
    #[inline]
    pub fn year_month_day(self) -> (u16, u8, u8) {
        civil_from_days(self.days)
    }

    /// The date that many days later, or earlier for negative numbers.
    ///
    /// # Errors
    /// [`CalendarError::DaysOutOfRange`] outside the years 1900 to 9999.
    pub fn add_days(self, days: i32) -> Result<Date, CalendarError> {
        let sum = i64::from(self.days) + i64::from(days);
        let within = i32::try_from(sum).ok().and_then(|days| Date::from_days(days).ok());
        within.ok_or(CalendarError::DaysOutOfRange { days: sum })
    }

    /// The day after this one.
    ///
    /// # Errors
    /// [`CalendarError::DaysOutOfRange`] after 9999-12-31.
    pub fn next(self) -> Result<Date, CalendarError> {
        self.add_days(1)
    }

    /// The day before this one.
    ///
    /// # Errors
    /// [`CalendarError::DaysOutOfRange`] before 1900-01-01.
    pub fn previous(self) -> Result<Date, CalendarError> {
        self.add_days(-1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn impossible_dates_are_refused() {
        for (year, month, day) in [
            (2025, 2, 30),
            (2025, 2, 29),
            (2100, 2, 29),
            (2025, 4, 31),
            (2025, 13, 1),
            (2025, 0, 1),
            (2025, 1, 0),
            (2025, 1, 32),
        ] {
            let expected = CalendarError::ImpossibleDate { year, month, day };
            assert_eq!(Date::new(year, month, day), Err(expected));
        }
        assert!(Date::new(2024, 2, 29).is_ok());
    }

    #[test]
    fn years_are_bounded() {
        assert_eq!(Date::new(1899, 12, 31), Err(CalendarError::YearOutOfRange { year: 1899 }));
        assert_eq!(Date::new(10_000, 1, 1), Err(CalendarError::YearOutOfRange { year: 10_000 }));
        assert_eq!(Date::new(1900, 1, 1), Ok(Date::MIN));
        assert_eq!(Date::new(9999, 12, 31), Ok(Date::MAX));
        assert!(Date::MIN.previous().is_err() && Date::MAX.next().is_err());
        for days in [i32::MIN, DAYS_MIN - 1, DAYS_MAX + 1, i32::MAX] {
            assert_eq!(Date::from_days(days), Err(CalendarError::DaysOutOfRange { days: days.into() }));
        }
        assert_eq!(
            Date::MAX.add_days(i32::MAX),
            Err(CalendarError::DaysOutOfRange { days: i64::from(DAYS_MAX) + i64::from(i32::MAX) })
        );
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(Date::new(1970, 1, 1).unwrap().days(), 0);
        assert_eq!(Date::new(1969, 12, 31).unwrap().days(), -1);
        assert_eq!(Date::new(2023, 9, 15).unwrap().days(), 19_615);
        let leap_day = Date::new(2024, 2, 28).unwrap().next().unwrap();
        assert_eq!((leap_day.year(), leap_day.month(), leap_day.day()), (2024, 2, 29));
        assert_eq!(leap_day.add_days(366).unwrap(), Date::new(2025, 3, 1).unwrap());
    }

    proptest! {
        #[test]
        fn days_and_dates_convert_both_ways(days in DAYS_MIN..=DAYS_MAX) {
            let date = Date::from_days(days).unwrap();
            let (year, month, day) = date.year_month_day();
            prop_assert_eq!(Date::new(year, month, day), Ok(date));
            prop_assert_eq!(date.days(), days);
        }

        #[test]
        fn order_and_steps_agree_with_days(left in DAYS_MIN..=DAYS_MAX, right in DAYS_MIN..=DAYS_MAX) {
            let (from, to) = (Date::from_days(left).unwrap(), Date::from_days(right).unwrap());
            prop_assert_eq!(from.cmp(&to), left.cmp(&right));
            prop_assert_eq!(from.year_month_day().cmp(&to.year_month_day()), left.cmp(&right));
            prop_assert_eq!(from.add_days(right - left), Ok(to));
            if let Ok(next) = from.next() {
                prop_assert_eq!(next.previous(), Ok(from));
            }
        }
    }
}
