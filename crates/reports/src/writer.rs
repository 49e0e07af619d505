//! Writing a report's rows into blobs of a limited size, in bounded memory.

use std::sync::Arc;

use bytes::Bytes;
use formats::row_ends;
use lake::crash_point;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::error::ReportError;
use crate::ordered::{Answer, Piece, Sink, write_ordered};

/// Folder of reports beneath the data folder.
pub(crate) const REPORTS: &str = "reports";

/// Least size of a part of a blob, but for the last one: object stores refuse smaller ones.
const PART_BYTES_MIN: usize = 5 << 20;

/// A finished blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredBlob {
    /// Folder of the blob: the job that wrote it.
    pub(crate) job: String,
    /// File name.
    pub(crate) name: String,
    /// Size in bytes.
    pub(crate) bytes: u64,
}

impl StoredBlob {
    pub(crate) fn path(&self) -> Path {
        Path::from_iter([REPORTS, self.job.as_str(), self.name.as_str()])
    }
}

/// Where and how blobs are written.
pub(crate) struct BlobTarget<'a> {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) job: &'a str,
    /// Distinguishes the blobs of a job's attempts.
    pub(crate) attempt: u32,
    pub(crate) blob_bytes_max: u64,
}

/// Writes all rows of an answer as plain text. The header stands in each blob. No rows: no blob. Blocking; not to be called
/// on a thread that drives the runtime of `handle`.
pub(crate) fn write_blobs(
    target: &BlobTarget<'_>,
    answer: &Answer<'_>,
    handle: &Handle,
) -> Result<Vec<StoredBlob>, ReportError> {
    let mut header = Vec::new();
    answer.encoder.header(&mut header);
    let mut blobs = Blobs { target, header, handle, open: None, finished: Vec::new() };
    write_ordered(answer, &mut blobs, handle)?;
    blobs.close()?;
    Ok(blobs.finished)
}

/// The blobs of an answer, one after the other.
struct Blobs<'a> {
    target: &'a BlobTarget<'a>,
    header: Vec<u8>,
    handle: &'a Handle,
    open: Option<OpenBlob>,
    finished: Vec<StoredBlob>,
}

impl Sink for Blobs<'_> {
    /// Long enough for a part, so that nothing is gathered.
    fn piece_bytes(&self) -> usize {
        8 << 20
    }

    fn take(&mut self, mut piece: Piece) -> Result<Piece, ReportError> {
        let mut start = 0;
        while start < piece.bytes.len() {
            let blob = match &mut self.open {
                Some(blob) => blob,
                none => none.insert(OpenBlob::create(self.target, self.finished.len(), &self.header, self.handle)?),
            };
            let room = self.target.blob_bytes_max.saturating_sub(blob.bytes);
            if start == 0 && piece.bytes.len() as u64 <= room {
                piece.bytes = blob.write(piece.bytes, self.handle)?;
                return Ok(piece);
            }
            if piece.ends.is_empty() {
                piece.ends = row_ends(&piece.bytes);
            }
            // Whole rows that still fit; at least one, so that a row longer than a blob has a blob of its own.
            let room = start as u64 + room;
            let from = piece.ends.partition_point(|end| *end <= start);
            let fitting = piece.ends[from..].partition_point(|end| *end as u64 <= room);
            if fitting == 0 && blob.has_rows() {
                self.close()?;
                continue;
            }
            let end = piece.ends[from + fitting.max(1) - 1];
            blob.write(piece.bytes[start..end].to_vec(), self.handle)?;
            start = end;
        }
        Ok(piece)
    }
}

impl Blobs<'_> {
    fn close(&mut self) -> Result<(), ReportError> {
        self.finished.extend(self.open.take().map(|blob| blob.close(self.handle)).transpose()?);
        Ok(())
    }
}

/// Begins the names of the blobs of a job's attempt.
pub(crate) fn attempt_prefix(attempt: u32) -> String {
    format!("part_{attempt}_")
}

/// Whether a file has the name of a blob.
pub(crate) fn is_blob_name(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts =
        name.strip_prefix("part_").and_then(|rest| rest.strip_suffix(".csv")).and_then(|rest| rest.split_once('_'));
    parts.is_some_and(|(attempt, number)| digits(attempt) && digits(number))
}

/// A blob that is being written, in parts.
struct OpenBlob {
    upload: Box<dyn MultipartUpload>,
    job: String,
    name: String,
    header_bytes: u64,
    bytes: u64,
    /// Text too short for a part.
    gathered: Vec<u8>,
}

impl OpenBlob {
    fn create(target: &BlobTarget<'_>, number: usize, header: &[u8], handle: &Handle) -> Result<Self, ReportError> {
        let name = format!("{}{number:04}.csv", attempt_prefix(target.attempt));
        let path = Path::from_iter([REPORTS, target.job, name.as_str()]);
        let upload = handle.block_on(target.store.put_multipart(&path)).map_err(storage("begin the blob", &name))?;
        let header_bytes = header.len() as u64;
        let gathered = header.to_vec();
        crash_point("report-blob-opened");
        Ok(Self { upload, job: target.job.to_owned(), name, header_bytes, bytes: header_bytes, gathered })
    }

    fn has_rows(&self) -> bool {
        self.bytes > self.header_bytes
    }

    /// Writes text; gives memory back to be used again.
    fn write(&mut self, text: Vec<u8>, handle: &Handle) -> Result<Vec<u8>, ReportError> {
        self.bytes += text.len() as u64;
        if self.gathered.len() >= PART_BYTES_MIN {
            let gathered = std::mem::take(&mut self.gathered);
            self.part(gathered, handle)?;
        }
        if self.gathered.is_empty() && text.len() >= PART_BYTES_MIN {
            return self.part(text, handle);
        }
        self.gathered.extend_from_slice(&text);
        Ok(text)
    }

    fn part(&mut self, text: Vec<u8>, handle: &Handle) -> Result<Vec<u8>, ReportError> {
        let text = Bytes::from(text);
        let written = handle.block_on(self.upload.put_part(text.clone().into()));
        written.map_err(storage("write the blob", &self.name))?;
        // Nobody else holds the text any more, so this takes its memory instead of copying it.
        Ok(text.into())
    }

    fn close(mut self, handle: &Handle) -> Result<StoredBlob, ReportError> {
        crash_point("report-blob-written");
        let gathered = std::mem::take(&mut self.gathered);
        if !gathered.is_empty() {
            self.part(gathered, handle)?;
        }
        handle.block_on(self.upload.complete()).map_err(storage("finish the blob", &self.name))?;
        Ok(StoredBlob { job: self.job, name: self.name, bytes: self.bytes })
    }
}

fn storage(doing: &str, name: &str) -> impl FnOnce(object_store::Error) -> ReportError {
    let doing = format!("{doing} {name}");
    |source| ReportError::Storage { doing, source }
}
