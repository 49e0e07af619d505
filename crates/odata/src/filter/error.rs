//! What can be wrong with a filter.

use calendar::CalendarError;
use thiserror::Error;

use super::CLAUSES_MAX;
use crate::OPTION_BYTES_MAX;

/// A fault of a filter and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("$filter, character {position}: {problem}")]
pub struct FilterError {
    /// The character at fault, counted from 1; one more than there are characters where something is missing at the end.
    pub position: usize,
    /// What is wrong with it.
    pub problem: FilterProblem,
}

/// What is wrong with a filter. Texts of the request are cut to a printable length.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterProblem {
    /// The filter is longer than [`OPTION_BYTES_MAX`].
    #[error("the filter is longer than {OPTION_BYTES_MAX} bytes")]
    TooLong,
    /// The filter has more than [`CLAUSES_MAX`] comparisons.
    #[error("the filter has more than {CLAUSES_MAX} comparisons")]
    TooManyClauses,
    /// The filter is blank.
    #[error("the filter is empty; leave it out to ask without one")]
    Empty,
    /// Something else is needed here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What would be right.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// An operator of OData that the API does not have (contract section 3).
    #[error("`{found}` is not supported; comparisons are eq, lt, gt, le, ge, joined by and")]
    RefusedOperator {
        /// The operator.
        found: String,
    },
    /// A function of OData; the API has none.
    #[error("functions such as `{found}` are not supported; comparisons are eq, lt, gt, le, ge, joined by and")]
    Function {
        /// The function's name.
        found: String,
    },
    /// The name is none of this resource's.
    #[error("`{found}` cannot be filtered by; known names are {known}")]
    UnknownName {
        /// The name.
        found: String,
        /// The names that are known, joined by commas.
        known: String,
    },
    /// The name is known, with `properties/` before it.
    #[error("`{found}` lacks its prefix; write {right}")]
    MissingPrefix {
        /// The name.
        found: String,
        /// Its right form.
        right: &'static str,
    },
    /// A value without quotes.
    #[error("the value `{found}` lacks its quotes; write '{found}'")]
    MissingQuotes {
        /// The value.
        found: String,
    },
    /// A single quote opens a text that nothing closes.
    #[error("the text that starts here is not closed; end it with a single quote, and double the quotes inside")]
    UnclosedText,
    /// A parenthesis that nothing closes.
    #[error("the parenthesis that opens here is not closed")]
    UnclosedParenthesis,
    /// A parenthesis closes that none opened.
    #[error("no parenthesis is open here")]
    UnopenedParenthesis,
    /// A character that does not fit a date.
    #[error("expected {expected}, found {found}; dates are written '2018-05-01' or '2018-05-01T00:00:00Z'")]
    DateSyntax {
        /// What would fit.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A time in another offset than UTC, in which a day is another one.
    #[error("times are written in UTC, '2018-05-01T00:00:00Z' (a plus sign in a query is written %2B)")]
    OffsetNotUtc,
    /// A date that is written well and does not exist, or is out of range.
    #[error("{0}")]
    Date(CalendarError),
    /// Tags are compared by another operator than `eq`.
    #[error("tags compare by eq only, found `{found}`")]
    TagOperator {
        /// The operator.
        found: String,
    },
    /// The text of a tag has no colon or no key before it.
    #[error("a tag is written 'key:value', found '{found}'")]
    TagSyntax {
        /// The text.
        found: String,
    },
}
