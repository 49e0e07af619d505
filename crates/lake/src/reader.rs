//! Reading Parquet files of the lake from any object store.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::file::LakeFile;

/// How much of a file's end is read at first; the footer of a month of a million rows is about this long.
const FOOTER_BYTES_HINT: usize = 64 << 10;

/// Most memory that remembered footers take.
const FOOTER_MEMORY_BYTES_MAX: u64 = 128 << 20;
/// About how many footers fit.
const FOOTERS_EXPECTED: usize = 1000;

/// Footers of files that were read before, by path: files never change.
#[derive(Debug, Clone)]
pub(crate) struct Footers(Arc<Cache<String, Arc<ParquetMetaData>, FooterWeight>>);

#[derive(Debug, Clone)]
struct FooterWeight;

impl Weighter<String, Arc<ParquetMetaData>> for FooterWeight {
    fn weight(&self, path: &String, footer: &Arc<ParquetMetaData>) -> u64 {
        (path.len() + footer.memory_size()) as u64
    }
}

impl Footers {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::with_weighter(FOOTERS_EXPECTED, FOOTER_MEMORY_BYTES_MAX, FooterWeight)))
    }
}

/// One file of the lake.
#[derive(Debug, Clone)]
pub(crate) struct FileReader {
    store: Arc<dyn ObjectStore>,
    footers: Footers,
    path: Path,
    size_bytes: u64,
}

impl FileReader {
    pub(crate) fn of(store: &Arc<dyn ObjectStore>, footers: &Footers, file: &LakeFile) -> Self {
        Self::at(store, footers, &file.path, file.size_bytes)
    }

    /// A file of any table, by its path in the table.
    pub(crate) fn at(store: &Arc<dyn ObjectStore>, footers: &Footers, path: &str, size_bytes: u64) -> Self {
        Self { store: store.clone(), footers: footers.clone(), path: Path::from(path), size_bytes }
    }
}

fn failed(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { self.store.get_range(&self.path, range).await.map_err(failed) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(failed) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            if let Some(known) = self.footers.0.get(self.path.as_ref()) {
                return Ok(known);
            }
            let (footers, path, size_bytes) = (self.footers.clone(), self.path.to_string(), self.size_bytes);
            let metadata = ParquetMetaDataReader::new()
                .with_metadata_options(options.map(|options| options.metadata_options().clone()))
                .with_column_index_policy(PageIndexPolicy::Skip)
                .with_offset_index_policy(PageIndexPolicy::Optional)
                .with_prefetch_hint(Some(FOOTER_BYTES_HINT))
                .load_and_finish(self, size_bytes)
                .await?;
            let metadata = Arc::new(metadata);
            footers.0.insert(path, metadata.clone());
            Ok(metadata)
        }
        .boxed()
    }
}
