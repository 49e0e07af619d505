//! Files that are no report's: they are made when they are asked for and given out by link like blobs. No report names them,
//! so they are collected like what a dead worker left, a day after they were made; links to them end before that.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use uuid::Uuid;

use crate::blob::BlobContent;
use crate::error::ReportError;
use crate::service::{Blob, Reports, now_ms};
use crate::writer::StoredBlob;

/// The name of every such file in its folder; it is that of a first blob, by which collecting knows it.
const NAME: &str = "part_0_0.csv";
/// How long a link to one is good.
const LINK_LIFE: Duration = Duration::from_secs(60 * 60);
/// Size of an upload's parts.
const PART_BYTES: usize = 8 << 20;

/// A file with its link.
#[derive(Debug, Clone)]
pub struct LinkedFile {
    /// Where it is.
    pub blob: Blob,
    /// First second since 1970 at which the link is refused.
    pub valid_till_s: i64,
}

impl Reports {
    /// A link to the file of an id, if it was made.
    pub async fn file(&self, id: Uuid) -> Result<Option<LinkedFile>, ReportError> {
        let blob = StoredBlob { job: id.to_string(), name: NAME.to_owned(), bytes: 0 };
        let found = BlobContent::find(self.lake.root().store(), blob).await?;
        Ok(found.map(|found| self.linked(found.stored())))
    }

    /// Makes the file of an id and gives a link to it. Nobody sees it before it is whole.
    pub async fn make_file(
        &self,
        id: Uuid,
        content: impl Stream<Item = Result<Bytes, ReportError>>,
    ) -> Result<LinkedFile, ReportError> {
        let doing = || format!("write the file {id}");
        let failed = |source| ReportError::Storage { doing: doing(), source };
        let mut blob = StoredBlob { job: id.to_string(), name: NAME.to_owned(), bytes: 0 };
        let store = self.lake.root().store();
        let mut upload = store.put_multipart(&blob.path()).await.map_err(failed)?;
        match write(upload.as_mut(), content, &failed).await {
            Ok(bytes) => blob.bytes = bytes,
            Err(error) => {
                // What cannot be taken back is collected with the rest.
                _ = upload.abort().await;
                return Err(error);
            }
        }
        upload.complete().await.map_err(failed)?;
        Ok(self.linked(&blob))
    }

    fn linked(&self, blob: &StoredBlob) -> LinkedFile {
        let life_s = i64::try_from(LINK_LIFE.as_secs()).unwrap_or_default();
        let valid_till_s = now_ms() / 1000 + life_s;
        LinkedFile { blob: self.link(blob, valid_till_s), valid_till_s }
    }
}

/// Uploads a content part by part; gives its size.
async fn write(
    upload: &mut dyn MultipartUpload,
    content: impl Stream<Item = Result<Bytes, ReportError>>,
    failed: &impl Fn(object_store::Error) -> ReportError,
) -> Result<u64, ReportError> {
    let mut content = std::pin::pin!(content);
    let (mut part, mut bytes) = (Vec::new(), 0);
    while let Some(piece) = content.try_next().await? {
        bytes += piece.len() as u64;
        part.extend_from_slice(&piece);
        if part.len() >= PART_BYTES {
            upload.put_part(PutPayload::from(std::mem::take(&mut part))).await.map_err(failed)?;
        }
    }
    upload.put_part(PutPayload::from(part)).await.map_err(failed)?;
    Ok(bytes)
}
