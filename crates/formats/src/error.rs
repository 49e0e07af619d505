//! Why an input file was refused.

use std::fmt;

/// Longest piece of a refused value that a message repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 60;

/// The beginning of a value from outside, safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// Cuts a cell to what a message can carry; bytes that are not UTF-8 print as `\u{FFFD}`.
    pub fn of(bytes: &[u8]) -> Self {
        let head = &bytes[..bytes.len().min(EXCERPT_CHARS_MAX * 4)];
        let mut text: String = String::from_utf8_lossy(head).chars().take(EXCERPT_CHARS_MAX).collect();
        if text.len() < bytes.len() {
            text.push('…');
        }
        Self(text)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A row that cannot be understood: where and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Physical line on which the row starts, from 1.
    pub line: u64,
    /// Header name of the column, when one cell is at fault.
    pub column: Option<String>,
    /// The refused value.
    pub value: Option<Excerpt>,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        match &self.value {
            Some(value) => write!(f, ": {value}: {}", self.expected),
            None => write!(f, ": {}", self.expected),
        }
    }
}

/// Why an input was refused as a whole. The file is named by the caller's path.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The operating system could not deliver the bytes.
    #[error("cannot read {file}: {source}")]
    Io {
        /// Path as given.
        file: String,
        /// Cause.
        source: std::io::Error,
    },
    /// The compressed data are damaged or end early.
    #[error("cannot decompress {file}: {reason}")]
    Gzip {
        /// Path as given.
        file: String,
        /// What is wrong with the data.
        reason: String,
    },
    /// The data expand beyond every plausible export.
    #[error(
        "{file} expands to more than {ratio} times its size: no cost export does, the file is refused as a decompression bomb"
    )]
    Bomb {
        /// Path as given.
        file: String,
        /// The limit.
        ratio: u64,
    },
    /// There is not even a header.
    #[error("{file} is empty: expected a header line with the columns of a cost export, or balance summaries")]
    Empty {
        /// Path as given.
        file: String,
    },
    /// The header line itself is not usable.
    #[error("{file}, line 1: {reason}")]
    Header {
        /// Path as given.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A column without which rows have no meaning.
    #[error("{file}, line 1: column {column} is missing; accepted names: {accepted}")]
    MissingColumn {
        /// Path as given.
        file: String,
        /// Name of the missing column.
        column: &'static str,
        /// All names under which it is recognised.
        accepted: String,
    },
    /// A fact that neither the file nor an option gives.
    #[error("{file} does not say its {fact}: give it with {option}")]
    MissingFact {
        /// Path as given.
        file: String,
        /// What is unknown.
        fact: &'static str,
        /// The option that supplies it.
        option: &'static str,
    },
    /// A row cannot be understood.
    #[error("{file}, {fault}")]
    Row {
        /// Path as given.
        file: String,
        /// Where and why.
        fault: RowFault,
    },
    /// The text is not CSV from this place on.
    #[error("{file}, {fault}")]
    Syntax {
        /// Path as given.
        file: String,
        /// Where and why.
        fault: RowFault,
    },
    /// Rows or options contradict each other.
    #[error("{file}: {reason}")]
    Contradiction {
        /// Path as given.
        file: String,
        /// Which facts exclude each other.
        reason: String,
        /// Line of the fact that contradicts, if it is a row.
        line: Option<u64>,
        /// Column of it.
        column: Option<&'static str>,
    },
    /// The text is not the JSON that it begins like.
    #[error("{file}, {}{reason}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Json {
        /// Path as given.
        file: String,
        /// Line of the fault, from 1.
        line: Option<u64>,
        /// What the JSON reader said.
        reason: String,
    },
    /// A balance summary cannot be understood.
    #[error("{}{}: {expected}", balance_place(file, *line, member), value.as_ref().map(|value| format!(": {value}")).unwrap_or_default())]
    Balance {
        /// Path as given.
        file: String,
        /// Line on which the summary begins, from 1.
        line: Option<u64>,
        /// Path of the member, or name of the column.
        member: String,
        /// The refused value.
        value: Option<Excerpt>,
        /// What would be right.
        expected: String,
    },
    /// Rejected rows could not be written to the caller's file.
    #[error("cannot write the rejected rows: {source}")]
    Rejects {
        /// Cause.
        source: std::io::Error,
    },
}

fn balance_place(file: &str, line: Option<u64>, member: &str) -> String {
    let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
    if member.is_empty() { format!("{file}{line}") } else { format!("{file}{line}, {member}") }
}

impl InputError {
    /// A stable word for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "Unreadable",
            Self::Gzip { .. } => "CorruptCompression",
            Self::Bomb { .. } => "DecompressionBomb",
            Self::Empty { .. } => "EmptyFile",
            Self::Header { .. } => "InvalidHeader",
            Self::MissingColumn { .. } => "MissingColumn",
            Self::MissingFact { .. } => "MissingFact",
            Self::Row { .. } => "InvalidRow",
            Self::Syntax { .. } => "InvalidCsv",
            Self::Contradiction { .. } => "Contradiction",
            Self::Json { .. } => "InvalidJson",
            Self::Balance { .. } => "InvalidBalance",
            Self::Rejects { .. } => "RejectsUnwritable",
        }
    }

    /// File, line and column, as far as they are known.
    pub fn place(&self) -> (Option<&str>, Option<u64>, Option<&str>) {
        match self {
            Self::Io { file, .. } | Self::Gzip { file, .. } | Self::Bomb { file, .. } | Self::Empty { file } => {
                (Some(file), None, None)
            }
            Self::MissingFact { file, .. } => (Some(file), None, None),
            Self::Header { file, .. } => (Some(file), Some(1), None),
            Self::MissingColumn { file, column, .. } => (Some(file), Some(1), Some(column)),
            Self::Row { file, fault } | Self::Syntax { file, fault } => {
                (Some(file), Some(fault.line), fault.column.as_deref())
            }
            Self::Contradiction { file, line, column, .. } => (Some(file), *line, *column),
            Self::Json { file, line, .. } => (Some(file), *line, None),
            Self::Balance { file, line, member, .. } => {
                (Some(file), *line, Some(member.as_str()).filter(|member| !member.is_empty()))
            }
            Self::Rejects { .. } => (None, None, None),
        }
    }
}
