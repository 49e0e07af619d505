//! Collecting orphans: what imports that ended before their commit left behind.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use lake::leftover::{Collected, HEALED, Leftover, counted, files_older_than, is_older, remove};
use lake::{FolderLock, LockName, ROLLUPS};

use crate::error::ImportError;
use crate::record::ImportRecord;
use crate::sources::{SOURCES, hash_of, is_catalogs_name};
use crate::store::Store;

/// Folder of working folders beneath the data folder, and how the name of each begins.
pub(crate) const STAGING: &str = "staging";
pub(crate) const WORKING_FOLDER_PREFIX: &str = "import-";
/// Folder of the Delta log in the table's.
const LOG: &str = "_delta_log";
/// File of the Delta log that says which checkpoint is the newest.
const LAST_CHECKPOINT: &str = "_last_checkpoint";

impl Store {
    /// Removes what was last written at least `older_than` ago and belongs to no import: Parquet files that no version of
    /// the lake names which can be read, sources that no import names, temporary files, and working folders. Gives the files among them,
    /// those in working folders not counted.
    ///
    /// What a running import has written is safe twice over. An import holds the lock of imports, and nothing is collected
    /// unless nobody holds it: so an import that was suspended for a week loses nothing, nor does one that goes on with a
    /// source which a dead one had kept. Where the file system knows no locks, nothing is collected at all. And its files
    /// are younger than the age. Files are listed before the log is read, and all of the log is read: what any version
    /// names that can be read stays.
    ///
    /// Only files with names of our own are removed. Links are not followed.
    pub async fn collect_orphans(&self, older_than: Duration) -> Result<Collected, ImportError> {
        let data = self.lake().root().folder();
        let Some(_alone) = FolderLock::alone(data, LockName::Imports) else {
            tracing::debug!("orphans are not collected while an import runs");
            return Ok(Collected::default());
        };
        // A lake that was restored from an older copy misses commits whose files are no orphans: this refuses it.
        self.heal().await?;
        let charges = files_older_than(&self.lake().table_folder(), older_than);
        let usage = files_older_than(&self.usage().table_folder(), older_than);
        let rollups = files_older_than(&data.join(ROLLUPS), older_than);
        let sources = files_older_than(&data.join(SOURCES), older_than);
        let named = Named::read(self).await?;
        let mut orphans: Vec<Leftover> = charges.into_iter().filter(|file| named.is_orphan_of_charges(file)).collect();
        // A roll-up has the name of its file.
        orphans.extend(rollups.into_iter().filter(|file| named.is_orphan_of_charges(file)));
        orphans.extend(usage.into_iter().filter(|file| named.is_orphan_of_charges(file)));
        orphans.extend(sources.into_iter().filter(|file| named.is_orphan_of_sources(file)));
        let collected = remove(&orphans);
        remove_working_folders(data, older_than);
        if !collected.is_empty() {
            let Collected { files, size_bytes } = collected;
            tracing::info!(
                target: HEALED, files, size_bytes,
                "removed {collected} that imports left which ended before their commit"
            );
        }
        Ok(collected)
    }
}

/// Everything that versions of the lake name which can be read, and every source that any import named.
struct Named {
    /// Names of Parquet files without their folders: they carry the id of their import, so none occurs twice.
    files: BTreeSet<String>,
    /// Hashes of sources.
    sources: BTreeSet<String>,
}

impl Named {
    async fn read(store: &Store) -> Result<Self, ImportError> {
        let files = store.lake().files_of_kept_versions().await?;
        // Usage is never removed: its newest version names all of its files.
        let usage = store.usage().snapshot().await?;
        let paths = files.iter().map(|file| &file.path).chain(usage.all_files().iter().map(|file| &file.path));
        let files = paths.filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect();
        let mut sources = BTreeSet::new();
        for commit in store.lake().notes_after(None).await? {
            if let Some(note) = &commit.note {
                let record = ImportRecord::read(commit.version, note)?;
                sources.extend(record.sources.into_iter().map(|source| source.hash));
            }
        }
        Ok(Self { files, sources })
    }

