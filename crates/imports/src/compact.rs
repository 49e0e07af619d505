//! Merging the small files of periods that came in many loads.

use lake::LakeError;
use lake::{FolderLock, LockName};

use crate::error::ImportError;
use crate::import::confirmed;
use crate::store::Store;

/// What was merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Sets of files, each of one enrollment, dataset, period and source scope.
    pub sets: u64,
    /// Files that were merged, all sets together.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
}

impl Store {
    /// Merges the small files of every period that has many of them. No row, total or earlier version changes. What another
    /// writer changes meanwhile is left for the next time.
    ///
    /// # Errors
    /// [`ImportError::Lake`] for files that cannot be read or written, or that do not add up.
    pub async fn compact(&self) -> Result<Compacted, ImportError> {
        let mut done = Compacted::default();
        // Nobody collects files while they are written and not committed.
        let data = self.lake().root().folder().to_owned();
        let _running = tokio::task::block_in_place(|| FolderLock::shared(&data, LockName::Imports)).ok();
        loop {
            self.heal().await?;
            let snapshot = self.lake().snapshot().await?;
            let Some(files) = snapshot.scattered().into_iter().next() else { return Ok(done) };
            match self.lake().merge(&snapshot, &files).await {
                Ok(version) => {
                    confirmed(self, version).await;
                    done.sets += 1;
                    done.files += files.len() as u64;
                    done.rows += files.iter().map(|file| file.rows).sum::<u64>();
                }
                Err(LakeError::Conflict { version }) => {
                    tracing::info!(version, "revision {version} was committed while files were merged");
                    return Ok(done);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
