//! The rejects file: rows that could not be understood, with where they stood and why.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use formats::{RejectSink, Rejected};

use crate::error::ImportError;

const HEADER: &[u8] = b"File,Line,Column,Reason,Row\n";

/// Writes rejected rows as CSV; a row of a page is the JSON of its item. The file is made with the first row; one that holds anything else is never touched.
#[derive(Debug)]
pub(crate) struct RejectsFile {
    path: PathBuf,
    writer: Option<BufWriter<File>>,
    dry_run: bool,
}

impl RejectsFile {
    /// Refuses a path that holds something other than rejected rows of an earlier import.
    pub(crate) fn new(path: &Path, dry_run: bool) -> Result<Self, ImportError> {
        let mut head = Vec::new();
        match File::open(path) {
            Ok(file) => {
                file.take(HEADER.len() as u64)
                    .read_to_end(&mut head)
                    .map_err(ImportError::io(format!("read {}", path.display())))?;
                if !head.is_empty() && head != HEADER {
                    return Err(ImportError::RejectsTaken { path: path.display().to_string() });
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(ImportError::Path { path: path.display().to_string(), source }),
        }
        Ok(Self { path: path.to_owned(), writer: None, dry_run })
    }

    /// Makes the file durable, before the rows that it does not hold are.
    pub(crate) fn finish(&mut self) -> std::io::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.flush()?;
        writer.get_ref().sync_all()
    }

    fn writer(&mut self) -> std::io::Result<&mut BufWriter<File>> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            none => {
                let mut writer = BufWriter::new(File::create(&self.path)?);
                writer.write_all(HEADER)?;
                Ok(none.insert(writer))
            }
        }
    }
}

fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

impl RejectSink for RejectsFile {
    fn reject(&mut self, rejected: Rejected<'_>) -> std::io::Result<()> {
        if self.dry_run {
            return Ok(());
        }
        let mut line = Vec::with_capacity(rejected.raw.len() + 200);
        quoted(rejected.file.as_bytes(), &mut line);
        write!(line, ",{},", rejected.fault.place.line)?;
        let column = rejected.fault.place.column(rejected.fault.column.as_deref());
        quoted(column.as_deref().unwrap_or_default().as_bytes(), &mut line);
        line.push(b',');
        let reason = match &rejected.fault.value {
            Some(value) => format!("{value}: {}", rejected.fault.expected),
            None => rejected.fault.expected.clone(),
        };
        quoted(reason.as_bytes(), &mut line);
        line.push(b',');
        quoted(rejected.raw, &mut line);
        line.push(b'\n');
        self.writer()?.write_all(&line)
    }
}
