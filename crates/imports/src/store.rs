//! A store: lake and catalog of one data folder, brought into agreement when it is opened.

use std::fmt;
use std::path::Path;

use catalog::Catalog;
use lake::leftover::{HEALED, counted};
use lake::{Lake, LakeRoot, UsageTable, crash_point};

use crate::error::ImportError;
use crate::import::now_ms;
use crate::prune::history_audit;
use crate::record::ImportRecord;
use crate::usage_record::UsageRecordNote;

/// Imports that are told of one by one, and billing periods that each names: a catalog that was lost is rebuilt from
/// thousands.
const SENTENCES_MAX: usize = 20;
const UNITS_SHOWN_MAX: usize = 4;

/// An open data folder.
#[derive(Debug, Clone)]
pub struct Store {
    lake: Lake,
    usage: UsageTable,
    catalog: Catalog,
}

impl Store {
    /// Opens a data folder, making it if it is missing, and takes over what a crash left between lake and catalog.
    pub async fn open(folder: &Path) -> Result<Self, ImportError> {
        let root = LakeRoot::local(folder)?;
        let lake = Lake::open(root.clone()).await?;
        let usage = UsageTable::open(root);
        let catalog = Catalog::open(folder).await?;
        let store = Self { lake, usage, catalog };
        store.heal().await?;
        let lost = store.catalog.lost_jobs(now_ms()).await?;
        if lost > 0 {
            let reports = counted(lost, "unfinished report");
            tracing::info!(target: HEALED, lost, "found {reports} of workers that died; a server takes them up");
        }
        Ok(store)
    }

    /// A store whose parts are open already. Nothing is taken over: whoever changes it calls [`Self::heal`] first.
    pub fn over(lake: Lake, usage: UsageTable, catalog: Catalog) -> Self {
        Self { lake, usage, catalog }
    }

    /// Opens a data folder that is a store already; never makes one. Of a store that lost its catalog the lake tells most.
    pub async fn open_existing(folder: &Path) -> Result<Self, ImportError> {
        if !Catalog::is_in(folder) && !Lake::is_in(folder) {
            return Err(ImportError::NoStore { folder: folder.display().to_string() });
        }
        Self::open(folder).await
    }

    /// The lake.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The usage of native enrollments.
    pub fn usage(&self) -> &UsageTable {
        &self.usage
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Takes over commits of the lake that the catalog has not seen: an import is one commit of the lake, then one
    /// transaction of the catalog, and a crash can come between. Says what was taken over, and gives its number.
    pub async fn heal(&self) -> Result<usize, ImportError> {
        let commits = self.take_over_usage().await?;
        if commits > 0 {
            let commits = counted(commits, "commit");
            tracing::info!(target: HEALED, "took over {commits} of usage that their program did not record");
        }
        let taken = self.take_over().await?;
        for import in taken.iter().take(SENTENCES_MAX) {
            tracing::info!(target: HEALED, revision = import.revision, "{import}");
        }
        if taken.len() > SENTENCES_MAX {
            tracing::info!(target: HEALED, "took over {} more such imports", taken.len() - SENTENCES_MAX);
        }
        Ok(taken.len())
    }

    /// Does [`Self::heal`] without a word: one's own import is no news.
    pub(crate) async fn take_over(&self) -> Result<Vec<TakenOver>, ImportError> {
        let progress = self.catalog.lake_progress().await?;
        let newest = self.lake.newest_version().await?;
        match progress {
            Some(progress) if progress == newest => return Ok(Vec::new()),
            Some(progress) if progress > newest => return Err(ImportError::LakeBehind { progress, newest }),
            _ => {}
        }
        let mut taken = Vec::new();
        for commit in self.lake.notes_after(progress).await? {
            let record = commit.note.as_ref().map(|note| ImportRecord::read(commit.version, note)).transpose()?;
            let entry =
                record.as_ref().map(|record| record.entry(commit.version, commit.committed_at_ms)).transpose()?;
            crash_point("import-catalog-begun");
            let written = || crash_point("import-catalog-written");
            let audit = commit.history_end.as_ref().map(|end| history_audit(end, commit.committed_at_ms));
            self.catalog.take_over_passing(commit.version, entry.as_ref(), audit.as_ref(), &written).await?;
            crash_point("import-catalog-committed");
            taken.extend(record.map(|record| TakenOver { revision: commit.version, record }));
        }
        Ok(taken)
    }
}

impl Store {
    /// Takes over commits of the usage table that the catalog has not seen, as [`Self::heal`] does for the lake, and
    /// says how many there were. Whoever commits usage calls it afterwards.
    pub async fn take_over_usage(&self) -> Result<u64, ImportError> {
        let progress = self.catalog.usage_progress().await?;
        let newest = self.usage.newest_version().await?;
        match (progress, newest) {
            (progress, newest) if progress == newest => return Ok(0),
            (Some(progress), newest) if newest.is_none_or(|newest| progress > newest) => {
                return Err(ImportError::UsageBehind { progress, newest });
            }
            _ => {}
        }
        let mut taken = 0;
        for commit in self.usage.notes_after(progress).await? {
            let record = commit.note.as_ref().map(|note| UsageRecordNote::read(commit.version, note)).transpose()?;
            let entry = record.map(|record| record.entry(commit.version, commit.committed_at_ms)).transpose()?;
            crash_point("usage-catalog-begun");
            let written = || crash_point("usage-catalog-written");
            self.catalog.take_over_usage(commit.version, entry.as_ref(), &written).await?;
            crash_point("usage-catalog-committed");
            taken += u64::from(entry.is_some());
        }
        Ok(taken)
    }
}

/// An import that was committed by one program and is recorded by another. It prints as a sentence.
pub(crate) struct TakenOver {
    pub(crate) revision: u64,
    record: ImportRecord,
}

impl fmt::Display for TakenOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.record.billing.is_some() { "billing run" } else { "import" };
        write!(f, "took over {kind} {}", self.record.id)?;
        for (number, unit) in self.record.units.iter().take(UNITS_SHOWN_MAX).enumerate() {
            let before = if number == 0 { " of" } else { "," };
            write!(f, "{before} enrollment {} {} period {}", unit.enrollment, unit.dataset, unit.period)?;
            if let Some(days) = &unit.days {
                write!(f, " days {days}")?;
            }
        }
        if self.record.units.len() > UNITS_SHOWN_MAX {
            write!(f, " and {} more", self.record.units.len() - UNITS_SHOWN_MAX)?;
        }
        write!(f, " as revision {}, which its program committed and did not record", self.revision)
    }
}
