//! What a caller asks of rows beyond scope and time: the domain form of `$filter`.

use std::cmp::Ordering;

use calendar::{Date, DateRange};
use serde::{Deserialize, Serialize};

use crate::{Field, comparable};

/// Conditions on a row; it is asked for when all of them hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChargeFilter {
    /// On the row's day.
    pub days: DayBounds,
    /// On its other cells.
    pub conditions: Vec<Condition>,
}

/// Bounds of days, both included. Nothing lies within bounds of which the first is after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DayBounds {
    /// First day; `None` for no bound.
    pub first: Option<Date>,
    /// Last day; `None` for no bound.
    pub last: Option<Date>,
}

/// One condition on a row. A row without the cell never fulfils it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// A text cell compares with a text, both as [`comparable`].
    Text {
        /// Which cell; its kind is text.
        field: Field,
        /// How.
        comparison: Comparison,
        /// The text, as given.
        text: String,
    },
    /// The row has a tag. Keys compare without case, values exactly.
    Tag {
        /// The tag's key.
        key: String,
        /// The tag's value.
        value: String,
    },
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// The same.
    Equal,
    /// Less.
    Less,
    /// Less or the same.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or the same.
    GreaterOrEqual,
}

impl ChargeFilter {
    /// Whether every row is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl DayBounds {
    /// Whether there are no bounds.
    pub fn is_open(self) -> bool {
        self == Self::default()
    }

    /// Whether a day lies within.
    pub fn contains(self, day: Date) -> bool {
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }

    /// Whether all of some days lie within.
    pub fn contain_all(self, days: DateRange) -> bool {
        self.contains(days.start()) && self.contains(days.end())
    }

    /// Bounds that only the days within both keep.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let first = self.first.max(other.first);
        let last = match (self.last, other.last) {
            (Some(own), Some(theirs)) => Some(own.min(theirs)),
            (own, theirs) => own.or(theirs),
        };
        Self { first, last }
    }
}

impl Comparison {
    /// Whether the ordering of the left value to the right one is what is asked for.
    pub const fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// Whether two texts compare so, without regard to case and to blanks around them.
    pub fn accepts_texts(self, left: &str, right: &str) -> bool {
        self.accepts(comparable(left).cmp(&comparable(right)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<Date> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    #[test]
    fn bounds_include_both_ends_and_may_be_open_or_reversed() {
        let bounds = |first, last| DayBounds { first: day(first), last: day(last) };
        let within = |bounds: DayBounds, text: &str| bounds.contains(text.parse().unwrap());
        let september = bounds("2023-09-01", "2023-09-30");
        assert!(within(september, "2023-09-01") && within(september, "2023-09-30"));
        assert!(!within(september, "2023-08-31") && !within(september, "2023-10-01"));
        assert!(within(bounds("", ""), "2023-10-01") && bounds("", "").is_open());
        assert!(!within(bounds("2023-09-02", "2023-09-01"), "2023-09-01"));
        assert_eq!(
            bounds("2023-09-01", "").and(bounds("2023-09-05", "2023-09-09")),
            bounds("2023-09-05", "2023-09-09")
        );
        assert_eq!(
            bounds("", "2023-09-07").and(bounds("2023-09-05", "2023-09-09")),
            bounds("2023-09-05", "2023-09-07")
        );
    }

    #[test]
    fn texts_compare_without_case() {
        assert!(Comparison::Equal.accepts_texts("Rg1 ", "rG1"));
        assert!(Comparison::Less.accepts_texts("a", "B") && !Comparison::GreaterOrEqual.accepts_texts("a", "B"));
        assert!(Comparison::LessOrEqual.accepts_texts("a", "A") && !Comparison::Greater.accepts_texts("a", "A"));
    }
}
