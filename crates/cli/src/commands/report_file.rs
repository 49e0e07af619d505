//! Where `lazurite report` writes to.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Standard output, or a file that gets its name when it is complete.
pub(crate) struct Output {
    writer: Box<dyn Write + Send>,
    target: Option<(tempfile::TempPath, PathBuf)>,
    bytes: u64,
}

impl Output {
    /// Opens what a path names. What is there and is no file, such as a pipe or a device, is written to as it is; a link
    /// stays one.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self { writer: Box::new(std::io::stdout()), target: None, bytes: 0 });
        }
        let unwritable =
            |error: std::io::Error| Failure::refused("Unwritable", format!("cannot write {}: {error}", path.display()));
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            let file = std::fs::OpenOptions::new().write(true).open(path).map_err(unwritable)?;
            return Ok(Self { writer: Box::new(file), target: None, bytes: 0 });
        }
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let reason = format!("cannot write {}: there is no folder {}", path.display(), folder.display());
            return Err(Failure::refused("Unwritable", reason));
        }
        let (file, temporary) = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?.into_parts();
        Ok(Self { writer: Box::new(file), target: Some((temporary, target)), bytes: 0 })
    }

    /// Bytes written so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the file its name; tells its bytes.
    pub(crate) fn finish(mut self) -> Result<u64, Failure> {
        self.writer.flush().map_err(|error| unwritten(&error))?;
        drop(self.writer);
        if let Some((temporary, path)) = self.target {
            temporary.persist(path).map_err(|error| unwritten(&error.error))?;
        }
        Ok(self.bytes)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

/// What to say of a report that cannot be written.
pub(crate) fn unwritten(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Failure::unread();
    }
    Failure::other("Unwritable", format!("cannot write the report: {error}"))
}
