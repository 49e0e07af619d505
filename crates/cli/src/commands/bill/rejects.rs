//! The rejects file of usage: which records were refused, and why.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use billing::Ingested;

use crate::failure::Failure;

const HEADER: &str = "File,Record,Line,Field,Reason\n";

/// Refused records as CSV. The file is made with the first record; one that holds anything else is never touched.
pub(super) struct RejectsFile {
    path: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl RejectsFile {
    /// Refuses a path that holds something other than refused records of an earlier command.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let mut head = Vec::new();
        match File::open(path) {
            Ok(file) => {
                let read = file.take(HEADER.len() as u64).read_to_end(&mut head);
                read.map_err(|error| failed("read", path, &error))?;
                if !head.is_empty() && head != HEADER.as_bytes() {
                    let message = format!(
                        "{} is there and holds no refused records; name a new file with --rejects",
                        path.display()
                    );
                    return Err(Failure::refused("RejectsTaken", message));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("read", path, &error)),
        }
        Ok(Self { path: path.to_owned(), writer: None })
    }

    /// Adds the refused records of a batch. Blocking.
    pub(super) fn write(&mut self, file: &Path, batch: &Ingested) -> Result<(), Failure> {
        if batch.refusals.is_empty() {
            return Ok(());
        }
        let written = self.lines(&file.display().to_string(), batch);
        written.map_err(|error| failed("write", &self.path, &error))
    }

    fn lines(&mut self, file: &str, batch: &Ingested) -> std::io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let mut writer = BufWriter::new(File::create(&self.path)?);
                writer.write_all(HEADER.as_bytes())?;
                none.insert(writer)
            }
        };
        for refused in &batch.refusals {
            let line = refused.line.map(|line| line.to_string()).unwrap_or_default();
            let (file, field, reason) = (quoted(file), quoted(&refused.field), quoted(&refused.reason));
            writeln!(writer, "{file},{},{line},{field},{reason}", refused.record)?;
        }
        writer.flush()
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused("Rejects", format!("cannot {doing} {}: {error}", path.display()))
}
