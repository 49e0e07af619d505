//! Writing sorted rows as Parquet files, hashed and summed on the way.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int32Type, Schema};
use arrow::row::OwnedRow;
use calendar::{BillingPeriod, Date, DateRange};
use formats::{SOURCE_HASH_COLUMN, SOURCE_INDEX_COLUMN, SOURCE_SCOPE_COLUMN, charge_schema, staging_schema};
use ledger::{Dataset, EnrollmentId, Field};
use money::Total;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};
use tokio_util::io::SyncIoBridge;

use crate::error::LakeError;
use crate::file::{LakeFile, Statistics};
use crate::order::SortKeys;
use crate::total::total_cost;

/// Rows of a row group and of a page (PERFORMANCE, "Layout that made it").
pub(crate) const ROW_GROUP_ROWS: usize = 32 << 10;
pub(crate) const PAGE_ROWS: usize = 8 << 10;
/// A row group is closed early when wide rows make it this big in memory.
const ROW_GROUP_BYTES_MAX: usize = 64 << 20;
/// A file is closed at this many rows, so that readers can share the work.
const FILE_ROWS_MAX: u64 = 4 << 20;

/// Columns with least and greatest values in the Delta log, so that any engine can skip files.
pub(crate) const STATISTICS_COLUMNS: [&str; 5] = [
    SOURCE_SCOPE_COLUMN,
    Field::InvoiceSectionId.column(),
    Field::AccountId.column(),
    Field::SubscriptionId.column(),
    Field::Date.column(),
];
/// Group of files that hold what is left of a file replaced in part.
const REWRITTEN_GROUP: usize = 999;
/// Longest text that is worth a statistic; a longer one leaves the column without.
const STATISTIC_BYTES_MAX: usize = 256;

/// What all rows of a set of files share.
#[derive(Debug, Clone)]
pub struct FileTarget {
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// Which dataset.
    pub dataset: Dataset,
    /// Key of the source scope.
    pub scope_key: String,
    /// SHA-256 of each source, by source index.
    pub source_hashes: Vec<String>,
    /// Names the files of one import.
    pub import_id: uuid::Uuid,
    /// Distinguishes the file sets of one import.
    pub group: usize,
}

/// Writes staged rows that come in the order of the lake as files, one or more per billing period. The files
/// are durable but not part of the table until they are committed. Blocking; to be used inside of a runtime's context.
pub fn write_ordered<E: From<LakeError>>(
    batches: impl Iterator<Item = Result<RecordBatch, E>>,
    target: &FileTarget,
    table: &(Arc<dyn ObjectStore>, Path),
) -> Result<Vec<LakeFile>, E> {
    let mut set = FileSet::new(target, table);
    let mut order = cfg!(debug_assertions).then(OrderCheck::new).transpose()?;
    for batch in batches {
        let batch = batch?;
        if let Some(order) = &mut order {
            order.check(&batch)?;
        }
        set.push(&batch)?;
    }
    Ok(set.finish()?)
}

/// Sees in debug builds that rows come in the order of the lake.
struct OrderCheck {
    keys: SortKeys,
    last: Option<OwnedRow>,
}

impl OrderCheck {
    fn new() -> Result<Self, LakeError> {
        Ok(Self { keys: SortKeys::new()?, last: None })
    }

    fn check(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let rows = self.keys.of(&plain(batch)?)?;
        for row in rows.iter() {
            assert!(self.last.as_ref().is_none_or(|last| last.row() <= row), "rows are not in the order of the lake");
            self.last = Some(row.owned());
        }
        Ok(())
    }
}

/// A staged batch with plain texts.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
    let schema = staging_schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<_, _>>().map_err(LakeError::arrow("check the order of rows"))?;
    RecordBatch::try_new(schema.clone(), columns).map_err(LakeError::arrow("check the order of rows"))
}

/// The files of one target, written one after the other.
struct FileSet<'a> {
    target: &'a FileTarget,
    table: &'a (Arc<dyn ObjectStore>, Path),
    open: Option<OpenFile>,
    files: Vec<LakeFile>,
}

