//! Writing a report's rows into blobs of a limited size, in bounded memory.

use std::sync::Arc;

use formats::CsvEncoder;
use lake::{Scan, crash_point};
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::error::ReportError;

/// Folder of reports beneath the data folder.
pub(crate) const REPORTS: &str = "reports";

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

/// Writes all rows of a scan. The header stands in each blob. No rows: no blob.
pub(crate) async fn write_blobs(
    target: &BlobTarget<'_>,
    encoder: &CsvEncoder,
    scan: &mut Scan,
) -> Result<Vec<StoredBlob>, ReportError> {
    let mut header = Vec::new();
    encoder.header(&mut header);
    let mut blobs = Vec::new();
    let mut open: Option<OpenBlob> = None;
    let (mut text, mut ends) = (Vec::new(), Vec::new());
    while let Some(batch) = scan.next_batch().await? {
        text.clear();
        ends.clear();
        encoder.rows(&batch, &mut text, &mut ends)?;
        let mut start = 0;
        while start < text.len() {
            let blob = match &mut open {
                Some(blob) => blob,
                none => none.insert(OpenBlob::create(target, blobs.len(), &header).await?),
            };
            // Whole rows that still fit; at least one, so that a row longer than a blob has a blob of its own.
            let room = start as u64 + target.blob_bytes_max.saturating_sub(blob.bytes);
            let from = ends.partition_point(|end| *end <= start);
            let fitting = ends[from..].partition_point(|end| *end as u64 <= room);
            if fitting == 0 && blob.has_rows {
                blobs.extend(close(open.take()).await?);
                continue;
            }
            let end = ends[from + fitting.max(1) - 1];
            blob.write(&text[start..end]).await?;
            blob.has_rows = true;
            start = end;
        }
    }
    blobs.extend(close(open.take()).await?);
    Ok(blobs)
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

struct OpenBlob {
    writer: BufWriter,
    job: String,
    name: String,
    bytes: u64,
    has_rows: bool,
}

impl OpenBlob {
    async fn create(target: &BlobTarget<'_>, number: usize, header: &[u8]) -> Result<Self, ReportError> {
        let name = format!("{}{number:04}.csv", attempt_prefix(target.attempt));
        let path = Path::from_iter([REPORTS, target.job, name.as_str()]);
        let writer = BufWriter::new(target.store.clone(), path);
        let mut blob = Self { writer, job: target.job.to_owned(), name, bytes: 0, has_rows: false };
        blob.write(header).await?;
        crash_point("report-blob-opened");
        Ok(blob)
    }

    async fn write(&mut self, text: &[u8]) -> Result<(), ReportError> {
        self.writer
            .write_all(text)
            .await
            .map_err(|source| ReportError::Write { doing: format!("write the blob {}", self.name), source })?;
        self.bytes += text.len() as u64;
        Ok(())
    }
}

async fn close(blob: Option<OpenBlob>) -> Result<Option<StoredBlob>, ReportError> {
    let Some(mut blob) = blob else { return Ok(None) };
    crash_point("report-blob-written");
    blob.writer
        .shutdown()
        .await
        .map_err(|source| ReportError::Write { doing: format!("finish the blob {}", blob.name), source })?;
    Ok(Some(StoredBlob { job: blob.job, name: blob.name, bytes: blob.bytes }))
}
