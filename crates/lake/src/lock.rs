//! Locks that tell the programs of one data folder of each other.
//!
//! A lock ends with its value, and with its process, however that ends. Nothing but efficiency and the collection of
//! orphans rests on it: commits and leases are safe without. Where the file system knows no locks, nobody ever gets an
//! exclusive one, so what needs one is left undone.

use std::fs::{File, OpenOptions};
use std::path::Path;

/// Folder of lock files beneath the data folder.
const LOCKS: &str = "locks";

/// What a lock is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockName {
    /// Shared by running imports.
    Imports,
    /// Shared by processes whose workers write reports.
    Workers,
    /// Held by the server that bills native enrollments by itself at the moment.
    Billing,
}

/// A lock that is held.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Waits for those that hold the lock alone, which none does for long; then holds it with others.
    pub fn shared(data: &Path, name: LockName) -> std::io::Result<Self> {
        let file = open(data, name)?;
        file.lock_shared()?;
        Ok(Self { file })
    }

    /// Holds the lock alone; `None` if anybody else holds it, or if that cannot be known.
    pub fn alone(data: &Path, name: LockName) -> Option<Self> {
        let file = open(data, name).ok()?;
        file.try_lock().ok()?;
        Some(Self { file })
    }

    /// Lets others in. Another process may hold the lock alone between the two.
    pub fn into_shared(self) -> std::io::Result<Self> {
        self.file.unlock()?;
        self.file.lock_shared()?;
        Ok(self)
    }
}

fn open(data: &Path, name: LockName) -> std::io::Result<File> {
    let folder = data.join(LOCKS);
    std::fs::create_dir_all(&folder)?;
    let name = match name {
        LockName::Imports => "imports",
        LockName::Workers => "workers",
        LockName::Billing => "billing",
    };
    OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_alone_beside_another() {
        let data = tempfile::tempdir().unwrap();
        let alone = FolderLock::alone(data.path(), LockName::Imports).unwrap();
        assert!(FolderLock::alone(data.path(), LockName::Imports).is_none());
        assert!(FolderLock::alone(data.path(), LockName::Workers).is_some());
        let first = alone.into_shared().unwrap();
        let second = FolderLock::shared(data.path(), LockName::Imports).unwrap();
        drop(first);
        assert!(FolderLock::alone(data.path(), LockName::Imports).is_none());
        drop(second);
        assert!(FolderLock::alone(data.path(), LockName::Imports).is_some());
    }
}
