//! A local file system store whose writes survive a power cut.
//!
//! `object_store` renames files into place without flushing them. Here a file, written at once or in parts, gets its name
//! only after its content was flushed, and a write returns only after the folder that names it was flushed too. A failed
//! flush stops the store: what the disk holds is unknown from then on, so every later write is refused.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path as FsPath, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

use crate::crash::crash_point;

const STORE: &str = "durable local store";
/// How many temporary names are tried. Each one that is taken was left by a program that had our process number and ended
/// early: in a container every program is number 1.
const STAGED_NAMES_MAX: u64 = 100_000;

/// A [`LocalFileSystem`] with flushed writes.
#[derive(Debug)]
pub(crate) struct DurableStore {
    files: LocalFileSystem,
    stopped: Arc<AtomicBool>,
    sequence: Arc<AtomicU64>,
}

impl DurableStore {
    /// A store over the whole local file system.
    pub(crate) fn new() -> Self {
        Self { files: LocalFileSystem::new(), stopped: Arc::default(), sequence: Arc::default() }
    }

    fn check_running(&self) -> Result<()> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(failure("an earlier flush to disk failed; the store is stopped until the program restarts"));
        }
        Ok(())
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

/// A file under a temporary name, which goes with its value unless the file was given its own name.
#[derive(Debug)]
struct Staged {
    file: File,
    /// Where it is until then. The `#` followed by digits marks files that object_store never lists.
    path: PathBuf,
    renamed: bool,
    target: PathBuf,
    stopped: Arc<AtomicBool>,
}

