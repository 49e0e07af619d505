//! Ranges of days, inclusive at both ends, as requests and export folders state them.

use std::fmt;
use std::str::FromStr;

use crate::date::Date;
use crate::error::CalendarError;
use crate::period::BillingPeriod;

/// At least one day: all days from `start` to `end`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateRange {
    start: Date,
    end: Date,
}

impl DateRange {
    /// All days from `start` to `end`, both included.
    ///
    /// # Errors
    /// [`CalendarError::RangeReversed`] where `start` is after `end`.
    pub fn inclusive(start: Date, end: Date) -> Result<DateRange, CalendarError> {
        if start > end {
            return Err(CalendarError::RangeReversed { start, end });
        }
        Ok(DateRange { start, end })
    }

    /// The first day.
    pub fn start(self) -> Date {
        self.start
    }

    /// The last day, which belongs to the range.
    pub fn end(self) -> Date {
        self.end
    }

    /// Whether a day lies in the range.
    pub fn contains(self, date: Date) -> bool {
        self.start <= date && date <= self.end
    }

    /// Whether the ranges have a day in common.
    pub fn overlaps(self, other: DateRange) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Number of days, at least 1.
    pub fn day_count(self) -> u32 {
        (self.end.days() - self.start.days() + 1) as u32
    }

    /// The days in order.
    pub fn days(self) -> impl DoubleEndedIterator<Item = Date> + ExactSizeIterator + Clone + use<> {
        (self.start.days()..self.end.days() + 1)
            .map(|days| Date::from_days(days).expect("days between two dates are dates"))
    }

    /// The billing periods the range touches, wholly or in part, in order.
    pub fn periods(self) -> impl Iterator<Item = BillingPeriod> + Clone + use<> {
        let last = BillingPeriod::of(self.end);
        std::iter::successors(Some(BillingPeriod::of(self.start)), move |&period| {
            if period < last { period.next().ok() } else { None }
        })
    }

    /// The billing period whose days these are exactly: `None` unless the range is one whole calendar month.
    pub fn exactly_one_period(self) -> Option<BillingPeriod> {
        let period = BillingPeriod::of(self.start);
        (period.range() == self).then_some(period)
    }
}

impl FromStr for DateRange {
    type Err = CalendarError;

    /// Reads `YYYY-MM-DD..YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = text.split_once("..").ok_or(CalendarError::RangeSyntax)?;
        DateRange::inclusive(range_end(start)?, range_end(end)?)
    }
}

/// One of the two dates of a range: a wrong form is a wrong form of the range, an impossible date is that.
fn range_end(text: &str) -> Result<Date, CalendarError> {
    Date::parse_iso(text).map_err(|error| match error {
        CalendarError::IsoDateSyntax => CalendarError::RangeSyntax,
        other => other,
    })
}

impl fmt::Display for DateRange {
    /// `YYYY-MM-DD..YYYY-MM-DD`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}..{}", self.start, self.end)
    }
}

impl fmt::Debug for DateRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DateRange({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> DateRange {
        text.parse().unwrap()
    }

    fn any_range() -> impl Strategy<Value = DateRange> {
        (0i32..30_000, 0i32..800).prop_map(|(start, length)| {
            let start = Date::from_days(start).unwrap();
            DateRange::inclusive(start, start.add_days(length).unwrap()).unwrap()
        })
    }

    #[test]
    fn ranges_are_written_and_read_back() {
        let text = "2023-09-01..2023-09-30";
        assert_eq!(range(text).to_string(), text);
        assert_eq!(range(text).day_count(), 30);
        assert_eq!(format!("{:?}", range(text)), "DateRange(2023-09-01..2023-09-30)");
    }

    #[test]
    fn what_is_not_a_range_is_refused() {
        for text in [
            "",
            "2023-09-01",
            "2023-09-01..",
            "..2023-09-30",
            "2023-09-01...2023-09-30",
            "2023-09-01 .. 2023-09-30",
            "2023-09-01/2023-09-30",
            "2023-09-01..2023-09-30..2023-10-01",
            "09/01/2023..09/30/2023",
        ] {
            assert_eq!(text.parse::<DateRange>(), Err(CalendarError::RangeSyntax), "{text}");
        }
        let impossible = CalendarError::ImpossibleDate { year: 2025, month: 2, day: 30 };
        assert_eq!("2025-02-01..2025-02-30".parse::<DateRange>(), Err(impossible));
        let (start, end) = (Date::new(2023, 9, 2).unwrap(), Date::new(2023, 9, 1).unwrap());
        assert_eq!(DateRange::inclusive(start, end), Err(CalendarError::RangeReversed { start, end }));
        assert_eq!(DateRange::inclusive(end, end).unwrap().day_count(), 1);
    }

    #[test]
    fn both_ends_belong_to_the_range() {
        let september = range("2023-09-01..2023-09-30");
        for (text, inside) in [("2023-08-31", false), ("2023-09-01", true), ("2023-09-30", true), ("2023-10-01", false)]
        {
            assert_eq!(september.contains(text.parse().unwrap()), inside, "{text}");
        }
        assert!(september.overlaps(range("2023-09-30..2023-10-02")));
        assert!(september.overlaps(range("2023-08-01..2023-09-01")));
        assert!(!september.overlaps(range("2023-10-01..2023-10-02")));
    }

    #[test]
    fn periods_are_those_that_are_touched() {
        let periods: Vec<_> = range("2023-11-30..2024-02-01").periods().map(|period| period.to_string()).collect();
        assert_eq!(periods, ["202311", "202312", "202401", "202402"]);
        assert_eq!(range("2023-11-30..2023-11-30").periods().count(), 1);
        assert_eq!(range("9999-12-01..9999-12-31").periods().count(), 1);
        assert_eq!(range("9999-12-31..9999-12-31").days().count(), 1);
    }

    #[test]
    fn one_period_is_one_whole_month() {
        let september = BillingPeriod::new(2023, 9).unwrap();
        assert_eq!(range("2023-09-01..2023-09-30").exactly_one_period(), Some(september));
        for text in
            ["2023-09-01..2023-09-29", "2023-09-02..2023-09-30", "2023-09-01..2023-10-31", "2024-02-01..2024-02-28"]
        {
            assert_eq!(range(text).exactly_one_period(), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_and_periods_agree(range in any_range()) {
            let days: Vec<_> = range.days().collect();
            prop_assert_eq!(days.len(), range.day_count() as usize);
            prop_assert_eq!(range.days().len(), days.len());
            prop_assert_eq!((days[0], days[days.len() - 1]), (range.start(), range.end()));
            prop_assert!(days.iter().all(|&date| range.contains(date)));
            let mut periods: Vec<_> = days.into_iter().map(BillingPeriod::of).collect();
            periods.dedup();
            prop_assert_eq!(range.periods().collect::<Vec<_>>(), periods.clone());
            prop_assert_eq!(range.exactly_one_period().is_some(), periods.len() == 1 && range.day_count() == periods[0].day_count());
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn overlapping_ranges_share_a_day(left in any_range(), right in any_range()) {
            prop_assert_eq!(left.overlaps(right), left.days().any(|date| right.contains(date)));
            prop_assert_eq!(left.overlaps(right), right.overlaps(left));
        }
    }
}
