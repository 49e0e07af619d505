//! Collecting what old reports leave: jobs that ended long ago, and blobs that no job names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use lake::leftover::{Collected, HEALED, Leftover, counted, files_older_than, remove};

use crate::error::ReportError;
use crate::service::{Reports, now_ms};
use crate::writer::{REPORTS, StoredBlob, is_blob_name};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A report is kept for a week after its end; a link lives no longer than that.
pub(crate) const REPORT_LIFE_MS: i64 = 7 * DAY_MS;
/// For how long its blobs are given to equal questions. The day between the two is what makes reuse safe: blobs are
/// removed only when every job that names them is a week old, and nobody begins to name them in their last day.
pub(crate) const REUSE_LIFE_MS: i64 = REPORT_LIFE_MS - DAY_MS;

/// What was collected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CollectedReports {
    /// Reports that ended more than a week ago.
    pub reports: u64,
    /// Blobs that no report names any more, or ever named.
    pub blobs: Collected,
}

impl Reports {
    /// Forgets reports that ended more than a week ago, and removes blobs that were written at least `older_than` ago and
    /// that no report names.
    ///
    /// A blob lives while any report names it: equal questions share blobs. All that an unfinished report wrote stays, for
    /// a worker may be about to name it. Files are listed before the reports are read, so a report that ends between the
    /// two has named its blobs by then.
    pub async fn collect(&self, older_than: Duration) -> Result<CollectedReports, ReportError> {
        let reports = self.catalog.forget_jobs(now_ms() - REPORT_LIFE_MS).await?;
        let folder = self.lake.root().folder().join(REPORTS);
        let files: Vec<Leftover> = files_older_than(&folder, older_than)
            .into_iter()
            .filter(|file| is_blob_name(&file.name) && job_of(&folder, &file.path).is_some())
            .collect();
        let mut unfinished = BTreeSet::new();
        let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for job in self.catalog.jobs().await? {
            if !job.state.is_finished() {
                unfinished.insert(job.id);
                continue;
            }
            let Some(result) = job.result else { continue };
            let blobs: Vec<StoredBlob> = serde_json::from_str(&result)
                .map_err(|error| ReportError::Foreign { id: job.id.clone(), reason: error.to_string() })?;
            for blob in blobs {
                named.entry(blob.job).or_default().insert(blob.name);
            }
        }
        let orphans: Vec<Leftover> = files
            .into_iter()
            .filter(|file| {
                let job = job_of(&folder, &file.path).unwrap_or_default();
                let is_named = !file.temporary && named.get(&job).is_some_and(|names| names.contains(&file.name));
                !unfinished.contains(&job) && !is_named
            })
            .collect();
        let blobs = remove(&orphans);
        for folder in orphans.iter().filter_map(|orphan| orphan.path.parent()) {
            // Succeeds for empty folders only.
            _ = std::fs::remove_dir(folder);
        }
        let collected = CollectedReports { reports, blobs };
        if collected != CollectedReports::default() {
            let forgotten = counted(reports, "report");
            tracing::info!(
                target: HEALED, reports, files = blobs.files, size_bytes = blobs.size_bytes,
                "removed {forgotten} that ended more than a week ago, and {blobs} that no report names"
            );
        }
        Ok(collected)
    }
}

/// The job in whose folder a file lies, if it is a job's folder.
fn job_of(reports: &Path, file: &Path) -> Option<String> {
    let folder = file.parent()?;
    let name = folder.file_name()?.to_str()?;
    (folder.parent()? == reports && uuid::Uuid::try_parse(name).is_ok()).then(|| name.to_owned())
}
