//! Reading Parquet files of the lake from any object store.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::file::LakeFile;
use crate::plain::with_plain_texts;

/// How much of a file's end is read at first; the footer of a month of a million rows is about this long.
const FOOTER_BYTES_HINT: usize = 64 << 10;
/// What stands between two wanted parts of a file is read with them up to this length: that is cheaper than one more read.
const GAP_BYTES_MAX: u64 = 128 << 10;

/// Most memory that remembered footers take.
const FOOTER_MEMORY_BYTES_MAX: u64 = 128 << 20;
/// About how many footers fit.
const FOOTERS_EXPECTED: usize = 1000;

/// Footers of files that were read before, by path: files never change.
#[derive(Debug, Clone)]
pub(crate) struct Footers(Arc<Cache<String, Arc<Footer>, FooterWeight>>);

/// What the end of a file says.
#[derive(Debug)]
pub(crate) struct Footer {
    metadata: Arc<ParquetMetaData>,
    /// The same for reading the file as charges, once that was wanted.
    charges: OnceLock<ChargesMetadata>,
}

/// The end of a file of charges, for reading its texts.
#[derive(Debug, Clone)]
pub(crate) struct ChargesMetadata {
    /// As the schema says: as dictionaries.
    pub(crate) coded: ArrowReaderMetadata,
    /// Those as plain texts that are such in the file.
    pub(crate) plain: ArrowReaderMetadata,
}

#[derive(Debug, Clone)]
struct FooterWeight;

impl Weighter<String, Arc<Footer>> for FooterWeight {
    fn weight(&self, path: &String, footer: &Arc<Footer>) -> u64 {
        (path.len() + footer.metadata.memory_size()) as u64
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

impl FileReader {
    /// What the end of the file says; remembered.
    async fn footer(&mut self, options: Option<&ArrowReaderOptions>) -> Result<Arc<Footer>> {
        if let Some(known) = self.footers.0.get(self.path.as_ref()) {
            return Ok(known);
        }
        let size_bytes = self.size_bytes;
        let metadata = ParquetMetaDataReader::new()
            .with_metadata_options(options.map(|options| options.metadata_options().clone()))
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(Some(FOOTER_BYTES_HINT))
            .load_and_finish(&mut *self, size_bytes)
            .await?;
        let footer = Arc::new(Footer { metadata: Arc::new(metadata), charges: OnceLock::new() });
        self.footers.0.insert(self.path.to_string(), footer.clone());
        Ok(footer)
    }

    /// What the end of a file of charges says, with the columns as `schema` wants them: for one file always the same.
    pub(crate) async fn charges_metadata(&mut self, schema: SchemaRef) -> Result<ChargesMetadata> {
        let options = ArrowReaderOptions::new().with_schema(schema);
        let footer = self.footer(Some(&options)).await?;
        if let Some(known) = footer.charges.get() {
            return Ok(known.clone());
        }
        let coded = ArrowReaderMetadata::try_new(footer.metadata.clone(), options)?;
        let plain = with_plain_texts(&coded)?;
        Ok(footer.charges.get_or_init(|| ChargesMetadata { coded, plain }).clone())
    }
}

/// Ranges that stand close together as one, for fewer reads; they come ascending.
fn merged(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.start <= range.start && range.start <= last.end.saturating_add(GAP_BYTES_MAX) => {
                last.end = last.end.max(range.end);
            }
            _ => merged.push(range.clone()),
        }
    }
    merged
}

fn failed(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { self.store.get_range(&self.path, range).await.map_err(failed) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let merged = merged(&ranges);
            if merged.len() == ranges.len() {
                return self.store.get_ranges(&self.path, &ranges).await.map_err(failed);
            }
            let parts = self.store.get_ranges(&self.path, &merged).await.map_err(failed)?;
            let mut wholes = merged.iter().zip(parts).peekable();
            let part_of = |range: Range<u64>| {
                let (whole, bytes) = loop {
                    let (whole, bytes) = wholes.peek()?;
                    if whole.start <= range.start && range.end <= whole.end {
                        break (*whole, bytes);
                    }
                    wholes.next();
                };
                let start = usize::try_from(range.start - whole.start).ok()?;
                let length = usize::try_from(range.end - range.start).ok()?;
                (start + length <= bytes.len()).then(|| bytes.slice(start..start + length))
            };
            let parts: Option<Vec<Bytes>> = ranges.into_iter().map(part_of).collect();
            parts.ok_or_else(|| ParquetError::EOF(format!("{} is shorter than its footer says", self.path)))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move { self.footer(options).await.map(|footer| footer.metadata.clone()) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_stand_close_together_are_read_at_once() {
        let far = 100 + GAP_BYTES_MAX;
        let found = |ranges: &[Range<u64>]| -> Vec<(u64, u64)> {
            merged(ranges).into_iter().map(|range| (range.start, range.end)).collect()
        };
        assert_eq!(found(&[0..10, 10..20, 90..100, far..far + 1]), [(0, far + 1)]);
        assert_eq!(found(&[0..10, far..far + 1]), [(0, 10), (far, far + 1)]);
        // What does not ascend is left alone.
        assert_eq!(found(&[50..60, 0..10]), [(50, 60), (0, 10)]);
        assert_eq!(found(&[0..100, 20..30, 100..110]), [(0, 110)]);
    }
}
