//! A store: lake and catalog of one data folder, brought into agreement when it is opened.

use std::path::{Path, PathBuf};

use catalog::Catalog;
use lake::{Lake, LakeRoot};

use crate::error::ImportError;
use crate::record::ImportRecord;

/// An open data folder.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    lake: Lake,
    catalog: Catalog,
}

impl Store {
    /// Opens a data folder, making it if it is missing, and takes over what a crash left between lake and catalog.
    pub async fn open(folder: &Path) -> Result<Self, ImportError> {
        let root = LakeRoot::local(folder)?;
        let lake = Lake::open(root).await?;
        let catalog = Catalog::open(folder).await?;
        let store = Self { folder: folder.to_owned(), lake, catalog };
        store.heal().await?;
        Ok(store)
    }

    /// Opens a data folder that is a store already; never makes one.
    pub async fn open_existing(folder: &Path) -> Result<Self, ImportError> {
        if !Catalog::is_in(folder) {
            return Err(ImportError::NoStore { folder: folder.display().to_string() });
        }
        Self::open(folder).await
    }

    /// The lake.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The local folder, for working files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes over commits of the lake that the catalog has not seen: an import is one commit of the lake, then one
    /// transaction of the catalog, and a crash can come between. Gives the number of imports taken over.
    pub async fn heal(&self) -> Result<usize, ImportError> {
        let progress = self.catalog.lake_progress().await?;
        let newest = self.lake.newest_version().await?;
        match progress {
            Some(progress) if progress == newest => return Ok(0),
            Some(progress) if progress > newest => return Err(ImportError::LakeBehind { progress, newest }),
            _ => {}
        }
        let mut taken = 0;
        for commit in self.lake.notes_after(progress).await? {
            let entry = match &commit.note {
                Some(note) => {
                    let record = ImportRecord::read(commit.version, note)?;
                    Some(record.entry(commit.version, commit.committed_at_ms)?)
                }
                None => None,
            };
            self.catalog.take_over(commit.version, entry.as_ref()).await?;
            taken += usize::from(entry.is_some());
        }
        if taken > 0 {
            tracing::info!(imports = taken, "took over {taken} imports that the lake had committed");
        }
        Ok(taken)
    }
}
