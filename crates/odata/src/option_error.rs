//! What can be wrong with the options other than `$filter` and `$skiptoken`.

use thiserror::Error;

use crate::OPTION_BYTES_MAX;

/// A query option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QueryOption {
    /// `$apply`
    #[error("$apply")]
    Apply,
    /// `$expand`
    #[error("$expand")]
    Expand,
    /// `$top`
    #[error("$top")]
    Top,
}

/// A fault of an option and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{option}, character {position}: {problem}")]
pub struct OptionError {
    /// The option.
    pub option: QueryOption,
    /// The character at fault, counted from 1; one more than there are characters where something is missing at the end.
    pub position: usize,
    /// What is wrong with it.
    pub problem: OptionProblem,
}

/// What is wrong with an option. Texts of the request are cut to a printable length.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionProblem {
    /// The option is longer than [`OPTION_BYTES_MAX`].
    #[error("the option is longer than {OPTION_BYTES_MAX} bytes")]
    TooLong,
    /// Something else is needed here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What would be right.
        expected: &'static str,
        /// What is there.
        found: String,
    },
}
