//! The rejects file: rows that could not be understood, with where they stood and why.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use formats::{RejectSink, Rejected};

const HEADER: &[u8] = b"File,Line,Column,Reason,Row\n";

/// Writes rejected rows as CSV.
#[derive(Debug)]
pub(crate) struct RejectsFile {
    writer: BufWriter<File>,
}

impl RejectsFile {
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        let mut writer = BufWriter::new(File::create(path)?);
        writer.write_all(HEADER)?;
        Ok(Self { writer })
    }

    /// Makes the file durable, before the rows that it does not hold are.
    pub(crate) fn finish(&mut self) -> std::io::Result<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()
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
        let mut line = Vec::with_capacity(rejected.raw.len() + 200);
        quoted(rejected.file.as_bytes(), &mut line);
        write!(line, ",{},", rejected.fault.line)?;
        quoted(rejected.fault.column.as_deref().unwrap_or_default().as_bytes(), &mut line);
        line.push(b',');
        let reason = match &rejected.fault.value {
            Some(value) => format!("{value}: {}", rejected.fault.expected),
            None => rejected.fault.expected.clone(),
        };
        quoted(reason.as_bytes(), &mut line);
        line.push(b',');
        quoted(rejected.raw, &mut line);
        line.push(b'\n');
        self.writer.write_all(&line)
    }
}
