//! Reading blobs.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, try_unfold};
use futures::{StreamExt, TryStreamExt};
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt};

use crate::error::ReportError;
use crate::writer::StoredBlob;

/// Bytes of a chunk that is read of a local file: so many that a chunk costs more than the way to it, so few that it stays
/// in the cache of a core until it is sent.
const CHUNK_BYTES: u64 = 512 << 10;

/// A blob that can be read. Its content never changes.
pub struct BlobContent {
    store: Arc<dyn ObjectStore>,
    blob: StoredBlob,
}

impl std::fmt::Debug for BlobContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobContent").field("blob", &self.blob).finish_non_exhaustive()
    }
}

impl BlobContent {
    /// Looks a blob up; `None` if it is not there.
    pub(crate) async fn find(store: Arc<dyn ObjectStore>, blob: StoredBlob) -> Result<Option<Self>, ReportError> {
        match store.head(&blob.path()).await {
            Ok(about) => Ok(Some(Self { store, blob: StoredBlob { bytes: about.size, ..blob } })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(unreadable(&blob, source)),
        }
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.blob.bytes
    }

    /// The blob as the job that wrote it names it.
    pub(crate) fn stored(&self) -> &StoredBlob {
        &self.blob
    }

    /// Reads bytes of the blob, chunk by chunk. The range lies within it.
    pub async fn chunks(
        &self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, ReportError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..Default::default() };
        let content = self.store.get_opts(&self.blob.path(), options).await;
        let content = content.map_err(|source| unreadable(&self.blob, source))?;
        Ok(match content.payload {
            GetResultPayload::File(file, _) => chunks_of_file(file, range).boxed(),
            GetResultPayload::Stream(stream) => stream.boxed(),
        })
    }
}

fn unreadable(blob: &StoredBlob, source: object_store::Error) -> ReportError {
    ReportError::Storage { doing: format!("read the blob {}", blob.name), source }
}

/// The chunks of a range of a file, each read away from the runtime's own threads.
fn chunks_of_file(
    mut file: File,
    range: Range<u64>,
) -> impl futures::Stream<Item = Result<Bytes, object_store::Error>> + Send + 'static {
    let failed = |source: std::io::Error| object_store::Error::Generic { store: "blobs", source: source.into() };
    try_unfold(
        (file_at(&mut file, range.start).map(|()| file), range.end - range.start),
        move |(file, rest)| async move {
            if rest == 0 {
                return Ok(None);
            }
            let mut file = file?;
            let read = tokio::task::spawn_blocking(move || {
                let mut chunk = vec![0; usize::try_from(rest.min(CHUNK_BYTES)).unwrap_or_default()];
                file.read_exact(&mut chunk).map(|()| (chunk, file))
            });
            let (chunk, file) = read.await.map_err(std::io::Error::other)??;
            let rest = rest - chunk.len() as u64;
            Ok(Some((Bytes::from(chunk), (Ok(file), rest))))
        },
    )
    .map_err(failed)
}

fn file_at(file: &mut File, position: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(position)).map(|_| ())
}
