//! Reading charges of a snapshot: the files that can hold them, then the rows that are asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Date32Type, Field as ArrowField, Int32Type, Schema, SchemaRef};
use calendar::Date;
use formats::{EXTRA_COLUMN, charge_schema};
use ledger::{ChargeQuery, ChargeType, Field, Scope, Unit, Visibility, Window};
use object_store::ObjectStore;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::ParquetRecordBatchStream;

use futures::TryStreamExt;

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::reader::FileReader;
use crate::table::Snapshot;

/// Rows and bytes of a batch that is read.
const BATCH_ROWS_MAX: usize = 8192;
const BATCH_BYTES_WANTED: u64 = 16 << 20;

/// Which rows of a file are asked for.
#[derive(Debug, Clone)]
pub struct RowFilter {
    window: Window,
    visibility: Visibility,
    /// Lower-case subscription id.
    subscription: Option<String>,
}

impl RowFilter {
    /// The filter of a question at billing account or subscription scope; `None` for scopes that need the id map.
    pub fn of(query: &ChargeQuery) -> Option<Self> {
        let subscription = match &query.scope {
            Scope::BillingAccount(_) => None,
            Scope::Subscription(id) => Some(id.to_string()),
            _ => return None,
        };
        Some(Self { window: query.window, visibility: query.visibility(), subscription })
    }

    fn may_match(&self, file: &LakeFile) -> bool {
        match self.window {
            Window::Period(period) => file.period == period,
            Window::Dates(days) => file.days.is_some_and(|own| own.overlaps(days)),
        }
    }

    /// Whether every row of the file matches, so that no row has to be looked at.
    fn matches_all(&self, file: &LakeFile) -> bool {
        let window = match self.window {
            Window::Period(period) => file.period == period,
            Window::Dates(days) => file.days.is_some_and(|own| days.contains(own.start()) && days.contains(own.end())),
        };
        window && self.visibility == Visibility::Everything && self.subscription.is_none()
    }

    fn columns(&self) -> Vec<&'static str> {
        vec![Field::Date.column(), Field::ChargeType.column(), Field::SubscriptionId.column()]
    }

    /// Marks the rows asked for.
    fn mask(&self, batch: &RecordBatch) -> Option<BooleanArray> {
        let mut keep = vec![true; batch.num_rows()];
        if let Window::Dates(days) = self.window {
            let dates = batch.column_by_name(Field::Date.column())?.as_primitive_opt::<Date32Type>()?;
            for (keep, day) in keep.iter_mut().zip(dates.iter()) {
                *keep &= day.is_some_and(|day| Date::from_days(day).is_ok_and(|day| days.contains(day)));
            }
        }
        if self.visibility == Visibility::UsageOnly {
            // A source without charge types holds usage only (the 2019 layout), so unknown counts as usage.
            let usage = |cell: Option<&str>| cell.is_none_or(|cell| ChargeType::read(cell) == ChargeType::Usage);
            keep_where(&mut keep, batch.column_by_name(Field::ChargeType.column())?, usage)?;
        }
        if let Some(id) = &self.subscription {
            let same = |cell: Option<&str>| cell.is_some_and(|cell| cell.eq_ignore_ascii_case(id));
            keep_where(&mut keep, batch.column_by_name(Field::SubscriptionId.column())?, same)?;
        }
        Some(BooleanArray::from(keep))
    }
}

/// Clears the marks of rows whose text fails a test; each distinct text is tested once.
fn keep_where(keep: &mut [bool], column: &ArrayRef, test: impl Fn(Option<&str>) -> bool) -> Option<()> {
    let column = column.as_dictionary_opt::<Int32Type>()?;
    let values = column.values().as_string_opt::<i32>()?;
    let passed: Vec<bool> =
        (0..values.len()).map(|index| test((!values.is_null(index)).then(|| values.value(index)))).collect();
    let unknown = test(None);
    for (keep, key) in keep.iter_mut().zip(column.keys().iter()) {
        *keep &= key.map_or(Some(unknown), |key| usize::try_from(key).ok().and_then(|key| passed.get(key).copied()))?;
    }
    Some(())
}

/// A read of charges in the order of the lake. Text columns come dictionary-encoded.
pub struct Scan {
    store: Arc<dyn ObjectStore>,
    files: std::vec::IntoIter<LakeFile>,
    columns: Vec<String>,
    filter: RowFilter,
    open: Option<(LakeFile, ParquetRecordBatchStream<FileReader>)>,
}

impl Snapshot {
    /// Begins to read the given lake columns of the rows that the question asks for. `None`: this scope cannot be
    /// asked here.
    pub fn scan(&self, query: &ChargeQuery, columns: &[String]) -> Option<Scan> {
        let filter = RowFilter::of(query)?;
        let files: Vec<LakeFile> =
            self.files_of(&query.enrollment, query.dataset).filter(|file| filter.may_match(file)).cloned().collect();
        Some(Scan { store: self.store(), files: files.into_iter(), columns: columns.to_vec(), filter, open: None })
    }

    /// Whether any row can match, judged by the files alone.
    pub fn may_hold(&self, query: &ChargeQuery) -> bool {
        RowFilter::of(query)
            .is_some_and(|filter| self.files_of(&query.enrollment, query.dataset).any(|file| filter.may_match(file)))
    }
}

impl Snapshot {
    /// Lower-case ids of the subscriptions that the rows of a held unit name; empty text for rows that name none.
    pub async fn subscriptions_of(&self, unit: &Unit) -> Result<BTreeSet<String>, LakeError> {
        // A few more rows than the unit has do no harm: the period is one of its own.
        let window = Window::Period(unit.coverage.period());
        let filter = RowFilter { window, visibility: Visibility::Everything, subscription: None };
        let scope_key = unit.scope.key();
        let files: Vec<LakeFile> = self
            .files_of(&unit.enrollment, unit.dataset)
            .filter(|file| file.scope_key == scope_key && filter.may_match(file))
            .cloned()
            .collect();
        let columns = vec![Field::SubscriptionId.column().to_owned()];
        let mut scan = Scan { store: self.store(), files: files.into_iter(), columns, filter, open: None };
        let mut found = BTreeSet::new();
        while let Some(batch) = scan.next_batch().await? {
            let column = batch.column_by_name(Field::SubscriptionId.column());
            let Some(column) = column.and_then(|column| column.as_dictionary_opt::<Int32Type>()) else { continue };
            let Some(values) = column.values().as_string_opt::<i32>() else { continue };
            let used: BTreeSet<i32> = column.keys().iter().flatten().collect();
            let texts = used.into_iter().filter_map(|key| usize::try_from(key).ok()).map(|key| values.value(key));
            found.extend(texts.map(str::to_ascii_lowercase));
            // Rows without subscription are a possible overlap with others of their kind.
            if column.null_count() > 0 {
                found.insert(String::new());
            }
        }
        Ok(found)
    }
}

impl Scan {
    /// The next rows, or `None` at the end.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        loop {
            let Some((file, batches)) = &mut self.open else {
                let Some(file) = self.files.next() else { return Ok(None) };
                let batches = open_file(&self.store, &file, &self.columns, &self.filter).await?;
                self.open = Some((file, batches));
                continue;
            };
            let reading = format!("read {}", file.path);
            let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(reading.clone()))? else {
                self.open = None;
                continue;
            };
            let batch = if self.filter.matches_all(file) {
                batch
            } else {
                let mask = self.filter.mask(&batch).ok_or_else(|| LakeError::ForeignFile {
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
