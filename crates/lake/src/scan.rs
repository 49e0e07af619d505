//! Reading charges of a snapshot: the files that can hold them, then the rows that are asked for.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use calendar::BillingPeriod;
use formats::{EXTRA_COLUMN, charge_schema};
use ledger::{ChargeQuery, Place, Sharing, Unit, Visibility, Window};
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection};
use parquet::arrow::async_reader::ParquetRecordBatchStream;

use futures::TryStreamExt;

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::reader::{ChargesMetadata, FileReader, Footers};
use crate::rows::RowFilter;
use crate::select;
use crate::table::Snapshot;

/// Rows and bytes of a batch that is read.
const BATCH_ROWS_MIN: usize = 16;
const BATCH_ROWS_MAX: usize = 8192;
const BATCH_BYTES_WANTED: u64 = 16 << 20;

/// A read of charges in the order of the lake. Text columns come dictionary-encoded.
pub struct Scan {
    lake: FileAccess,
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
    /// The files that can hold rows of a question, with what is asked of their rows, in the order of the answer.
    pub(crate) fn candidates(&self, query: &ChargeQuery) -> Vec<(LakeFile, Arc<RowFilter>)> {
        let mut files = Vec::new();
        for share in &query.shares {
            let filter = Arc::new(RowFilter::of(query, share));
            let own = self.files_of(&share.enrollment, query.dataset).filter(|file| filter.may_match(file));
            files.extend(own.map(|file| (file.clone(), filter.clone())));
        }
        files
    }

    /// Begins to read the given lake columns of the rows that the question asks for.
    pub fn scan(&self, query: &ChargeQuery, columns: &[String]) -> Scan {
        let files = self.candidates(query);
        Scan { lake: FileAccess::of(self), files: files.into_iter(), columns: columns.to_vec(), open: None }
    }
}

impl Snapshot {
    /// What the rows of a held unit may have in common with those of another source scope, as far as they are of a time.
    pub async fn marks_of(&self, unit: &Unit, sharing: Sharing, window: Window) -> Result<BTreeSet<String>, LakeError> {
        let filter = Arc::new(RowFilter::in_window(window));
        let scope_key = unit.source_key();
        let files: Vec<_> = self
            .files_of(&unit.enrollment, unit.dataset)
            .filter(|file| file.scope_key == scope_key && filter.may_match(file))
            .map(|file| (file.clone(), filter.clone()))
            .collect();
        let columns = Place::FIELDS.iter().map(|field| field.column().to_owned()).collect();
        let mut scan = Scan { lake: FileAccess::of(self), files: files.into_iter(), columns, open: None };
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

impl Snapshot {
    /// Whether any of these files, which need not be part of the snapshot, has a row of a Marketplace publisher in a time.
    pub async fn have_marketplace_rows(&self, files: Vec<LakeFile>, window: Window) -> Result<bool, LakeError> {
        any_marketplace_row(&FileAccess::of(self), files, window).await
    }
}

/// The same for files that were written to another place than a table.
pub async fn have_marketplace_rows(
    (store, folder): &(Arc<dyn ObjectStore>, Path),
    files: Vec<LakeFile>,
    window: Window,
) -> Result<bool, LakeError> {
    let store = Arc::new(PrefixStore::new(store.clone(), folder.clone()));
    any_marketplace_row(&FileAccess::new(store, Footers::new()), files, window).await
}

async fn any_marketplace_row(access: &FileAccess, files: Vec<LakeFile>, window: Window) -> Result<bool, LakeError> {
    for file in files {
        let filter = Arc::new(RowFilter::visible(window, Visibility::Marketplace));
        let files = vec![(file, filter)].into_iter();
        let mut scan = Scan { lake: access.clone(), files, columns: Vec::new(), open: None };
        if scan.next_batch().await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Scan {
    /// The next rows, or `None` at the end.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        Ok(self.next_batch_of_period().await?.map(|(batch, _)| batch))
    }

    /// The next rows, with their billing period.
    pub(crate) async fn next_batch_of_period(&mut self) -> Result<Option<(RecordBatch, BillingPeriod)>, LakeError> {
        loop {
            let Some(OpenFile { file, filter, batches }) = &mut self.open else {
                let Some((file, filter)) = self.files.next() else { return Ok(None) };
                let wanted = self.columns.iter().map(String::as_str).chain(filter.columns());
                let batches = self.lake.open(&file, wanted, None).await?;
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
                let mask = filter.mask(&batch).ok_or_else(|| filter.unusable(file))?;
                filter_record_batch(&batch, &mask).map_err(LakeError::arrow(reading))?
            };
            if batch.num_rows() > 0 {
                return Ok(Some((batch, file.period)));
            }
        }
    }
}

/// What is needed to open files of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct FileAccess {
    store: Arc<dyn ObjectStore>,
    footers: Footers,
}

impl FileAccess {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, footers: Footers) -> Self {
        Self { store, footers }
    }

    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self { store: snapshot.store(), footers: snapshot.footers.clone() }
    }

