//! Keeping sources: every imported file stays, compressed, under the hash of its text.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use formats::{BALANCES_BYTES_MAX, SourceCopy};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use crate::error::ImportError;

/// Folder of kept sources beneath the data folder.
pub(crate) const SOURCES: &str = "sources";
/// Ends the name of a kept source of charges.
const ENDING: &str = ".csv.zst";
/// Ends the name of a kept source of balance summaries. It is another one because these are named by the catalog alone:
/// whoever loses the catalog must not lose them too, so they are never taken for orphans.
const BALANCES_ENDING: &str = ".balances.zst";
/// Ends the name of a kept source of sheets, which the catalog alone names, too.
const SHEETS_ENDING: &str = ".sheets.zst";
/// Ends the name of a kept source of native input: price sheets. The catalog alone names them, too.
const NATIVE_ENDING: &str = ".native.zst";
/// Digits of a SHA-256.
const HASH_DIGITS: usize = 64;
/// Longest text of native input that is read back; reading it in takes less.
const NATIVE_BYTES_MAX: u64 = 4 << 30;
const ZSTD_LEVEL: i32 = 1;
/// Size of an upload's parts.
const PART_BYTES: usize = 8 << 20;

/// Path of a kept source of charges.
pub(crate) fn source_path(hash: &str) -> Path {
    Path::from_iter([SOURCES, &format!("{hash}{ENDING}")])
}

/// Path of a kept source of balance summaries.
pub(crate) fn balances_path(hash: &str) -> Path {
    Path::from_iter([SOURCES, &format!("{hash}{BALANCES_ENDING}")])
}

/// Path of a kept source of sheets.
fn sheets_path(hash: &str) -> Path {
    Path::from_iter([SOURCES, &format!("{hash}{SHEETS_ENDING}")])
}

/// Path of a kept source of native input.
fn native_path(hash: &str) -> Path {
    Path::from_iter([SOURCES, &format!("{hash}{NATIVE_ENDING}")])
}

/// The hash in the name of a kept source of charges; `None` for other names.
pub(crate) fn hash_of(name: &str) -> Option<&str> {
    hash_before(name, ENDING)
}

/// Whether a name is that of a kept source that the catalog alone names: balance summaries, sheets and native input.
pub(crate) fn is_catalogs_name(name: &str) -> bool {
    [BALANCES_ENDING, SHEETS_ENDING, NATIVE_ENDING].iter().any(|ending| hash_before(name, ending).is_some())
}

fn hash_before<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let hash = name.strip_suffix(ending)?;
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then_some(hash)
}

/// Compresses a source's text into a working file while it is read.
pub(crate) struct CompressedCopy {
    encoder: Option<zstd::Encoder<'static, File>>,
}

impl CompressedCopy {
    pub(crate) fn create(path: &FsPath) -> std::io::Result<Self> {
        Ok(Self { encoder: Some(zstd::Encoder::new(File::create(path)?, ZSTD_LEVEL)?) })
    }
}

impl SourceCopy for CompressedCopy {
    fn take(&mut self, text: &[u8]) -> std::io::Result<()> {
        self.encoder.as_mut().map_or(Ok(()), |encoder| encoder.write_all(text))
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.encoder.take().map_or(Ok(()), |encoder| encoder.finish().map(drop))
    }
}

/// Keeps a source's text as frames that were compressed one by one.
pub(crate) struct FramedCopy {
    file: File,
    compressor: FrameCompressor,
}

