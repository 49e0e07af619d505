//! Why native input was refused: the whole of a document, or one record of usage.

use std::fmt;

use ledger::HierarchyError;
use ledger::billing::PriceSheetError;

use crate::error::{Excerpt, InputError};

/// A member, column or cell that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path, such as `scope.subscriptionId` or `meters[0].ratio`; blank: the record as a whole.
    pub field: String,
    /// The refused value.
    pub value: Option<Excerpt>,
    /// What is wrong and what would be right.
    pub expected: String,
}

impl Fault {
    /// A fault of a value.
    pub(crate) fn of(field: &str, value: &str, expected: impl Into<String>) -> Self {
        let value = Some(Excerpt::of(value.as_bytes()));
        Self { field: field.to_owned(), value, expected: expected.into() }
    }

    /// A fault without a value.
    pub(crate) fn plain(field: &str, expected: impl Into<String>) -> Self {
        Self { field: field.to_owned(), value: None, expected: expected.into() }
    }

    /// The same fault inside of another member.
    pub(crate) fn within(mut self, path: &str) -> Self {
        self.field = if self.field.is_empty() { path.to_owned() } else { format!("{path}.{}", self.field) };
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        match &self.value {
            Some(value) => write!(f, "{value}: {}", self.expected),
            None => f.write_str(&self.expected),
        }
    }
}

/// A usage record that is refused; the others of its file or batch are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRefusal {
    /// Number of the record in its file or batch, from 1; refused records count.
    pub number: u64,
    /// Line on which it begins, from 1; `None` for Parquet.
    pub line: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for RecordRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}", self.number)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

/// Why native input was refused as a whole. The file is named by the caller's path.
#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    /// The bytes could not be read, or the compressed data are damaged.
    #[error(transparent)]
    Source(#[from] InputError),
    /// The operating system could not deliver the bytes.
    #[error("cannot read {file}: {source}")]
    Io {
        /// Path as given.
        file: String,
        /// Cause.
        source: std::io::Error,
    },
    /// Neither name nor content tell what the file is.
    #[error(
        "{file} is no native input: expected JSON with \"kind\" enrollment, orders or priceSheet, a price sheet as CSV, or usage as NDJSON, CSV or Parquet"
    )]
    Unknown {
        /// Path as given.
        file: String,
    },
    /// The text is not JSON, CSV or Parquet.
    #[error("{file}{}: {reason}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Syntax {
        /// Path as given.
        file: String,
        /// The line at fault, from 1; `None` for Parquet.
        line: Option<u64>,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A member of a document, or of one of its records.
    #[error("{file}{}: {fault}", record_place(*line, record.as_ref()))]
    Field {
        /// Path as given.
        file: String,
        /// Line on which the record begins, from 1, where it is known.
        line: Option<u64>,
        /// Number from 1 and id of the record; `None`: the document itself.
        record: Option<(u64, Option<String>)>,
        /// What is wrong.
        fault: Box<Fault>,
    },
    /// More than is accepted.
    #[error("{file} has {count} {what}; at most {max} are accepted")]
    TooMuch {
        /// Path as given.
        file: String,
        /// What there is too much of.
        what: &'static str,
        /// How much.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// A fact that neither the file nor the caller states.
    #[error("{file} does not say its {fact}; say it with {option}")]
    Missing {
        /// Path as given.
        file: String,
        /// The fact.
        fact: &'static str,
        /// The option that states it.
        option: &'static str,
    },
    /// Ownership that cannot be true.
    #[error("{file}: {source}")]
    Hierarchy {
        /// Path as given.
        file: String,
        /// Why.
        source: HierarchyError,
    },
    /// Prices that cannot stand together.
    #[error("{file}: {source}")]
    Prices {
        /// Path as given.
        file: String,
        /// Why.
        source: Box<PriceSheetError>,
    },
}

fn record_place(line: Option<u64>, record: Option<&(u64, Option<String>)>) -> String {
    let mut place = String::new();
    if let Some((number, id)) = record {
        place.push_str(&format!(", record {number}"));
        if let Some(id) = id {
            place.push_str(&format!(" ({id})"));
        }
    }
    if let Some(line) = line {
        place.push_str(&format!(", line {line}"));
    }
    place
}

impl NativeError {
    /// A stable word for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Source(source) => source.code(),
            Self::Io { .. } => "Unreadable",
            Self::Unknown { .. } => "NotNativeInput",
            Self::Syntax { .. } => "InvalidSyntax",
            Self::Field { .. } => "InvalidField",
            Self::TooMuch { .. } => "TooMuch",
            Self::Missing { .. } => "MissingFact",
            Self::Hierarchy { .. } => "InvalidHierarchy",
            Self::Prices { .. } => "InvalidPriceSheet",
        }
    }

    /// File, line and member or column, as far as they are known.
    pub fn place(&self) -> (Option<&str>, Option<u64>, Option<&str>) {
        match self {
            Self::Source(source) => {
                let (file, line, _) = source.place();
                (file, line, None)
            }
            Self::Syntax { file, line, .. } => (Some(file), *line, None),
            Self::Field { file, line, fault, .. } => (Some(file), *line, Some(&fault.field)),
            Self::Io { file, .. }
            | Self::Unknown { file }
            | Self::TooMuch { file, .. }
            | Self::Missing { file, .. }
            | Self::Hierarchy { file, .. }
            | Self::Prices { file, .. } => (Some(file), None, None),
        }
    }
}
