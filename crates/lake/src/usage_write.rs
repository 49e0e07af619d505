//! Writing usage as Parquet files, one or more per posting period, hashed on the way.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{Date32Type, Int64Type, SchemaRef};
use calendar::{BillingPeriod, Date, DateRange};
use ledger::EnrollmentId;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use sha2::{Digest, Sha256};
use tokio_util::io::SyncIoBridge;

use crate::error::LakeError;
use crate::usage_file::UsageFile;
use crate::write::{Hashed, Sink, now_ms};

/// Records of a row group; one is closed early when it gets this big in memory.
const ROW_GROUP_ROWS: usize = 128 << 10;
const ROW_GROUP_BYTES_MAX: usize = 64 << 20;
/// Largest dictionary of a column: texts beyond it would be written once per record, resource ids above all.
const DICTIONARY_BYTES_MAX: usize = 32 << 20;
/// A file is closed at this many records, so that readers can share the work.
const FILE_ROWS_MAX: u64 = 4 << 20;

/// What all files of a batch share.
#[derive(Debug, Clone)]
pub struct UsageTarget {
    /// Whose usage.
    pub enrollment: EnrollmentId,
    /// Names the files; new for every attempt to append a batch.
    pub file_id: uuid::Uuid,
}

/// The time that some records span.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// First and last day of the rows that they become part of.
    days: (i32, i32),
    /// When the first and the last of them were received, in microseconds since 1970.
    received: (i64, i64),
}

impl Span {
    /// The span of a batch; `None` for one without records or with other columns.
    fn of(batch: &RecordBatch) -> Option<Self> {
        let days = batch.column_by_name("date")?.as_primitive_opt::<Date32Type>()?;
        let received = batch.column_by_name("received_at")?.as_primitive_opt::<Int64Type>()?;
        Some(Self { days: (min(days)?, max(days)?), received: (min(received)?, max(received)?) })
    }

    fn and(self, other: Self) -> Self {
        let days = (self.days.0.min(other.days.0), self.days.1.max(other.days.1));
        let received = (self.received.0.min(other.received.0), self.received.1.max(other.received.1));
        Self { days, received }
    }
}

/// Writes the records of a batch. The files are durable once finished but no part of the table until they are appended.
/// Blocking; to be used inside of a runtime's context.
pub struct UsageWriter {
    target: UsageTarget,
    schema: SchemaRef,
    table: (Arc<dyn ObjectStore>, Path),
    open: BTreeMap<BillingPeriod, OpenFile>,
    done: Vec<UsageFile>,
    next_number: usize,
}

struct OpenFile {
    writer: ArrowWriter<Sink>,
    state: Arc<Mutex<(Sha256, u64)>>,
    path: String,
    rows: u64,
    span: Span,
}

impl UsageWriter {
    pub(crate) fn new(target: UsageTarget, schema: SchemaRef, table: (Arc<dyn ObjectStore>, Path)) -> Self {
        Self { target, schema, table, open: BTreeMap::new(), done: Vec::new(), next_number: 0 }
    }

    /// Writes records that are posted in a billing period. They have the schema of the table.
    pub fn write(&mut self, period: BillingPeriod, batch: &RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let foreign = || LakeError::ForeignUsage { path: "a batch".into(), reason: "its columns are others".into() };
        let span = Span::of(batch).ok_or_else(foreign)?;
        if self.open.get(&period).is_some_and(|file| file.rows >= FILE_ROWS_MAX) {
            self.close(period)?;
        }
        if !self.open.contains_key(&period) {
            let file = self.create(period, span)?;
            self.open.insert(period, file);
        }
        let Some(file) = self.open.get_mut(&period) else { return Ok(()) };
        file.rows += batch.num_rows() as u64;
        file.span = file.span.and(span);
        let doing = || LakeError::parquet("write a file of usage");
        file.writer.write(batch).map_err(doing())?;
        if file.writer.in_progress_size() > ROW_GROUP_BYTES_MAX {
            file.writer.flush().map_err(doing())?;
        }
        Ok(())
    }

    /// Closes all files; they are durable when this returns.
    pub fn finish(&mut self) -> Result<(), LakeError> {
        for period in self.open.keys().copied().collect::<Vec<_>>() {
            self.close(period)?;
        }
        Ok(())
    }

    /// The files that were closed: all of them after [`UsageWriter::finish`], and else those to discard.
    pub fn into_files(self) -> Vec<UsageFile> {
        self.done
    }

    fn create(&mut self, period: BillingPeriod, span: Span) -> Result<OpenFile, LakeError> {
        let UsageTarget { enrollment, file_id } = &self.target;
        let path = format!("enrollment={enrollment}/period={period}/{file_id}-000-{:05}.parquet", self.next_number);
        self.next_number += 1;
        let location = self.table.1.parts().chain(Path::from(path.as_str()).parts()).collect::<Path>();
        let state = Arc::new(Mutex::new((Sha256::new(), 0)));
        let inner = SyncIoBridge::new(BufWriter::new(self.table.0.clone(), location));
        let sink = Hashed { inner, state: state.clone() };
        let writer = ArrowWriter::try_new(sink, self.schema.clone(), Some(properties()))
            .map_err(LakeError::parquet("begin a file of usage"))?;
        Ok(OpenFile { writer, state, path, rows: 0, span })
    }

    fn close(&mut self, period: BillingPeriod) -> Result<(), LakeError> {
        let Some(file) = self.open.remove(&period) else { return Ok(()) };
        let doing = "finish a file of usage";
        let mut sink = file.writer.into_inner().map_err(LakeError::parquet(doing))?;
        sink.flush().map_err(LakeError::io(doing))?;
        sink.inner.shutdown().map_err(LakeError::io(doing))?;
        let state = file.state.lock().expect("no writer panics while it holds the lock");
        let foreign = || LakeError::ForeignUsage { path: file.path.clone(), reason: "a day is none".to_owned() };
        let [first, last] = [file.span.days.0, file.span.days.1].map(Date::from_days);
        let (Ok(first), Ok(last)) = (first, last) else { return Err(foreign()) };
        let days = DateRange::inclusive(first, last).map_err(|_| foreign())?;
        self.done.push(UsageFile {
            path: file.path,
            size_bytes: state.1,
            enrollment: self.target.enrollment.clone(),
            period,
            rows: file.rows,
            days,
            received: file.span.received,
            sha256: hex::encode(state.0.clone().finalize()),
            written_at_ms: now_ms(),
        });
        Ok(())
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(format!("lazurite {}", env!("CARGO_PKG_VERSION")))
        .build()
}
