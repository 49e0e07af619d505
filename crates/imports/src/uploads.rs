//! Working folders for what is sent over HTTP: beside those of imports, so that the one of a server that was killed is
//! removed with theirs.

use tempfile::TempDir;

use crate::error::ImportError;
use crate::orphans::{STAGING, WORKING_FOLDER_PREFIX};
use crate::store::Store;

/// Makes a working folder beneath the data folder. It is removed with its value.
///
/// # Errors
/// [`ImportError::Io`] where it cannot be made.
pub fn upload_folder(store: &Store) -> Result<TempDir, ImportError> {
    let making = || ImportError::io("make a working folder");
    let parent = store.lake().root().folder().join(STAGING);
    std::fs::create_dir_all(&parent).map_err(making())?;
    tempfile::Builder::new().prefix(WORKING_FOLDER_PREFIX).tempdir_in(&parent).map_err(making())
}