impl Staged {
    fn create(target: PathBuf, sequence: &AtomicU64, stopped: Arc<AtomicBool>) -> Result<Self> {
        if let Some(folder) = target.parent() {
            create_folders(folder).map_err(io_failure)?;
        }
        let mut tried = 0;
        loop {
            let number = sequence.fetch_add(1, Ordering::Relaxed);
            let mut path = target.as_os_str().to_owned();
            path.push(format!("#{}{number:08}", std::process::id()));
            let path = PathBuf::from(path);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { file, path, renamed: false, target, stopped }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && tried < STAGED_NAMES_MAX => {
                    tried += 1
                }
                Err(error) => return Err(io_failure(error)),
            }
        }
    }

    fn write_at(&mut self, offset: u64, payload: &PutPayload) -> Result<()> {
        self.file.seek(SeekFrom::Start(offset)).map_err(io_failure)?;
        payload.iter().try_for_each(|chunk| self.file.write_all(chunk)).map_err(io_failure)
    }

    /// Gives the file its own name, once its content is flushed; `mode` says whether the name may be taken.
    fn give_name(mut self, mode: &PutMode) -> Result<()> {
        guard(&self.stopped, self.file.sync_all())?;
        pass_point(&self.target, |[staged, _]| staged);
        match mode {
            PutMode::Overwrite => {
                std::fs::rename(&self.path, &self.target).map_err(io_failure)?;
                self.renamed = true;
            }
            _ => std::fs::hard_link(&self.path, &self.target).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    Error::AlreadyExists { path: self.target.display().to_string(), source: error.into() }
                }
                _ => io_failure(error),
            })?,
        }
        pass_point(&self.target, |[_, named]| named);
        guard(&self.stopped, flush_folder(&self.target))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename the temporary name is free, and may be another program's already.
        if !self.renamed {
            _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The write points of a file, told by its name: before and after it gets that name.
fn pass_point(target: &FsPath, pick: impl Fn([&'static str; 2]) -> &'static str) {
    let in_log = target.parent().is_some_and(|folder| folder.ends_with("_delta_log"));
    // usage/_delta_log/FILE or usage/enrollment=N/period=P/FILE.
    if target.ancestors().nth(if in_log { 2 } else { 3 }).is_some_and(|folder| folder.ends_with(crate::usage::TABLE)) {
        match (target.extension().and_then(|extension| extension.to_str()), in_log) {
            (Some("json"), true) => crash_point(pick(["usage-commit-staged", "usage-commit-named"])),
            (Some("parquet"), false) => crash_point(pick(["usage-file-staged", "usage-file-named"])),
            // A checkpoint only speeds up reading.
            _ => {}
        }
        return;
    }
    match (target.extension().and_then(|extension| extension.to_str()), in_log) {
        (Some("json"), true) => crash_point(pick(["import-commit-staged", "import-commit-named"])),
        (Some("parquet"), true) => crash_point(pick(["import-checkpoint-staged", "import-checkpoint-named"])),
        (Some("parquet"), false) => crash_point(pick(["import-file-staged", "import-file-named"])),
        (Some("zst"), _) => crash_point(pick(["import-source-staged", "import-source-named"])),
        (Some("csv"), _) => crash_point(pick(["report-blob-staged", "report-blob-named"])),
        _ => {}
    }
}

/// Runs file work away from the runtime's own threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| failure(&error.to_string()))?
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.check_running()?;
        if matches!(options.mode, PutMode::Update(_)) {
            return Err(failure("conditional updates are not offered by a local folder"));
        }
        let path = self.files.path_to_filesystem(location)?;
        let (sequence, stopped) = (self.sequence.clone(), self.stopped.clone());
        blocking(move || {
            let mut staged = Staged::create(path, &sequence, stopped)?;
            staged.write_at(0, &payload)?;
            staged.give_name(&options.mode)
        })
        .await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.check_running()?;
        let path = self.files.path_to_filesystem(location)?;
        let (sequence, stopped) = (self.sequence.clone(), self.stopped.clone());
        let staged = blocking(move || Staged::create(path, &sequence, stopped)).await?;
        Ok(Box::new(DurableUpload { staged: Some(Arc::new(Mutex::new(staged))), offset: 0 }))
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
    /// `None` once it has ended.
    staged: Option<Arc<Mutex<Staged>>>,
    offset: u64,
}

impl DurableUpload {
    fn end(&mut self) -> Result<Arc<Mutex<Staged>>> {
        self.staged.take().ok_or_else(|| failure("the upload has ended"))
    }
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (staged, offset) = (self.staged.clone(), self.offset);
        self.offset += data.content_length() as u64;
        blocking(move || {
            let staged = staged.ok_or_else(|| failure("the upload has ended"))?;
            staged.lock().map_err(|_| failure("a part could not be written"))?.write_at(offset, &data)
        })
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = self.end()?;
        blocking(move || {
            let staged = Arc::into_inner(staged).ok_or_else(|| failure("a part is still being written"))?;
            let staged = staged.into_inner().map_err(|_| failure("a part could not be written"))?;
            staged.give_name(&PutMode::Overwrite)
        })
        .await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = self.end()?;
        blocking(move || {
            drop(staged);
            Ok(())
        })
        .await
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
    async fn a_file_in_parts_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableStore::new();
        let name = location(&folder, "x.bin");
        let mut upload = store.put_multipart(&name).await.unwrap();
        // Parts may be written in any order.
        let parts = [upload.put_part("one ".into()), upload.put_part("two ".into()), upload.put_part("three".into())];
        for part in parts.into_iter().rev() {
            part.await.unwrap();
        }
        assert!(!folder.path().join("x.bin").exists());
        upload.complete().await.unwrap();
        assert_eq!(std::fs::read(folder.path().join("x.bin")).unwrap(), b"one two three");
        assert!(upload.complete().await.is_err());
        let mut given_up = store.put_multipart(&name).await.unwrap();
        given_up.put_part("four".into()).await.unwrap();
        drop(given_up);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(store.get(&name).await.unwrap().bytes().await.unwrap(), "one two three");
    }

    /// In a container each program has the same process number, and counts from 0.
    #[tokio::test]
    async fn a_temporary_file_that_a_dead_program_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let name = location(&folder, "00000000000000000007.json");
        let left = folder.path().join(format!("00000000000000000007.json#{}00000000", std::process::id()));
        std::fs::write(&left, "left").unwrap();
        let create = PutOptions { mode: PutMode::Create, ..Default::default() };
        DurableStore::new().put_opts(&name, "new".into(), create).await.unwrap();
        assert_eq!(std::fs::read(folder.path().join("00000000000000000007.json")).unwrap(), b"new");
        assert_eq!(std::fs::read(&left).unwrap(), b"left");
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
