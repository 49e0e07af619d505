//! CSV of native input: a header whose columns are taken by name, and records behind it.

use std::io::Read;

use super::error::{Fault, NativeError};
use crate::header::normalised;
use crate::records::{Record, RecordError, RecordReader};

/// A CSV file. Columns are taken by their names; what is left is unknown.
pub(crate) struct Table<'i> {
    file: String,
    records: RecordReader<Box<dyn Read + Send + 'i>>,
    /// Names as spelled, and as compared.
    header: Vec<(String, String)>,
    taken: Vec<bool>,
}

impl<'i> Table<'i> {
    /// Opens a file and reads its header.
    pub(crate) fn open(file: &str, input: Box<dyn Read + Send + 'i>) -> Result<Self, NativeError> {
        let mut records = RecordReader::new(input);
        let mut header: Vec<(String, String)> = Vec::new();
        let first = records.next_record().map_err(|error| syntax(file, error))?;
        let Some(first) = first else {
            let reason = "the file is empty; expected a header line".to_owned();
            return Err(NativeError::Syntax { file: file.to_owned(), line: None, reason });
        };
        for index in 0..first.len() {
            let name = String::from_utf8_lossy(&first.bytes(index)).trim().to_owned();
            let comparable = normalised(&name);
            if !comparable.is_empty() && header.iter().any(|(_, known)| *known == comparable) {
                return Err(header_fault(file, &name, "the column is there twice; expected it once"));
            }
            header.push((name, comparable));
        }
        let taken = vec![false; header.len()];
        Ok(Self { file: file.to_owned(), records, header, taken })
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Number of columns.
    pub(crate) fn width(&self) -> usize {
        self.header.len()
    }

    /// Takes the column that has one of these names.
    pub(crate) fn take(&mut self, names: &[&str]) -> Result<Option<usize>, NativeError> {
        let mut found = None;
        for name in names {
            let wanted = normalised(name);
            let Some(position) = self.header.iter().position(|(_, known)| *known == wanted) else { continue };
            if let Some(other) = found.replace(position) {
                let (other, _): &(String, String) = &self.header[other];
                let expected = format!("column {other} means the same; expected one of them");
                return Err(header_fault(&self.file, &self.header[position].0, &expected));
            }
            self.taken[position] = true;
        }
        Ok(found)
    }

    /// A required column that is not there.
    pub(crate) fn missing(&self, name: &str) -> NativeError {
        header_fault(&self.file, name, "the column is missing; expected it in the header")
    }

    /// Refuses columns that nobody has taken.
    pub(crate) fn finish_header(&self) -> Result<(), NativeError> {
        match self.taken.iter().position(|taken| !taken) {
            None => Ok(()),
            Some(position) => {
                let (name, _) = &self.header[position];
                let name = if name.is_empty() { format!("number {}", position + 1) } else { name.clone() };
                Err(header_fault(&self.file, &name, "unknown column; expected only those of docs/NATIVE.md"))
            }
        }
    }

    /// The next record.
    pub(crate) fn next_record(&mut self) -> Result<Option<Record<'_>>, NativeError> {
        let file = &self.file;
        self.records.next_record().map_err(|error| syntax(file, error))
    }
}

/// A column that is not as it should be.
pub(crate) fn header_fault(file: &str, name: &str, expected: &str) -> NativeError {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(60).collect();
    let fault = Fault::plain(&format!("column {name}"), expected);
    NativeError::Field { file: file.to_owned(), line: Some(1), record: None, fault: Box::new(fault) }
}

fn syntax(file: &str, error: RecordError) -> NativeError {
    match error {
        RecordError::Io(source) => NativeError::Io { file: file.to_owned(), source },
        RecordError::Syntax(fault) => {
            let column = fault.column.map(|column| format!("column {column}: ")).unwrap_or_default();
            let reason = format!("{column}{}", fault.expected);
            NativeError::Syntax { file: file.to_owned(), line: Some(fault.place.line), reason }
        }
    }
}
