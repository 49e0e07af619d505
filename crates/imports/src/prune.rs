//! Ending history: what only earlier states need is removed, and those states cannot be read any more.

use std::collections::BTreeSet;
use std::time::Duration;

use catalog::AuditEntry;
use lake::leftover::{Leftover, files_older_than, remove};
use lake::{FolderLock, HistoryEnd, LakeError, LakeFile, LockName, ROLLUPS, crash_point};

use crate::error::ImportError;
use crate::record::ImportRecord;
use crate::sources::{SOURCES, hash_of};
use crate::store::Store;

/// The word of the audit log for it.
const AUDIT_ACTION: &str = "history.end";

/// What only states before one need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prunable {
    /// The oldest revision that stays readable.
    pub oldest: u64,
    /// Files of charges and their roll-ups.
    pub files: u64,
    /// Kept source files.
    pub sources: u64,
    /// Bytes of both.
    pub size_bytes: u64,
    /// Of the files and sources, those that could not be removed.
    pub left: u64,
}

/// The same, with the files themselves.
struct Found {
    charges: Vec<Leftover>,
    rollups: Vec<Leftover>,
    sources: Vec<Leftover>,
}

impl Found {
    fn counted(&self, oldest: u64) -> Prunable {
        let all = [&self.charges, &self.rollups, &self.sources].into_iter().flatten();
        Prunable {
            oldest,
            files: (self.charges.len() + self.rollups.len()) as u64,
            sources: self.sources.len() as u64,
            size_bytes: all.map(|file| file.size_bytes).sum(),
            left: 0,
        }
    }
}

impl Store {
    /// What only states before revision `oldest` need: files of charges, and with `sources` the kept sources of imports of
    /// which revision `oldest` holds nothing any more. Changes nothing.
    ///
    /// # Errors
    /// [`LakeError::NoSuchVersion`] for a revision that does not exist yet.
    pub async fn prunable(&self, oldest: u64, sources: bool) -> Result<Prunable, ImportError> {
        self.heal().await?;
        let oldest = self.checked(oldest).await?;
        Ok(self.found(oldest, sources).await?.counted(oldest))
    }

    /// Removes for good what [`Self::prunable`] tells. That earlier states cannot be read any more is committed first; what
    /// a crash leaves after that is removed by the next call with any revision, and by the collector of orphans, which takes
    /// no sources. Reports and pages of earlier states that are being read fail.
    ///
    /// # Errors
    /// [`ImportError::ImportsRunning`] while an import runs; nothing changed then.
    pub async fn prune(&self, oldest: u64, sources: bool, actor: &str) -> Result<Prunable, ImportError> {
        let data = self.lake().root().folder();
        let Some(_alone) = FolderLock::alone(data, LockName::Imports) else {
            return Err(ImportError::ImportsRunning);
        };
        self.heal().await?;
        let oldest = self.checked(oldest).await?;
        let newest = self.lake().snapshot().await?;
        if newest.oldest_kept().await? < oldest || (sources && newest.oldest_source_kept().await? < oldest) {
            self.lake().end_history(&newest, &HistoryEnd { oldest, sources, actor: actor.to_owned() }).await?;
            crash_point("prune-committed");
            self.heal().await?;
        }
        let found = self.found(oldest, sources).await?;
        let charges = remove(&found.charges);
        crash_point("prune-begun");
        let (rollups, sources) = (remove(&found.rollups), remove(&found.sources));
        let wanted = found.counted(oldest);
        let (files, size_bytes) =
            (charges.files + rollups.files, charges.size_bytes + rollups.size_bytes + sources.size_bytes);
        let left = wanted.files + wanted.sources - files - sources.files;
        Ok(Prunable { files, sources: sources.files, size_bytes, left, ..wanted })
    }

    /// The revision from which on states are kept: what was ended once does not come back.
    async fn checked(&self, oldest: u64) -> Result<u64, ImportError> {
        let newest = self.lake().snapshot().await?;
        if oldest > newest.version() {
            return Err(LakeError::NoSuchVersion { version: oldest, newest: newest.version() }.into());
        }
        Ok(oldest.max(newest.oldest_kept().await?))
    }

    async fn found(&self, oldest: u64, sources: bool) -> Result<Found, ImportError> {
        let files: Vec<LakeFile> = self.lake().files_only_before(oldest).await?;
        let names: BTreeSet<&str> = files.iter().filter_map(|file| file.path.rsplit('/').next()).collect();
        let is_named = |file: &Leftover| !file.temporary && names.contains(file.name.as_str());
        let data = self.lake().root().folder();
        let within = |folder: &std::path::Path| files_older_than(folder, Duration::ZERO);
        let charges = within(&self.lake().table_folder()).into_iter().filter(is_named).collect();
        let rollups = within(&data.join(ROLLUPS)).into_iter().filter(is_named).collect();
        let mut found = Found { charges, rollups, sources: Vec::new() };
        if sources {
            let needed = self.sources_needed_from(oldest).await?;
            let known = self.sources_named().await?;
            let is_old = |hash: &str| known.contains(hash) && !needed.contains(hash);
            let kept = within(&data.join(SOURCES)).into_iter();
            found.sources = kept.filter(|file| !file.temporary && hash_of(&file.name).is_some_and(is_old)).collect();
        }
        Ok(found)
    }

    /// Hashes of the sources that imports named.
    async fn sources_named(&self) -> Result<BTreeSet<String>, ImportError> {
        self.sources_of(|_| true).await
    }

    /// Hashes of the sources of imports from a revision on, and of those of which it holds anything.
    pub(crate) async fn sources_needed_from(&self, oldest: u64) -> Result<BTreeSet<String>, ImportError> {
        let held = self.catalog().held_at(oldest).await?;
        let held: BTreeSet<u64> = held.iter().filter_map(|holding| holding.revision.parse().ok()).collect();
        self.sources_of(|version| version >= oldest || held.contains(&version)).await
    }

    async fn sources_of(&self, wanted: impl Fn(u64) -> bool) -> Result<BTreeSet<String>, ImportError> {
        let mut hashes = BTreeSet::new();
        for commit in self.lake().notes_after(None).await?.into_iter().filter(|commit| wanted(commit.version)) {
            if let Some(note) = &commit.note {
                let record = ImportRecord::read(commit.version, note)?;
                hashes.extend(record.sources.into_iter().map(|source| source.hash));
            }
        }
        Ok(hashes)
    }
}

/// What the audit log says about an end of history.
pub(crate) fn history_audit(end: &HistoryEnd, at_ms: i64) -> AuditEntry {
    let detail = if end.sources { "files of charges and sources" } else { "files of charges" };
    AuditEntry {
        at_ms,
        actor: end.actor.clone(),
        action: AUDIT_ACTION.to_owned(),
        enrollment: None,
        target: format!("before revision {}", end.oldest),
        detail: detail.to_owned(),
        times: 1,
    }
}
