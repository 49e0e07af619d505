//! Checking a file of the lake against what the log says about it.

use std::sync::Arc;

use futures::TryStreamExt;
use money::Total;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use sha2::{Digest, Sha256};

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::reader::{FileReader, Footers};
use crate::total::total_cost;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFault {
    /// It is not there.
    Missing,
    /// Its bytes are not those that were written.
    Checksum {
        /// What the log says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// It has another number of rows.
    Rows {
        /// What the log says.
        expected: u64,
        /// What the file has.
        found: u64,
    },
    /// Its costs add up to something else.
    Total {
        /// What the log says.
        expected: String,
        /// What the file has.
        found: String,
    },
}

/// Reads a whole file and compares checksum, rows and exact total with the log.
pub async fn check_file(store: &Arc<dyn ObjectStore>, file: &LakeFile) -> Result<Option<FileFault>, LakeError> {
    let path = Path::from(file.path.as_str());
    let doing = || format!("check {}", file.path);
    let content = match store.get(&path).await {
        Ok(content) => content,
        Err(object_store::Error::NotFound { .. }) => return Ok(Some(FileFault::Missing)),
        Err(error) => return Err(LakeError::storage(doing())(error)),
    };
    let mut hash = Sha256::new();
    let mut bytes = content.into_stream();
    while let Some(chunk) = bytes.try_next().await.map_err(LakeError::storage(doing()))? {
        hash.update(&chunk);
    }
    let found = hex::encode(hash.finalize());
    if found != file.sha256 {
        return Ok(Some(FileFault::Checksum { expected: file.sha256.clone(), found }));
    }
    let mut batches = ParquetRecordBatchStreamBuilder::new(FileReader::of(store, &Footers::new(), file))
        .await
        .and_then(|builder| builder.with_batch_size(4096).build())
        .map_err(LakeError::parquet(doing()))?;
    let (mut rows, mut total) = (0, Total::default());
    while let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(doing()))? {
        rows += batch.num_rows() as u64;
        total_cost(&batch, &mut total)?;
    }
    if rows != file.rows {
        return Ok(Some(FileFault::Rows { expected: file.rows, found: rows }));
    }
    let found = total.value().to_string();
    Ok((found != file.total).then(|| FileFault::Total { expected: file.total.clone(), found }))
}
