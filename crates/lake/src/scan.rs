//! Reading charges of a snapshot: the files that can hold them, then the rows that are asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use formats::{EXTRA_COLUMN, charge_schema};
use ledger::{ChargeQuery, Place, Sharing, Unit, Window};
use object_store::ObjectStore;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::ParquetRecordBatchStream;

use futures::TryStreamExt;

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::reader::FileReader;
use crate::rows::RowFilter;
use crate::select;
use crate::table::Snapshot;

/// Rows and bytes of a batch that is read.
const BATCH_ROWS_MAX: usize = 8192;
const BATCH_BYTES_WANTED: u64 = 16 << 20;

/// A read of charges in the order of the lake. Text columns come dictionary-encoded.
pub struct Scan {
    store: Arc<dyn ObjectStore>,
    files: std::vec::IntoIter<(LakeFile, Arc<RowFilter>)>,
    columns: Vec<String>,
    open: Option<OpenFile>,
}

struct OpenFile {
    file: LakeFile,
    filter: Arc<RowFilter>,
    batches: ParquetRecordBatchStream<FileReader>,
}

impl Snapshot {
    /// Begins to read the given lake columns of the rows that the question asks for.
    pub fn scan(&self, query: &ChargeQuery, columns: &[String]) -> Scan {
        let mut files = Vec::new();
        for share in &query.shares {
            let filter = Arc::new(RowFilter::of(query, share));
            let own = self.files_of(&share.enrollment, query.dataset).filter(|file| filter.may_match(file));
            files.extend(own.map(|file| (file.clone(), filter.clone())));
        }
        Scan { store: self.store(), files: files.into_iter(), columns: columns.to_vec(), open: None }
    }
}

impl Snapshot {
    /// What the rows of a held unit may have in common with those of another source scope.
    pub async fn marks_of(&self, unit: &Unit, sharing: Sharing) -> Result<BTreeSet<String>, LakeError> {
        // A few more rows than the unit has do no harm: the period is one of its own.
        let window = Window::Period(unit.coverage.period());
        let filter = Arc::new(RowFilter::in_window(window));
        let scope_key = unit.scope.key();
        let files: Vec<_> = self
            .files_of(&unit.enrollment, unit.dataset)
            .filter(|file| file.scope_key == scope_key && filter.may_match(file))
            .map(|file| (file.clone(), filter.clone()))
            .collect();
        let columns = Place::FIELDS.iter().map(|field| field.column().to_owned()).collect();
        let mut scan = Scan { store: self.store(), files: files.into_iter(), columns, open: None };
        let mut found = BTreeSet::new();
        while let Some(batch) = scan.next_batch().await? {
            let places = select::places(&batch).ok_or_else(|| LakeError::ForeignFile {
                path: scope_key.clone(),
                reason: "the columns of departments, accounts or subscriptions are missing or of another type".into(),
            })?;
            found.extend(places.iter().filter_map(|place| sharing.mark(place)));
        }
        Ok(found)
    }
}

impl Scan {
    /// The next rows, or `None` at the end.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        loop {
            let Some(OpenFile { file, filter, batches }) = &mut self.open else {
                let Some((file, filter)) = self.files.next() else { return Ok(None) };
                let batches = open_file(&self.store, &file, &self.columns, &filter).await?;
                self.open = Some(OpenFile { file, filter, batches });
                continue;
            };
            let reading = format!("read {}", file.path);
            let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(reading.clone()))? else {
                self.open = None;
                continue;
            };
            let batch = if filter.matches_all(file) {
                batch
            } else {
                let mask = filter.mask(&batch).ok_or_else(|| LakeError::ForeignFile {
                    path: file.path.clone(),
                    reason: "the columns to filter by are missing or of another type".into(),
                })?;
                filter_record_batch(&batch, &mask).map_err(LakeError::arrow(reading))?
            };
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }
}

async fn open_file(
    store: &Arc<dyn ObjectStore>,
    file: &LakeFile,
    columns: &[String],
    filter: &RowFilter,
) -> Result<ParquetRecordBatchStream<FileReader>, LakeError> {
    let doing = || format!("read {}", file.path);
    let mut reader = FileReader::of(store, file);
    let options = ArrowReaderOptions::new().with_schema(dictionary_schema());
    let metadata = ArrowReaderMetadata::load_async(&mut reader, options).await.map_err(LakeError::parquet(doing()))?;
    let wanted: Vec<&str> = columns.iter().map(String::as_str).chain(filter.columns()).collect();
    let mask = ProjectionMask::columns(metadata.parquet_schema(), wanted);
    let groups = metadata.metadata().row_groups();
    let bytes: u64 = groups.iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or_default()).sum();
    let bytes_per_row = bytes / file.rows.max(1);
    let batch_rows = usize::try_from(BATCH_BYTES_WANTED / bytes_per_row.max(1)).unwrap_or(BATCH_ROWS_MAX);
    ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata)
        .with_projection(mask)
        .with_batch_size(batch_rows.clamp(16, BATCH_ROWS_MAX))
        .build()
        .map_err(LakeError::parquet(doing()))
}

/// The schema of charges with text as dictionaries, as encoders want it.
fn dictionary_schema() -> SchemaRef {
    let fields: Vec<ArrowField> = charge_schema()
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Utf8 if field.name() != EXTRA_COLUMN => {
                let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                ArrowField::new(field.name(), data_type, field.is_nullable())
            }
            _ => field.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}
