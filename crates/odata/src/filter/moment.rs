//! Dates and times in a filter, and what a comparison with one says about a row's day.
//!
//! A date alone compares by calendar day. A date with a time compares by instant: a row starts at 00:00:00Z and ends at
//! 23:59:59Z of its day (contract section 3, "Comparison semantics"). As all rows are so, every comparison is the same
//! as bounds on the day, exactly.

use std::cmp::Ordering;

use calendar::{CalendarError, Date};
use ledger::{Comparison, DayBounds};

use super::dialect::Edge;
use super::error::FilterProblem;
use crate::token::excerpt;

/// The most digits of a fraction of a second; the original prints seven.
const FRACTION_DIGITS_MAX: usize = 9;
/// The last second of a day, counted from 0.
const SECOND_LAST: u32 = 86_399;
/// Bounds that no day is within.
const NOTHING: DayBounds = DayBounds { first: Some(Date::MAX), last: Some(Date::MIN) };

/// A point in time that a filter names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    day: Date,
    time: Option<Time>,
}

/// A time of day. The order is that of time; of a fraction only its presence counts, as rows have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Time {
    second: u32,
    has_fraction: bool,
}

/// What is wrong with the text of a moment, and after how many characters.
pub(super) type MomentFault = (usize, FilterProblem);

impl Moment {
    /// Reads `YYYY-MM-DD`, or that and `THH:MM[:SS[.fraction]]` with `Z`, `+00:00` or nothing behind it.
    pub(super) fn parse(text: &str) -> Result<Self, MomentFault> {
        let mut cursor = Cursor { text, offset: 0 };
        let year = cursor.number(4)?;
        cursor.mark(b'-', "`-`")?;
        let month = cursor.number(2)?;
        cursor.mark(b'-', "`-`")?;
        let day = cursor.number(2)?;
        // Two digits are below 100.
        let day = Date::new(year, month as u8, day as u8).map_err(|error| (0, FilterProblem::Date(error)))?;
        let time = if cursor.peek().is_none() { None } else { Some(cursor.time()?) };
        Ok(Self { day, time })
    }

    /// The days whose edge compares so with the moment.
    pub(super) fn bounds(self, edge: Edge, comparison: Comparison) -> DayBounds {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let up_to = |day| DayBounds { first: None, last: Some(day) };
        let from = |day| DayBounds { first: Some(day), last: None };
        match (comparison, self.side_of(edge)) {
            (Equal, Ordering::Equal) => DayBounds { first: Some(self.day), last: Some(self.day) },
            (Equal, _) => NOTHING,
            (LessOrEqual, Ordering::Equal) | (Less | LessOrEqual, Ordering::Greater) => up_to(self.day),
            (Less, Ordering::Equal) | (Less | LessOrEqual, Ordering::Less) => {
                self.day.previous().map_or(NOTHING, up_to)
            }
            (GreaterOrEqual, Ordering::Equal) | (Greater | GreaterOrEqual, Ordering::Less) => from(self.day),
            (Greater, Ordering::Equal) | (Greater | GreaterOrEqual, Ordering::Greater) => {
                self.day.next().map_or(NOTHING, from)
            }
        }
    }

    /// On which side of its own day's edge the moment lies. A day without time is as the edge itself.
    fn side_of(self, edge: Edge) -> Ordering {
        let second = match edge {
            Edge::Start => 0,
            Edge::End => SECOND_LAST,
        };
        self.time.map_or(Ordering::Equal, |time| time.cmp(&Time { second, has_fraction: false }))
    }
}