impl<'a> FileSet<'a> {
    fn new(target: &'a FileTarget, table: &'a (Arc<dyn ObjectStore>, Path)) -> Self {
        Self { target, table, open: None, files: Vec::new() }
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let periods = batch.column(0).as_primitive::<Int32Type>();
        let mut start = 0;
        while start < batch.num_rows() {
            let number = periods.value(start);
            let length = periods.values()[start..].iter().take_while(|other| **other == number).count();
            if self.open.as_ref().is_some_and(|file| file.period_number != number || file.rows >= FILE_ROWS_MAX) {
                self.files.extend(self.open.take().map(OpenFile::close).transpose()?);
            }
            let file = match &mut self.open {
                Some(file) => file,
                none => none.insert(OpenFile::create(number, self.target, self.table, self.files.len())?),
            };
            file.write(&finished(&batch.slice(start, length), self.target)?)?;
            start += length;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<LakeFile>, LakeError> {
        self.files.extend(self.open.take().map(OpenFile::close).transpose()?);
        Ok(self.files)
    }
}

/// A staged batch as it stands in a file: without the staging columns, with scope and source hash. Texts may be
/// dictionaries, which are written as the plain texts of the file's schema.
fn finished(staged: &RecordBatch, target: &FileTarget) -> Result<RecordBatch, LakeError> {
    let sources =
        staged.column_by_name(SOURCE_INDEX_COLUMN).expect("staged batches have it").as_primitive::<Int32Type>();
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for field in charge_schema().fields() {
        let column = match field.name().as_str() {
            SOURCE_SCOPE_COLUMN => texts(Int32Array::from_value(0, staged.num_rows()), &[&target.scope_key])?,
            SOURCE_HASH_COLUMN => texts(sources.clone(), &target.source_hashes)?,
            name => staged.column_by_name(name).expect("staged batches have every other column").clone(),
        };
        fields.push(field.as_ref().clone().with_data_type(column.data_type().clone()));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(LakeError::arrow("finish rows"))
}

/// The texts with these numbers, from 0.
fn texts(numbers: Int32Array, texts: &[impl AsRef<str>]) -> Result<ArrayRef, LakeError> {
    let texts = Arc::new(StringArray::from_iter_values(texts));
    let column = DictionaryArray::<Int32Type>::try_new(numbers, texts).map_err(LakeError::arrow("finish rows"))?;
    Ok(Arc::new(column))
}

/// Texts of a column, plain or in a dictionary, one per row; `None` for another column.
fn rows_of(column: &ArrayRef) -> Option<Box<dyn Iterator<Item = Option<&str>> + '_>> {
    if let Some(plain) = column.as_string_opt::<i32>() {
        return Some(Box::new(plain.iter()));
    }
    let texts = column.as_dictionary_opt::<Int32Type>()?.downcast_dict::<StringArray>()?;
    Some(Box::new(texts.into_iter()))
}

/// Hashes and counts what is written.
pub(crate) struct Hashed<W> {
    pub(crate) inner: W,
    pub(crate) state: Arc<Mutex<(Sha256, u64)>>,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let mut state = self.state.lock().expect("no writer panics while it holds the lock");
        state.0.update(&bytes[..written]);
        state.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

pub(crate) type Sink = Hashed<SyncIoBridge<BufWriter>>;

/// A file under a name of its own whose content is not complete yet.
pub(crate) struct NewFile {
    state: Arc<Mutex<(Sha256, u64)>>,
    path: String,
    target: FileTarget,
    period: BillingPeriod,
}

/// What the log says about the rows of a file.
pub(crate) struct FileFacts {
    pub(crate) rows: u64,
    pub(crate) total: Total,
    /// First and last day.
    pub(crate) days: Option<(i32, i32)>,
    /// Least and greatest texts of columns.
    pub(crate) bounds: Vec<(&'static str, (String, String))>,
}

impl NewFile {
    /// Makes a file of a billing period (`YYYYMM`), and what its content goes to.
    pub(crate) fn create(
        period_number: i32,
        target: &FileTarget,
        (store, table): &(Arc<dyn ObjectStore>, Path),
        number: usize,
    ) -> Result<(Self, Sink), LakeError> {
        let period = BillingPeriod::parse(&period_number.to_string()).expect("staged periods were billing periods");
        let path = format!(
            "enrollment={}/dataset={}/billing_period={period}/{}-{:03}-{number:05}.parquet",
            target.enrollment, target.dataset, target.import_id, target.group
        );
        let location = table.parts().chain(Path::from(path.as_str()).parts()).collect::<Path>();
        let state = Arc::new(Mutex::new((Sha256::new(), 0)));
        let sink = SyncIoBridge::new(BufWriter::new(store.clone(), location));
        let sink = Hashed { inner: sink, state: state.clone() };
        Ok((Self { state, path, target: target.clone(), period }, sink))
    }

    /// Makes the file durable, now that all of its content was written.
    pub(crate) fn finish(self, mut sink: Sink, facts: FileFacts) -> Result<LakeFile, LakeError> {
        sink.flush().map_err(LakeError::io("finish a file of charges"))?;
        sink.inner.shutdown().map_err(LakeError::io("finish a file of charges"))?;
        let state = self.state.lock().expect("no writer panics while it holds the lock");
        let day = |days: i32| Date::from_days(days).expect("rows were read with dates of the calendar");
        let days = facts.days.map(|(first, last)| DateRange::inclusive(day(first), day(last)).expect("first is least"));
        let mut statistics: Statistics = facts
            .bounds
            .into_iter()
            .filter(|(_, (least, greatest))| least.len().max(greatest.len()) <= STATISTIC_BYTES_MAX)
            .map(|(column, bounds)| (column.to_owned(), bounds))
            .collect();
        if let Some(days) = days {
            statistics.insert(Field::Date.column().to_owned(), (days.start().to_string(), days.end().to_string()));
        }
        Ok(LakeFile {
            path: self.path,
            size_bytes: state.1,
            enrollment: self.target.enrollment,
            dataset: self.target.dataset,
            period: self.period,
            scope_key: self.target.scope_key,
            rows: facts.rows,
            days,
            total: facts.total.value().to_string(),
            sha256: hex::encode(state.0.clone().finalize()),
            written_at_ms: now_ms(),
            rollup_sha256: None,
            statistics,
        })
    }
}

/// A file being written from plain batches.
pub(crate) struct OpenFile {
    writer: ArrowWriter<Sink>,
    new: NewFile,
    period_number: i32,
    rows: u64,
    total: Total,
    days: Option<(i32, i32)>,
    bounds: HashMap<&'static str, Option<(String, String)>>,
}

impl OpenFile {
    pub(crate) fn create(
        period_number: i32,
        target: &FileTarget,
        table: &(Arc<dyn ObjectStore>, Path),
        number: usize,
    ) -> Result<Self, LakeError> {
        let (new, sink) = NewFile::create(period_number, target, table, number)?;
        let writer = ArrowWriter::try_new(sink, charge_schema(), Some(properties()))
            .map_err(LakeError::parquet("begin a file of charges"))?;
        let bounds = STATISTICS_COLUMNS.iter().map(|column| (*column, None)).collect();
        Ok(Self { writer, new, period_number, rows: 0, total: Total::default(), days: None, bounds })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        total_cost(batch, &mut self.total)?;
        self.rows += batch.num_rows() as u64;
        let dates =
            batch.column_by_name(Field::Date.column()).expect("charges have a date").as_primitive::<Date32Type>();
        for day in dates.iter().flatten() {
            let (first, last) = self.days.get_or_insert((day, day));
            *first = day.min(*first);
            *last = day.max(*last);
        }
        self.observe_texts(batch);
        self.writer.write(batch).map_err(LakeError::parquet("write a file of charges"))?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES_MAX {
            self.writer.flush().map_err(LakeError::parquet("write a file of charges"))?;
        }
        Ok(())
    }

    fn observe_texts(&mut self, batch: &RecordBatch) {
        for (column, bounds) in &mut self.bounds {
            let Some(values) = batch.column_by_name(column).and_then(rows_of) else { continue };
            // Sorted neighbours mostly repeat: compare with the last value seen first.
            let mut last = None;
            for value in values.flatten() {
                if last == Some(value) {
                    continue;
                }
                last = Some(value);
                match bounds {
                    None => *bounds = Some((value.to_owned(), value.to_owned())),
                    Some((least, _)) if value < least.as_str() => *least = value.to_owned(),
                    Some((_, greatest)) if value > greatest.as_str() => *greatest = value.to_owned(),
                    Some(_) => {}
                }
            }
        }
    }

    pub(crate) fn close(self) -> Result<LakeFile, LakeError> {
        let sink = self.writer.into_inner().map_err(LakeError::parquet("finish a file of charges"))?;
        let bounds = self.bounds.into_iter().filter_map(|(column, bounds)| bounds.map(|bounds| (column, bounds)));
        let facts = FileFacts { rows: self.rows, total: self.total, days: self.days, bounds: bounds.collect() };
        self.new.finish(sink, facts)
    }
}

/// Milliseconds since 1970, for the log's own bookkeeping.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(format!("lazurite {}", env!("CARGO_PKG_VERSION")));
    // Least and greatest texts cost two comparisons per row, and nothing looks for those of other columns.
    for field in charge_schema().fields().iter().filter(|field| *field.data_type() == DataType::Utf8) {
        let of_column = match STATISTICS_COLUMNS.contains(&field.name().as_str()) {
            true => EnabledStatistics::Page,
            false => EnabledStatistics::None,
        };
        properties = properties.set_column_statistics_enabled(ColumnPath::from(field.name().as_str()), of_column);
    }
    let date = ColumnPath::from(Field::Date.column());
    properties = properties.set_column_statistics_enabled(date, EnabledStatistics::Page);
    for column in [Field::Quantity.column(), Field::Cost.column()] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    properties.build()
}

impl FileTarget {
    /// The target of a rewritten part of `file`.
    pub(crate) fn rewriting(file: &LakeFile, import_id: uuid::Uuid) -> Self {
        Self {
            enrollment: file.enrollment.clone(),
            dataset: file.dataset,
            scope_key: file.scope_key.clone(),
            source_hashes: Vec::new(),
            import_id,
            group: REWRITTEN_GROUP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_columns_are_columns_of_the_schema() {
        for column in STATISTICS_COLUMNS {
            assert!(charge_schema().field_with_name(column).is_ok(), "{column}");
        }
        assert!(formats::staging_schema().field_with_name(formats::BILLING_PERIOD_COLUMN).is_ok());
    }
}
