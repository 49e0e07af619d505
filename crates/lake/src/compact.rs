//! Merging the small files of many loads: a month that came day by day is then read like one that came at once.
//!
//! A merge changes no row, no total and no earlier version; it is a commit of its own without an import's record. Where
//! another writer was first, nothing changes and the next attempt begins anew.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{SortOptions, interleave_record_batch};
use arrow::row::{RowConverter, Rows, SortField};
use deltalake_core::kernel::{Action, Add, Remove};
use deltalake_core::protocol::DeltaOperation;
use formats::charge_schema;
use futures::TryStreamExt;
use ledger::Field;
use money::{Decimal, Limits, Total};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::async_reader::ParquetRecordBatchStream;
use serde_json::json;
use tokio::runtime::Handle;

use crate::commit::commit_properties;
use crate::error::LakeError;
use crate::file::LakeFile;
use crate::log::MERGED_MEMBER;
use crate::order::SORTED_BY;
use crate::reader::FileReader;
use crate::table::{Lake, Snapshot};
use crate::write::{FileTarget, OpenFile, now_ms};

/// A file with fewer rows is small.
const SMALL_ROWS_MAX: u64 = 256 << 10;
/// So many small files of one period are merged; fewer cost a reader little.
const SMALL_FILES_MIN: usize = 8;
/// Most files that are merged at once: each has a batch in memory.
const MERGED_FILES_MAX: usize = 64;
/// Rows of a batch that is read, and of one that is written.
const READ_ROWS: usize = 512;
const WRITTEN_ROWS: usize = 8192;

impl Snapshot {
    /// Small files that are worth merging, those of one enrollment, dataset, period and source scope together.
    pub fn scattered(&self) -> Vec<Vec<LakeFile>> {
        let mut groups: BTreeMap<_, Vec<LakeFile>> = BTreeMap::new();
        for file in self.files().iter().filter(|file| file.rows < SMALL_ROWS_MAX) {
            let key = (file.enrollment.clone(), file.dataset, file.period, file.scope_key.clone());
            groups.entry(key).or_default().push(file.clone());
        }
        let groups = groups.into_values().filter(|files| files.len() >= SMALL_FILES_MIN);
        groups.map(|files| files.into_iter().take(MERGED_FILES_MAX).collect()).collect()
    }
}

impl Lake {
    /// Merges files of one enrollment, dataset, period and source scope into one, and gives the version that has it.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] where another writer was first; files that cannot be read, or that do not add up.
    pub async fn merge(&self, base: &Snapshot, files: &[LakeFile]) -> Result<u64, LakeError> {
        let Some(first) = files.first() else { return Ok(base.version()) };
        let target = FileTarget::rewriting(first, uuid::Uuid::now_v7());
        let mut cursors = Vec::with_capacity(files.len());
        for file in files {
            cursors.push(Cursor::open(base, file).await?);
        }
        let number = i32::from(first.period.year()) * 100 + i32::from(first.period.month());
        let open = OpenFile::create(number, &target, &self.table_location(), 0)?;
        let handle = Handle::current();
        let merged = tokio::task::spawn_blocking(move || write_merged(cursors, open, &handle)).await;
        let merged = merged.map_err(|error| LakeError::Worker { reason: error.to_string() })??;
        check(files, &merged)?;
        let merged = self.roll_up(vec![merged]).await?;
        self.replace(base, files, &merged).await
    }

    /// Commits that some files say what others did.
    async fn replace(&self, base: &Snapshot, old: &[LakeFile], new: &[LakeFile]) -> Result<u64, LakeError> {
        let now = now_ms();
        let removed = old.iter().map(|file| Action::Remove(Remove { data_change: false, ..file.remove(now) }));
        let added = new.iter().map(|file| Action::Add(Add { data_change: false, ..file.add() }));
        let operation = DeltaOperation::Optimize { predicate: None, target_size: 0 };
        let properties = commit_properties(json!({ MERGED_MEMBER: old.len() }));
        self.commit_actions(base, removed.chain(added).collect(), properties, operation).await
    }
}

/// A merged file must have the rows and the exact sum of those that it stands for.
fn check(files: &[LakeFile], merged: &LakeFile) -> Result<(), LakeError> {
    let foreign = |path: &str, reason: String| LakeError::ForeignFile { path: path.to_owned(), reason };
    let mut total = Total::ZERO;
    for file in files {
        let own = Decimal::parse(file.total.as_bytes(), Limits::TOTAL)
            .map_err(|error| foreign(&file.path, format!("its total {:?} is no number: {error}", file.total)))?;
        total.add(own.value).map_err(|source| LakeError::Sum { what: "merged files".into(), source })?;
    }
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    let expected = (rows, total.value().to_shortest_string());
    let own = Decimal::parse(merged.total.as_bytes(), Limits::TOTAL).map(|parsed| parsed.value.to_shortest_string());
    match own {
        Ok(own) if (merged.rows, own.clone()) == expected => Ok(()),
        _ => Err(foreign(
            &merged.path,
            format!("merged, it has {} rows of {}; expected {rows} rows of {}", merged.rows, merged.total, expected.1),
        )),
    }
}