    /// Reads parts of a file.
    pub(crate) fn reader(&self, file: &LakeFile) -> FileReader {
        FileReader::of(&self.store, &self.footers, file)
    }

    /// Begins to read columns of a file: all rows, or the selected ones.
    pub(crate) async fn open<'a>(
        &self,
        file: &LakeFile,
        columns: impl Iterator<Item = &'a str>,
        selection: Option<RowSelection>,
    ) -> Result<ParquetRecordBatchStream<FileReader>, LakeError> {
        let metadata = self.metadata(file).await?;
        let builder = self.rows(file, &metadata, columns);
        let builder = match selection {
            Some(selection) => builder.with_row_selection(selection),
            None => builder,
        };
        builder.build().map_err(LakeError::parquet(format!("read {}", file.path)))
    }

    /// What the footer of a file says, for reading text as dictionaries.
    pub(crate) async fn metadata(&self, file: &LakeFile) -> Result<ArrowReaderMetadata, LakeError> {
        Ok(self.both_metadata(file).await?.coded)
    }

    /// The same, for reading long texts that hardly repeat as they stand in the file.
    pub(crate) async fn metadata_with_plain_texts(&self, file: &LakeFile) -> Result<ArrowReaderMetadata, LakeError> {
        Ok(self.both_metadata(file).await?.plain)
    }

    async fn both_metadata(&self, file: &LakeFile) -> Result<ChargesMetadata, LakeError> {
        let metadata = self.reader(file).charges_metadata(dictionary_schema()).await;
        metadata.map_err(LakeError::parquet(format!("read {}", file.path)))
    }

    /// A read of columns of a file, in batches of limited rows and bytes.
    pub(crate) fn rows<'a>(
        &self,
        file: &LakeFile,
        metadata: &ArrowReaderMetadata,
        columns: impl Iterator<Item = &'a str>,
    ) -> ParquetRecordBatchStreamBuilder<FileReader> {
        let reader = self.reader(file);
        let mask = ProjectionMask::columns(metadata.parquet_schema(), columns);
        ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone())
            .with_projection(mask)
            .with_batch_size(batch_rows(file, metadata).min(BATCH_ROWS_MAX))
    }
}

/// How many rows of a file a batch has by their bytes.
pub(crate) fn batch_rows(file: &LakeFile, metadata: &ArrowReaderMetadata) -> usize {
    let groups = metadata.metadata().row_groups();
    let bytes: u64 = groups.iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or_default()).sum();
    let bytes_per_row = bytes / file.rows.max(1);
    usize::try_from(BATCH_BYTES_WANTED / bytes_per_row.max(1)).unwrap_or(usize::MAX).max(BATCH_ROWS_MIN)
}

/// The schema of charges with text as dictionaries, as encoders want it.
fn dictionary_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(make_dictionary_schema);
    SCHEMA.clone()
}

fn make_dictionary_schema() -> SchemaRef {
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
