//! Ending history: from which version on the lake can be read.
//!
//! Every version stays readable until its owner says otherwise. Which is the oldest that is kept stands in the log as the
//! number of an application of our own (`txn` of the Delta protocol), in a commit that changes no file. Files that only
//! earlier versions name may go once that is committed, and not before.

use std::collections::{BTreeMap, BTreeSet};

use deltalake_core::kernel::Transaction;
use deltalake_core::protocol::DeltaOperation;
use serde_json::json;

use crate::commit::commit_properties;
use crate::error::LakeError;
use crate::file::LakeFile;
use crate::log::HistoryEnd;
use crate::table::{Lake, Snapshot};

/// The application whose number is the oldest version that is kept.
const OLDEST_KEPT: &str = "lazurite.oldest-kept";
/// The same for sources: those that no version from there on needs may be gone.
const OLDEST_SOURCE_KEPT: &str = "lazurite.oldest-source-kept";

impl Snapshot {
    /// The oldest version that can be read, as this one knows: 0 if all can. The empty version 0 always can.
    pub async fn oldest_kept(&self) -> Result<u64, LakeError> {
        self.oldest_kept.get_or_try_init(|| self.number_of(OLDEST_KEPT)).await.copied()
    }

    /// Sources that only versions before this one need may be gone; 0 if none was removed.
    pub async fn oldest_source_kept(&self) -> Result<u64, LakeError> {
        self.number_of(OLDEST_SOURCE_KEPT).await
    }

    async fn number_of(&self, application: &str) -> Result<u64, LakeError> {
        let doing = || LakeError::table("read which versions of the charges table are kept");
        let state = self.table.snapshot().map_err(doing())?;
        let log = self.table.log_store();
        let number = state.snapshot().transaction_version(log.as_ref(), application).await.map_err(doing())?;
        Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    }
}

impl Lake {
    /// Says for good that versions before the oldest one that is kept cannot be read any more, and perhaps that nothing else
    /// needs their sources, and gives the version that says it. No file goes with it.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] where another writer was first: then nothing changed.
    pub async fn end_history(&self, base: &Snapshot, end: &HistoryEnd) -> Result<u64, LakeError> {
        let number = i64::try_from(end.oldest).unwrap_or(i64::MAX);
        let mut applications = vec![Transaction::new(OLDEST_KEPT, number)];
        applications.extend(end.sources.then(|| Transaction::new(OLDEST_SOURCE_KEPT, number)));
        let properties = commit_properties(json!(end)).with_application_transactions(applications);
        let operation = DeltaOperation::VacuumStart {
            retention_check_enabled: false,
            specified_retention_millis: None,
            default_retention_millis: 0,
        };
        self.commit_actions(base, Vec::new(), properties, operation).await
    }

    /// Every file that a version from `oldest` on names.
    pub async fn files_since(&self, oldest: u64) -> Result<Vec<LakeFile>, LakeError> {
        if oldest == 0 {
            return self.files_of_all_versions().await;
        }
        let mut files = self.remembered(oldest).await?.files().to_vec();
        files.extend(self.files_added(oldest + 1).await?);
        Ok(files)
    }

    /// Every file that versions which can be read name.
    pub async fn files_of_kept_versions(&self) -> Result<Vec<LakeFile>, LakeError> {
        let oldest = self.snapshot().await?.oldest_kept().await?;
        self.files_since(oldest).await
    }

    /// Every file that only versions before `oldest` name, whether it is still there or not.
    pub async fn files_only_before(&self, oldest: u64) -> Result<Vec<LakeFile>, LakeError> {
        let kept: BTreeSet<String> = self.files_since(oldest).await?.into_iter().map(|file| file.path).collect();
        let all = self.files_of_all_versions().await?;
        let gone = all.into_iter().filter(|file| !kept.contains(&file.path));
        let by_path: BTreeMap<String, LakeFile> = gone.map(|file| (file.path.clone(), file)).collect();
        Ok(by_path.into_values().collect())
    }
}
