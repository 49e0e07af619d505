//! A local file system store whose writes survive a power cut.
//!
//! `object_store` renames files into place without flushing them. Here a write returns only after the file and the
//! folder that names it were flushed, and a small file appears under its name only after its content was flushed. A large
//! one, written in parts, has its name a moment before: nothing may refer to it until the write returned. A failed flush
//! stops the store: what the disk holds is unknown from then on, so every later write is refused.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

const STORE: &str = "durable local store";

/// A [`LocalFileSystem`] with flushed writes.
#[derive(Debug)]
pub(crate) struct DurableStore {
    files: LocalFileSystem,
    stopped: Arc<AtomicBool>,
    sequence: AtomicU64,
}

impl DurableStore {
    /// A store over the whole local file system.
    pub(crate) fn new() -> Self {
        Self { files: LocalFileSystem::new(), stopped: Arc::default(), sequence: AtomicU64::new(0) }
    }

    fn check_running(&self) -> Result<()> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(failure("an earlier flush to disk failed; the store is stopped until the program restarts"));
        }
        Ok(())
    }

    fn staging_path(&self, path: &FsPath) -> PathBuf {
        // The `#` followed by digits marks files that object_store never lists.
        let number = self.sequence.fetch_add(1, Ordering::Relaxed);
        let mut name = path.as_os_str().to_owned();
        name.push(format!("#{}{number:08}", std::process::id()));
        PathBuf::from(name)
    }
}

impl std::fmt::Display for DurableStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Durable{}", self.files)
    }
}

fn failure(message: &str) -> Error {
    Error::Generic { store: STORE, source: message.to_owned().into() }
}

fn io_failure(error: std::io::Error) -> Error {
    Error::Generic { store: STORE, source: error.into() }
}

/// Flushes a file's folder, so that its name survives.
fn flush_folder(path: &FsPath) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(FsPath::new("/"));
    File::open(folder)?.sync_all()
}

/// Creates missing folders and flushes the names of those that it made.
fn create_folders(folder: &FsPath) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => flush_folder(folder),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Remembers a failed flush for ever.
fn guard<T>(stopped: &AtomicBool, flushed: std::io::Result<T>) -> Result<T> {
    flushed.map_err(|error| {
        stopped.store(true, Ordering::Release);
        tracing::error!(%error, "a flush to disk failed; the store is stopped");
        io_failure(error)
    })
}

fn write_staged(staging: &FsPath, payload: &[Bytes], stopped: &AtomicBool) -> Result<()> {
    if let Some(folder) = staging.parent() {
        create_folders(folder).map_err(io_failure)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(staging).map_err(io_failure)?;
    for chunk in payload {
        file.write_all(chunk).map_err(io_failure)?;
    }
    guard(stopped, file.sync_all())
}

fn put(path: &FsPath, staging: &FsPath, payload: &[Bytes], mode: &PutMode, stopped: &AtomicBool) -> Result<()> {
    let written = write_staged(staging, payload, stopped).and_then(|()| match mode {
        PutMode::Overwrite => std::fs::rename(staging, path).map_err(io_failure),
        _ => std::fs::hard_link(staging, path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::AlreadyExists { path: path.display().to_string(), source: error.into() }
            }
            _ => io_failure(error),
        }),
    });
    // After a rename there is nothing left to remove; after a link or a failure the staged name goes.
    _ = std::fs::remove_file(staging);
    written?;
    guard(stopped, flush_folder(path))
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.check_running()?;
        if matches!(options.mode, PutMode::Update(_)) {
            return Err(failure("conditional updates are not offered by a local folder"));
        }
        let path = self.files.path_to_filesystem(location)?;
        let staging = self.staging_path(&path);
        let stopped = self.stopped.clone();
        let payload: Vec<Bytes> = payload.into_iter().collect();
        tokio::task::spawn_blocking(move || put(&path, &staging, &payload, &options.mode, &stopped))
            .await
            .map_err(|error| failure(&error.to_string()))??;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check_running()?;
        let path = self.files.path_to_filesystem(location)?;
        let upload = self.files.put_multipart_opts(location, options).await?;
        Ok(Box::new(DurableUpload { upload, path, stopped: self.stopped.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check_running()?;
        self.files.copy_opts(from, to, options).await?;
        let path = self.files.path_to_filesystem(to)?;
        guard(&self.stopped, File::open(&path).and_then(|file| file.sync_all()).and_then(|()| flush_folder(&path)))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.check_running()?;
        let source = self.files.path_to_filesystem(from)?;
        guard(&self.stopped, File::open(&source).and_then(|file| file.sync_all()))?;
        self.files.rename_opts(from, to, options).await?;
        let path = self.files.path_to_filesystem(to)?;
        guard(&self.stopped, flush_folder(&path))
    }
}

/// A large write; its parts go to a staged file that gets its name at the end.
#[derive(Debug)]
struct DurableUpload {
    upload: Box<dyn MultipartUpload>,
    path: PathBuf,
    stopped: Arc<AtomicBool>,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await?;
        let (path, stopped) = (self.path.clone(), self.stopped.clone());
        let flushed = tokio::task::spawn_blocking(move || {
            guard(&stopped, File::open(&path).and_then(|file| file.sync_all()).and_then(|()| flush_folder(&path)))
        });
        flushed.await.map_err(|error| failure(&error.to_string()))??;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;

    fn location(folder: &tempfile::TempDir, name: &str) -> Path {
        Path::from_absolute_path(folder.path().join(name)).unwrap()
    }

    #[tokio::test]
    async fn a_name_is_given_once_and_no_staged_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableStore::new();
        let name = location(&folder, "a/b.json");
        let create = || PutOptions { mode: PutMode::Create, ..Default::default() };
        store.put_opts(&name, "one".into(), create()).await.unwrap();
        let again = store.put_opts(&name, "two".into(), create()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        assert_eq!(store.get(&name).await.unwrap().bytes().await.unwrap(), "one");
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
        store.put(&name, "three".into()).await.unwrap();
        assert_eq!(store.get(&name).await.unwrap().bytes().await.unwrap(), "three");
    }

    #[tokio::test]
    async fn a_stopped_store_refuses_every_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableStore::new();
        let failed: std::io::Result<()> = Err(std::io::Error::other("disk gone"));
        guard(&store.stopped, failed).unwrap_err();
        assert!(store.put(&location(&folder, "x"), "y".into()).await.is_err());
        assert!(store.put_multipart(&location(&folder, "x")).await.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
