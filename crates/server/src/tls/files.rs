//! Files of keys and certificates: whole or not there, keys for their owner alone.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use crate::error::ServerError;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Everyone: clients need it.
    Public,
    /// The owner.
    Key,
}

/// The folder.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Opens or makes it.
    pub(super) fn open(path: PathBuf) -> Result<Self, ServerError> {
        std::fs::create_dir_all(&path).map_err(failure(format!("make the folder {}", path.display())))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The content of a file, if it is there.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, ServerError> {
        match std::fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(format!("read {}", self.path(name).display()))(error)),
        }
    }

    /// Puts a file in place, whatever is there.
    pub(super) fn replace(&self, name: &str, text: &str, secrecy: Secrecy) -> Result<(), ServerError> {
        let path = self.path(name);
        let written = self.write_beside(name, text, secrecy).and_then(|beside| std::fs::rename(beside, &path));
        written.and_then(|()| self.flush()).map_err(failure(format!("write {}", path.display())))
    }

    /// Puts a file in place unless there is one, and gives what is there then: processes that start together agree.
    pub(super) fn keep_first(&self, name: &str, text: &str, secrecy: Secrecy) -> Result<String, ServerError> {
        let path = self.path(name);
        let doing = || format!("write {}", path.display());
        let beside = self.write_beside(name, text, secrecy).map_err(failure(doing()))?;
        let linked = std::fs::hard_link(&beside, &path);
        std::fs::remove_file(&beside).and_then(|()| self.flush()).map_err(failure(doing()))?;
        match linked {
            Ok(()) => Ok(text.to_owned()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(self.read(name)?.unwrap_or_default()),
            Err(error) => Err(failure(doing())(error)),
        }
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), ServerError> {
        match std::fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failure(format!("remove {}", self.path(name).display()))(error))
            }
            _ => Ok(()),
        }
    }

    fn write_beside(&self, name: &str, text: &str, secrecy: Secrecy) -> std::io::Result<PathBuf> {
        let path = self.path(&format!("{name}.{}.tmp", std::process::id()));
        _ = std::fs::remove_file(&path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        restrict(&mut options, secrecy);
        let mut file = options.open(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(path)
    }

    fn flush(&self) -> std::io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions, secrecy: Secrecy) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(if secrecy == Secrecy::Key { 0o600 } else { 0o644 });
}

#[cfg(not(unix))]
fn restrict(_options: &mut OpenOptions, _secrecy: Secrecy) {}

fn failure(doing: String) -> impl FnOnce(std::io::Error) -> ServerError {
    move |source| ServerError::TlsFile { doing, source }
}