/// The rows of a file, batch by batch.
struct Cursor {
    batches: ParquetRecordBatchStream<FileReader>,
    path: String,
    batch: Option<(RecordBatch, Rows)>,
    row: usize,
}

impl Cursor {
    async fn open(base: &Snapshot, file: &LakeFile) -> Result<Self, LakeError> {
        let batches = ParquetRecordBatchStreamBuilder::new(FileReader::of(&base.store(), &base.footers, file))
            .await
            .and_then(|builder| builder.with_batch_size(READ_ROWS).build())
            .map_err(LakeError::parquet(format!("read {}", file.path)))?;
        Ok(Self { batches, path: file.path.clone(), batch: None, row: 0 })
    }

    /// Reads the next batch, if the last one is used up.
    fn fill(&mut self, keys: &RowConverter, handle: &Handle) -> Result<bool, LakeError> {
        let doing = || format!("read {}", self.path);
        while self.batch.as_ref().is_none_or(|(batch, _)| self.row == batch.num_rows()) {
            let next = handle.block_on(self.batches.try_next()).map_err(LakeError::parquet(doing()))?;
            let Some(batch) = next else { return Ok(false) };
            let own = keys.convert_columns(&key_columns(&batch)).map_err(LakeError::arrow(doing()))?;
            self.batch = Some((batch, own));
            self.row = 0;
        }
        Ok(true)
    }

    /// The key of the next row of a filled cursor.
    fn key(&self) -> arrow::row::Row<'_> {
        self.batch.as_ref().expect("the cursor was filled").1.row(self.row)
    }
}

fn key_columns(batch: &RecordBatch) -> Vec<ArrayRef> {
    let column = |(field, caseless): (Field, bool)| {
        let column = batch.column_by_name(field.column()).expect("files of the lake have every column");
        if !caseless {
            return column.clone();
        }
        let texts = column.as_string::<i32>().iter();
        Arc::new(texts.map(|text| text.map(str::to_ascii_lowercase)).collect::<StringArray>()) as ArrayRef
    };
    SORTED_BY.map(column).into()
}

/// Writes the rows of all cursors in the order of the lake; equal ones in the order of the files. Blocking.
fn write_merged(mut cursors: Vec<Cursor>, mut open: OpenFile, handle: &Handle) -> Result<LakeFile, LakeError> {
    let schema = charge_schema();
    let fields = SORTED_BY.map(|(field, _)| {
        let field = schema.field_with_name(field.column()).expect("sort columns are columns of the schema");
        SortField::new_with_options(field.data_type().clone(), SortOptions::new(false, true))
    });
    let keys = RowConverter::new(fields.into()).map_err(LakeError::arrow("prepare merging"))?;
    let mut left: Vec<usize> = Vec::new();
    for (index, cursor) in cursors.iter_mut().enumerate() {
        if cursor.fill(&keys, handle)? {
            left.push(index);
        }
    }
    while !left.is_empty() {
        // Rows are taken until a batch is used up, so that all of them are still there when they are copied.
        let mut picked: Vec<(usize, usize)> = Vec::with_capacity(WRITTEN_ROWS);
        let used_up = loop {
            let next = least(&cursors, &left);
            let cursor = &mut cursors[next];
            picked.push((next, cursor.row));
            cursor.row += 1;
            let (batch, _) = cursor.batch.as_ref().expect("the cursor was filled");
            if cursor.row == batch.num_rows() {
                break Some(next);
            }
            if picked.len() == WRITTEN_ROWS {
                break None;
            }
        };
        let empty = RecordBatch::new_empty(schema.clone());
        let batches: Vec<&RecordBatch> =
            cursors.iter().map(|cursor| cursor.batch.as_ref().map_or(&empty, |(batch, _)| batch)).collect();
        let merged = interleave_record_batch(&batches, &picked).map_err(LakeError::arrow("merge rows"))?;
        open.write(&merged)?;
        if let Some(index) = used_up
            && !cursors[index].fill(&keys, handle)?
        {
            cursors[index].batch = None;
            left.retain(|own| *own != index);
        }
    }
    open.close()
}

/// The cursor with the least next row; of equal ones the first.
fn least(cursors: &[Cursor], left: &[usize]) -> usize {
    let mut least = left[0];
    for index in &left[1..] {
        if cursors[*index].key().cmp(&cursors[least].key()) == Ordering::Less {
            least = *index;
        }
    }
    least
}