    fn is_orphan_of_charges(&self, file: &Leftover) -> bool {
        if file.path.parent().is_some_and(|folder| folder.ends_with(LOG)) {
            return file.temporary && is_log_name(&file.name);
        }
        is_charges_name(&file.name) && (file.temporary || !self.files.contains(&file.name))
    }

    fn is_orphan_of_sources(&self, file: &Leftover) -> bool {
        // A source that the catalog alone names is never one once it got its name: the catalog can be lost.
        (file.temporary && is_catalogs_name(&file.name))
            || hash_of(&file.name).is_some_and(|hash| file.temporary || !self.sources.contains(hash))
    }
}

/// Whether a file of the table has a name that imports give: `IMPORT-GROUP-NUMBER.parquet`.
fn is_charges_name(name: &str) -> bool {
    let Some((import, rest)) = name.strip_suffix(".parquet").and_then(|name| name.split_at_checked(36)) else {
        return false;
    };
    let numbers = rest.strip_prefix('-').and_then(|rest| rest.split_once('-'));
    uuid::Uuid::try_parse(import).is_ok()
        && numbers.is_some_and(|(group, number)| is_digits(group) && is_digits(number))
}

/// Whether a file of the Delta log has a name that a commit or a checkpoint gives.
fn is_log_name(name: &str) -> bool {
    let version = name.strip_suffix(".json").or_else(|| name.strip_suffix(".checkpoint.parquet"));
    name == LAST_CHECKPOINT || version.is_some_and(|version| version.len() == 20 && is_digits(version))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes working folders of imports that were killed. The caller holds the lock of imports alone.
pub(crate) fn remove_working_folders(data: &Path, older_than: Duration) {
    let mut folders = 0;
    for entry in std::fs::read_dir(data.join(STAGING)).into_iter().flatten().filter_map(Result::ok) {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(WORKING_FOLDER_PREFIX))
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        if is_ours && written.is_ok_and(|written| is_older(written, older_than)) {
            match std::fs::remove_dir_all(entry.path()) {
                Ok(()) => folders += 1,
                Err(error) => tracing::warn!(%error, "cannot remove the working folder {}", entry.path().display()),
            }
        }
    }
    if folders > 0 {
        let counted = counted(folders, "working folder");
        tracing::info!(target: HEALED, folders, "removed {counted} of imports that did not end by themselves");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_recognised() {
        let charges = "0199f0a4-7b1e-7000-8000-00000000000a-000-00001.parquet";
        assert!(is_charges_name(charges));
        for name in [
            "part-00000-0199f0a4-7b1e-7000-8000-00000000000a-c000.snappy.parquet",
            "0199f0a4-7b1e-7000-8000-00000000000a.parquet",
            "0199f0a4-7b1e-7000-8000-00000000000a-000-x.parquet",
            "0199f0a4-7b1e-7000-8000-00000000000a-000-00001.csv",
            "é.parquet",
        ] {
            assert!(!is_charges_name(name), "{name}");
        }
        for (name, is_ours) in [
            ("00000000000000000007.json", true),
            ("00000000000000000020.checkpoint.parquet", true),
            ("_last_checkpoint", true),
            ("7.json", false),
            ("00000000000000000007.crc", false),
        ] {
            assert_eq!(is_log_name(name), is_ours, "{name}");
        }
        assert_eq!(hash_of(&format!("{}.csv.zst", "a".repeat(64))), Some("a".repeat(64).as_str()));
        assert_eq!(hash_of("notes.csv.zst"), None);
        let balances = format!("{}.balances.zst", "a".repeat(64));
        assert!(is_catalogs_name(&balances) && hash_of(&balances).is_none() && !is_catalogs_name("x.balances.zst"));
    }
}
