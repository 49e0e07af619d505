//! Why an input file was refused.

use std::borrow::Cow;
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

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPlace {
    /// Physical line on which the row starts, from 1; of a Parquet file, the number of the row.
    pub line: u64,
    /// What the row is.
    pub form: RowForm,
}

/// What a row is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// One or more lines of text.
    Lines,
    /// A row of a file that has no lines.
    Row,
    /// An item of a page: whole pages stand on one line.
    Item(PageItem),
}

/// An item of a page of usage details, written as `value[16]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageItem {
    /// The page's list.
    pub list: PageList,
    /// Position in the list, from 0.
    pub index: u32,
}

/// The list of items in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageList {
    /// Of Consumption pages.
    Value,
    /// Of Enterprise Reporting pages.
    Data,
    /// The whole answer is the list: of Marketplace charges of Enterprise Reporting.
    Whole,
}

impl PageList {
    /// Its name in the page; blank for the list that is the whole answer.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Data => "data",
            Self::Whole => "",
        }
    }
}

impl fmt::Display for PageList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl RowPlace {
    /// The place of a row of a CSV file.
    pub const fn of_line(line: u64) -> Self {
        Self { line, form: RowForm::Lines }
    }

    /// The place of a row of a Parquet file.
    pub const fn of_row(row: u64) -> Self {
        Self { line: row, form: RowForm::Row }
    }

    /// The item of a page that the row is, if it is one.
    pub const fn item(&self) -> Option<PageItem> {
        match self.form {
            RowForm::Item(item) => Some(item),
            RowForm::Lines | RowForm::Row => None,
        }
    }

    /// The column of a fault at this place, for scripts: a header name, or the path of a member such as
    /// `value[16].properties.pretaxCost`.
    pub fn column<'c>(&self, column: Option<&'c str>) -> Option<Cow<'c, str>> {
        match (self.item(), column) {
            (None, column) => column.map(Cow::Borrowed),
            (Some(item), None) => Some(Cow::Owned(item.to_string())),
            (Some(item), Some(member)) => Some(Cow::Owned(format!("{item}.{member}"))),
        }
    }
}

impl fmt::Display for PageItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.list, self.index)
    }
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            RowForm::Lines => write!(f, "line {}", self.line),
            RowForm::Row => write!(f, "row {}", self.line),
            RowForm::Item(item) => write!(f, "line {}, {item}", self.line),
        }
    }
}

/// A row that cannot be understood: where and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Where the row stands.
    pub place: RowPlace,
    /// Header name of the column, or path of the member, when one cell is at fault.
    pub column: Option<String>,
    /// The refused value.
    pub value: Option<Excerpt>,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        match (&self.column, self.place.item()) {
            (Some(column), None) => write!(f, ", column {column}")?,
            (Some(member), Some(_)) => write!(f, ", {member}")?,
            (None, _) => {}
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
    Compressed {
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
    #[error("{}: {reason}", placed(file, *line))]
    Header {
        /// Path as given.
        file: String,
        /// Line of the header; `None` where names of columns stand in no line.
        line: Option<u64>,
        /// What is wrong with it.
        reason: String,
    },
    /// A column without which rows have no meaning.
    #[error("{}: column {column} is missing; accepted names: {accepted}{hint}", placed(file, *line))]
    MissingColumn {
        /// Path as given.
        file: String,
        /// Line of the header; `None` where names of columns stand in no line.
        line: Option<u64>,
        /// Name of the missing column.
        column: &'static str,
        /// All names under which it is recognised.
        accepted: String,
        /// What else may help; blank or a clause.
        hint: &'static str,
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
    /// The text begins like JSON and is not JSON from this place on.
    #[error("{file}, line {line}, character {character}: the JSON is damaged or truncated: {reason}")]
    Json {
        /// Path as given.
        file: String,
        /// Line of the place.
        line: u64,
        /// Position in the line, in bytes from 1.
        character: u64,
        /// What the JSON reader said.
        reason: String,
    },
    /// The Parquet file is damaged, or has what no cost export has.
    #[error("{file}{}: {reason}", column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default())]
    Parquet {
        /// Path as given.
        file: String,
        /// The column at fault, if one is.
        column: Option<String>,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// The JSON is no page of usage details that can be imported.
    #[error("{file}: {reason}")]
    NotUsageDetails {
        /// Path as given.
        file: String,
        /// What it is instead, and what was expected.
        reason: String,
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
        column: Option<String>,
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
    let place = placed(file, line);
    if member.is_empty() { place } else { format!("{place}, {member}") }
}

fn placed(file: &str, line: Option<u64>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}, line {line}"))
}

impl InputError {
    /// A stable word for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "Unreadable",
            Self::Compressed { .. } => "CorruptCompression",
            Self::Bomb { .. } => "DecompressionBomb",
            Self::Empty { .. } => "EmptyFile",
            Self::Header { .. } => "InvalidHeader",
            Self::MissingColumn { .. } => "MissingColumn",
            Self::MissingFact { .. } => "MissingFact",
            Self::Row { .. } => "InvalidRow",
            Self::Syntax { .. } => "InvalidCsv",
            Self::Json { .. } => "InvalidJson",
            Self::Parquet { .. } => "InvalidParquet",
            Self::NotUsageDetails { .. } => "NotUsageDetails",
            Self::Contradiction { .. } => "Contradiction",
            Self::Balance { .. } => "InvalidBalance",
            Self::Rejects { .. } => "RejectsUnwritable",
        }
    }

    /// File, line and column, as far as they are known.
    pub fn place(&self) -> (Option<&str>, Option<u64>, Option<Cow<'_, str>>) {
        match self {
            Self::Io { file, .. } | Self::Compressed { file, .. } | Self::Bomb { file, .. } | Self::Empty { file } => {
                (Some(file), None, None)
            }
            Self::MissingFact { file, .. } | Self::NotUsageDetails { file, .. } => (Some(file), None, None),
            Self::Json { file, line, .. } => (Some(file), Some(*line), None),
            Self::Parquet { file, column, .. } => (Some(file), None, column.as_deref().map(Cow::Borrowed)),
            Self::Header { file, line, .. } => (Some(file), *line, None),
            Self::MissingColumn { file, line, column, .. } => (Some(file), *line, Some(Cow::Borrowed(column))),
            Self::Row { file, fault } | Self::Syntax { file, fault } => {
                (Some(file), Some(fault.place.line), fault.place.column(fault.column.as_deref()))
            }
            Self::Balance { file, line, member, .. } => {
                let member = Some(member.as_str()).filter(|member| !member.is_empty());
                (Some(file), *line, member.map(Cow::Borrowed))
            }
            Self::Contradiction { file, line, column, .. } => (Some(file), *line, column.as_deref().map(Cow::Borrowed)),
            Self::Rejects { .. } => (None, None, None),
        }
    }
}
