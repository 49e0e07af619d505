//! Keeping sources: every imported file stays, compressed, under the hash of its text.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use formats::SourceCopy;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use crate::error::ImportError;

/// Folder of kept sources beneath the data folder.
pub(crate) const SOURCES: &str = "sources";
/// Ends the name of a kept source.
const ENDING: &str = ".csv.zst";
/// Digits of a SHA-256.
const HASH_DIGITS: usize = 64;
const ZSTD_LEVEL: i32 = 1;
/// Size of an upload's parts.
const PART_BYTES: usize = 8 << 20;

/// Path of a kept source.
pub(crate) fn source_path(hash: &str) -> Path {
    Path::from_iter([SOURCES, &format!("{hash}{ENDING}")])
}

/// The hash in the name of a kept source; `None` for other names.
pub(crate) fn hash_of(name: &str) -> Option<&str> {
    let hash = name.strip_suffix(ENDING)?;
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
    let path = source_path(hash);
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

/// What is wrong with a kept source, if anything.
pub(crate) async fn check(store: &Arc<dyn ObjectStore>, hash: &str) -> Result<Option<String>, ImportError> {
    let content = match store.get(&source_path(hash)).await {
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