/// Compresses the frames of copies; one for each thread.
pub(crate) struct FrameCompressor(zstd::bulk::Compressor<'static>);

impl FramedCopy {
    pub(crate) fn create(path: &FsPath) -> std::io::Result<Self> {
        Ok(Self { file: File::create(path)?, compressor: FrameCompressor::new()? })
    }

    /// Appends a frame.
    pub(crate) fn push(&mut self, frame: &[u8]) -> std::io::Result<()> {
        self.file.write_all(frame)
    }
}

impl SourceCopy for FramedCopy {
    fn take(&mut self, text: &[u8]) -> std::io::Result<()> {
        let frame = self.compressor.frame(text)?;
        self.push(&frame)
    }

    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl FrameCompressor {
    pub(crate) fn new() -> std::io::Result<Self> {
        zstd::bulk::Compressor::new(ZSTD_LEVEL).map(Self)
    }

    /// A piece of a text as a frame of its own.
    pub(crate) fn frame(&mut self, text: &[u8]) -> std::io::Result<Vec<u8>> {
        self.0.compress(text)
    }
}

/// Hashes what is written to it.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Puts a compressed copy beside the others, unless the same text is kept already.
pub(crate) async fn keep(store: &Arc<dyn ObjectStore>, copy: PathBuf, hash: &str) -> Result<(), ImportError> {
    keep_at(store, copy, hash, source_path(hash)).await
}

/// The same for a source of sheets.
pub(crate) async fn keep_sheet(store: &Arc<dyn ObjectStore>, copy: PathBuf, hash: &str) -> Result<(), ImportError> {
    keep_at(store, copy, hash, sheets_path(hash)).await
}

async fn keep_at(store: &Arc<dyn ObjectStore>, copy: PathBuf, hash: &str, path: Path) -> Result<(), ImportError> {
    let doing = || format!("keep the source {hash}");
    let failed =
        |source: object_store::Error| ImportError::Io { doing: doing(), source: std::io::Error::other(source) };
    if store.head(&path).await.is_ok() {
        return Ok(());
    }
    let mut upload = store.put_multipart(&path).await.map_err(failed)?;
    let mut file = File::open(&copy).map_err(ImportError::io(doing()))?;
    loop {
        let mut part = vec![0; PART_BYTES];
        let mut filled = 0;
        while filled < part.len() {
            match file.read(&mut part[filled..]).map_err(ImportError::io(doing()))? {
                0 => break,
                read => filled += read,
            }
        }
        part.truncate(filled);
        let last = filled < PART_BYTES;
        upload.put_part(PutPayload::from(part)).await.map_err(failed)?;
        if last {
            break;
        }
    }
    upload.complete().await.map_err(failed)?;
    Ok(())
}

/// Keeps the text of balance summaries, unless the same text is kept already. Gives its hash.
pub(crate) async fn keep_balances(store: &Arc<dyn ObjectStore>, text: &[u8]) -> Result<String, ImportError> {
    keep_text(store, text, balances_path).await
}

/// Keeps the text of native input, unless the same text is kept already. Gives its hash.
pub(crate) async fn keep_native(store: &Arc<dyn ObjectStore>, text: &[u8]) -> Result<String, ImportError> {
    keep_text(store, text, native_path).await
}

async fn keep_text(
    store: &Arc<dyn ObjectStore>,
    text: &[u8],
    path: impl Fn(&str) -> Path,
) -> Result<String, ImportError> {
    let hash = hex::encode(Sha256::digest(text));
    let path = path(&hash);
    if store.head(&path).await.is_err() {
        let doing = || format!("keep the source {hash}");
        let compressed = zstd::encode_all(text, ZSTD_LEVEL).map_err(ImportError::io(doing()))?;
        store
            .put(&path, PutPayload::from(compressed))
            .await
            .map_err(|source| ImportError::Io { doing: doing(), source: std::io::Error::other(source) })?;
    }
    Ok(hash)
}

/// The kept text of balance summaries, or what is wrong with it.
pub(crate) async fn read_balances(store: &Arc<dyn ObjectStore>, hash: &str) -> Result<Vec<u8>, String> {
    read_text(store, hash, &balances_path(hash), BALANCES_BYTES_MAX as u64).await
}

/// The kept text of native input, or what is wrong with it.
pub(crate) async fn read_native(store: &Arc<dyn ObjectStore>, hash: &str) -> Result<Vec<u8>, String> {
    read_text(store, hash, &native_path(hash), NATIVE_BYTES_MAX).await
}

async fn read_text(store: &Arc<dyn ObjectStore>, hash: &str, path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let content = match store.get(path).await {
        Ok(content) => content.bytes().await,
        Err(object_store::Error::NotFound { .. }) => return Err("it is missing".to_owned()),
        Err(error) => Err(error),
    };
    let compressed = content.map_err(|error| format!("it cannot be read: {error}"))?;
    let mut text = Vec::new();
    let decoder = zstd::Decoder::new(&compressed[..]).map_err(|error| format!("it cannot be decompressed: {error}"))?;
    decoder
        .take(bytes_max + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("it cannot be decompressed: {error}"))?;
    let found = hex::encode(Sha256::digest(&text));
    if found == hash { Ok(text) } else { Err(format!("its text has the hash {found}")) }
}

/// Whether a source of charges is there.
pub(crate) async fn is_kept(store: &Arc<dyn ObjectStore>, hash: &str) -> Result<bool, ImportError> {
    match store.head(&source_path(hash)).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(error) => {
            let doing = format!("look for the source {hash}");
            Err(ImportError::Io { doing, source: std::io::Error::other(error) })
        }
    }
}

/// What is wrong with a kept source of charges, if anything.
pub(crate) async fn check(store: &Arc<dyn ObjectStore>, hash: &str) -> Result<Option<String>, ImportError> {
    check_at(store, hash, source_path(hash)).await
}

/// The same for a source of sheets.
pub(crate) async fn check_sheet(store: &Arc<dyn ObjectStore>, hash: &str) -> Result<Option<String>, ImportError> {
    check_at(store, hash, sheets_path(hash)).await
}

async fn check_at(store: &Arc<dyn ObjectStore>, hash: &str, path: Path) -> Result<Option<String>, ImportError> {
    let content = match store.get(&path).await {
        Ok(content) => content,
        Err(object_store::Error::NotFound { .. }) => return Ok(Some("it is missing".into())),
        Err(error) => return Ok(Some(format!("it cannot be read: {error}"))),
    };
    let mut chunks = content.into_stream();
    let mut decoder =
        zstd::stream::write::Decoder::new(Hashing(Sha256::new())).map_err(ImportError::io("decompress a source"))?;
    while let Some(chunk) = chunks.try_next().await.map_err(|error| ImportError::Io {
        doing: format!("read the source {hash}"),
        source: std::io::Error::other(error),
    })? {
        if let Err(error) = decoder.write_all(&chunk) {
            return Ok(Some(format!("it cannot be decompressed: {error}")));
        }
    }
    if let Err(error) = decoder.flush() {
        return Ok(Some(format!("it cannot be decompressed: {error}")));
    }
    let found = hex::encode(decoder.into_inner().0.finalize());
    Ok((found != hash).then(|| format!("its text has the hash {found}")))
}