/// Reads a moment from left to right. Everything before `offset` is ASCII, so that it counts characters too.
struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn misfit(&self, expected: &'static str) -> MomentFault {
        let found = self.text.get(self.offset..).and_then(|rest| rest.chars().next());
        let found = found.map_or_else(
            || "the end of the text".to_owned(),
            |character| format!("`{}`", excerpt(character.encode_utf8(&mut [0; 4]))),
        );
        (self.offset, FilterProblem::DateSyntax { expected, found })
    }

    fn digit(&mut self) -> Option<u16> {
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.offset += 1;
        Some(u16::from(digit - b'0'))
    }

    /// A number of exactly so many digits, at most four.
    fn number(&mut self, digits: usize) -> Result<u16, MomentFault> {
        let mut number = 0;
        for _ in 0..digits {
            number = number * 10 + self.digit().ok_or_else(|| self.misfit("a digit"))?;
        }
        Ok(number)
    }

    fn mark(&mut self, mark: u8, expected: &'static str) -> Result<(), MomentFault> {
        if !self.skip(mark) {
            return Err(self.misfit(expected));
        }
        Ok(())
    }

    fn skip(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(mark);
        self.offset += usize::from(found);
        found
    }

    /// `THH:MM[:SS[.fraction]][Z|+00:00]` and nothing after it.
    fn time(&mut self) -> Result<Time, MomentFault> {
        self.mark(b'T', "`T` or the closing quote")?;
        let start = self.offset;
        let hour = self.number(2)?;
        self.mark(b':', "`:`")?;
        let minute = self.number(2)?;
        let second = if self.skip(b':') { self.number(2)? } else { 0 };
        let has_fraction = self.offset == start + 8 && self.skip(b'.') && self.fraction()?;
        if hour > 23 || minute > 59 || second > 59 {
            // Two digits are below 100.
            let (hour, minute, second) = (hour as u8, minute as u8, second as u8);
            return Err((start, FilterProblem::Date(CalendarError::ImpossibleTime { hour, minute, second })));
        }
        self.zone()?;
        Ok(Time { second: (u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second), has_fraction })
    }

    /// Whether the digits after the point are more than zeros.
    fn fraction(&mut self) -> Result<bool, MomentFault> {
        let mut has_fraction = self.digit().ok_or_else(|| self.misfit("a digit"))? > 0;
        for _ in 1..FRACTION_DIGITS_MAX {
            let Some(digit) = self.digit() else { break };
            has_fraction |= digit > 0;
        }
        Ok(has_fraction)
    }

    fn zone(&mut self) -> Result<(), MomentFault> {
        match self.text.as_bytes().get(self.offset..) {
            None | Some(b"" | b"Z" | b"+00:00") => Ok(()),
            // A plus sign that was not escaped arrives as a blank.
            Some([b'+' | b'-' | b' ', ..]) => Err((self.offset, FilterProblem::OffsetNotUtc)),
            Some([b'Z', ..]) => {
                self.offset += 1;
                Err(self.misfit("the closing quote"))
            }
            Some(_) => Err(self.misfit("`Z` or the closing quote")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NANOSECONDS_OF_DAY: i128 = 86_400_000_000_000;

    fn nanosecond_of_edge(day: Date, edge: Edge) -> i128 {
        let of_day = match edge {
            Edge::Start => 0,
            Edge::End => 86_399 * 1_000_000_000,
        };
        i128::from(day.days()) * NANOSECONDS_OF_DAY + of_day
    }

    /// Times of day in nanoseconds, those at the edges more often.
    fn any_time() -> impl Strategy<Value = i128> {
        let last = 86_399 * 1_000_000_000;
        prop_oneof![
            Just(0),
            Just(1),
            Just(last - 1),
            Just(last),
            Just(last + 1),
            Just(NANOSECONDS_OF_DAY - 1),
            0..NANOSECONDS_OF_DAY,
            (0..86_400i128).prop_map(|second| second * 1_000_000_000),
        ]
    }

    fn any_comparison() -> impl Strategy<Value = Comparison> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        prop_oneof![Just(Equal), Just(Less), Just(LessOrEqual), Just(Greater), Just(GreaterOrEqual)]
    }

    fn any_edge() -> impl Strategy<Value = Edge> {
        prop_oneof![Just(Edge::Start), Just(Edge::End)]
    }

    fn any_day() -> impl Strategy<Value = Date> {
        let (first, last) = (Date::MIN.days(), Date::MAX.days());
        prop_oneof![first..=last, first..=first + 2, last - 2..=last].prop_map(|days| Date::from_days(days).unwrap())
    }

    proptest! {
        #[test]
        fn an_instant_bounds_the_days_whose_edge_compares_so(
            day in any_day(), nanosecond in any_time(), comparison in any_comparison(), edge in any_edge(),
        ) {
            let (second, fraction) = (nanosecond / 1_000_000_000, nanosecond % 1_000_000_000);
            let (hour, minute) = (second / 3600, second / 60 % 60);
            let text = format!("{day}T{hour:02}:{minute:02}:{:02}.{fraction:09}Z", second % 60);
            let bounds = Moment::parse(&text).unwrap().bounds(edge, comparison);
            let instant = i128::from(day.days()) * NANOSECONDS_OF_DAY + nanosecond;
            for offset in -2..=2 {
                let Ok(row_day) = day.add_days(offset) else { continue };
                let expected = comparison.accepts(nanosecond_of_edge(row_day, edge).cmp(&instant));
                prop_assert_eq!(bounds.contains(row_day), expected, "{} {:?} {:?} {}", text, comparison, edge, row_day);
            }
        }

        #[test]
        fn a_date_alone_bounds_the_days_that_compare_so(
            day in any_day(), comparison in any_comparison(), edge in any_edge(),
        ) {
            let bounds = Moment::parse(&day.to_string()).unwrap().bounds(edge, comparison);
            for offset in -2..=2 {
                let Ok(row_day) = day.add_days(offset) else { continue };
                prop_assert_eq!(bounds.contains(row_day), comparison.accepts(row_day.cmp(&day)));
            }
        }
    }
}
