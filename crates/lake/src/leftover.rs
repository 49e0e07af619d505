//! Files that a program which ended too early may have left: how they are found, told from others, and removed.
//!
//! Only plain files are looked at. Links are neither followed nor removed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Target of log lines that say what was mended after a program that ended too early. Commands that log nothing but errors
/// show them too.
pub const HEALED: &str = "healed";
/// Age below which no file is an orphan: far more than any import or report takes.
pub const ORPHAN_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a server collects orphans.
pub const COLLECTION_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);
/// Folders within folders that are looked into: our deepest file is charges/enrollment/dataset/period/file.
const DEPTH_MAX: usize = 4;

/// A plain file beneath a folder of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// Its name, without the mark of a temporary file.
    pub name: String,
    /// Whether it is a temporary file: one that did not get its own name yet.
    pub temporary: bool,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub size_bytes: u64,
}

impl Collected {
    /// Whether nothing was removed.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl std::fmt::Display for Collected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", counted(self.files, "file"), self.size_bytes)
    }
}

/// A number of things, for sentences: `1 file`, `2 files`.
pub fn counted(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The plain files beneath `folder` that were last written at least `older_than` ago. A file whose time lies ahead, and
/// whatever cannot be read, is left out. A folder that is not there has no files.
pub fn files_older_than(folder: &Path, older_than: Duration) -> Vec<Leftover> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            // The type and the data of the entry itself: links are not followed.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < DEPTH_MAX {
                waiting.push((entry.path(), depth + 1));
            }
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            if kind.is_file() && metadata.modified().is_ok_and(|written| is_older(written, older_than)) {
                let own = temporary_of(&name);
                let (temporary, name) = (own.is_some(), own.unwrap_or(&name).to_owned());
                found.push(Leftover { path: entry.path(), name, temporary, size_bytes: metadata.len() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Whether an instant lies at least `older_than` back.
pub fn is_older(written: SystemTime, older_than: Duration) -> bool {
    written.elapsed().is_ok_and(|age| age >= older_than)
}

/// Removes files. What cannot be removed takes room and does no harm; the next collection tries again.
pub fn remove(leftovers: &[Leftover]) -> Collected {
    let mut collected = Collected::default();
    for leftover in leftovers {
        match std::fs::remove_file(&leftover.path) {
            Ok(()) => {
                collected.files += 1;
                collected.size_bytes += leftover.size_bytes;
            }
            Err(error) => {
                tracing::warn!(target: HEALED, %error, "cannot remove {}: {error}", leftover.path.display());
            }
        }
    }
    collected
}

/// The name that a temporary file would have got: that of `name#0123` is `name`.
fn temporary_of(name: &str) -> Option<&str> {
    let (own, number) = name.rsplit_once('#')?;
    (!own.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_plain_files_are_found_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("x"), "x").unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b.csv#12"), "12345").unwrap();
        std::fs::write(folder.path().join("c#"), "").unwrap();
        #[cfg(unix)]
        for (target, link) in [(elsewhere.path().to_owned(), "folder"), (elsewhere.path().join("x"), "file")] {
            std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
        }
        let found = files_older_than(folder.path(), Duration::ZERO);
        let names: Vec<_> = found.iter().map(|file| (file.name.as_str(), file.temporary)).collect();
        assert_eq!(names, [("b.csv", true), ("c#", false)]);
        assert!(files_older_than(folder.path(), Duration::from_secs(3600)).is_empty());
        assert!(files_older_than(&folder.path().join("nowhere"), Duration::ZERO).is_empty());
        let removed = remove(&found);
        assert_eq!(
            (removed, removed.to_string().as_str()),
            (Collected { files: 2, size_bytes: 5 }, "2 files (5 bytes)")
        );
        assert!(elsewhere.path().join("x").exists());
    }
}
