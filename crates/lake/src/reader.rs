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

use crate::file::LakeFile;

/// How much of a file's end is read at first; the footer of a month of a million rows is about this long.
const FOOTER_BYTES_HINT: usize = 64 << 10;

/// One file of the lake.
#[derive(Debug, Clone)]
pub(crate) struct FileReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size_bytes: u64,
}

impl FileReader {
    pub(crate) fn of(store: &Arc<dyn ObjectStore>, file: &LakeFile) -> Self {
        Self { store: store.clone(), path: Path::from(file.path.as_str()), size_bytes: file.size_bytes }
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
            let size_bytes = self.size_bytes;
            let metadata = ParquetMetaDataReader::new()
                .with_metadata_options(options.map(|options| options.metadata_options().clone()))
                .with_column_index_policy(PageIndexPolicy::Skip)
                .with_offset_index_policy(PageIndexPolicy::Optional)
                .with_prefetch_hint(Some(FOOTER_BYTES_HINT))
                .load_and_finish(self, size_bytes)
                .await?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}
