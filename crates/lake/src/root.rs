//! Where a store lives: one folder of an object store, with the lake, kept sources and reports beneath it.

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::durable::DurableStore;
use crate::error::LakeError;

/// The storage beneath a data folder.
#[derive(Debug, Clone)]
pub struct LakeRoot {
    folder: PathBuf,
    root: Arc<dyn ObjectStore>,
    prefix: Path,
    url: Url,
}

/// Makes a data folder that nobody else reads: it holds the charges of every department. A folder that is there keeps
/// the rights that its owner gave it.
pub fn make_private(folder: &FsPath) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl LakeRoot {
    /// A local folder, made for its owner alone if it is missing. Writes are flushed before they count.
    pub fn local(folder: &FsPath) -> Result<Self, LakeError> {
        let doing = || format!("open the data folder {}", folder.display());
        make_private(folder).map_err(LakeError::io(doing()))?;
        let folder = folder.canonicalize().map_err(LakeError::io(doing()))?;
        let prefix = Path::from_absolute_path(&folder)
            .map_err(|source| LakeError::Storage { doing: doing(), source: source.into() })?;
        let url = Url::from_directory_path(&folder)
            .map_err(|()| LakeError::Io { doing: doing(), source: std::io::ErrorKind::InvalidInput.into() })?;
        Ok(Self { folder, root: Arc::new(DurableStore::new()), prefix, url })
    }

    /// The local folder, for locks, working files and the collection of orphans.
    pub fn folder(&self) -> &FsPath {
        &self.folder
    }

    /// The store as seen from the data folder: `sources/…`, `reports/…`.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(self.root.clone(), self.prefix.clone()))
    }

    /// The store as seen from its root, as the Delta library wants it.
    pub(crate) fn root(&self) -> Arc<dyn ObjectStore> {
        self.root.clone()
    }

    /// The address of a table beneath the data folder.
    pub(crate) fn table_url(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{name}/", self.url.path()));
        url
    }

    /// The path of a table seen from [`Self::root`].
    pub(crate) fn table_path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_data_folder_is_private_and_an_old_one_keeps_its_rights() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &FsPath| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let data = folder.path().join("data");
        LakeRoot::local(&data).unwrap();
        assert_eq!(mode(&data), 0o700);
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
        LakeRoot::local(&data).unwrap();
        assert_eq!(mode(&data), 0o750);
    }
}
