//! Pages: some rows of an answer from a position on, at the same cost at any depth.
//!
//! First the columns that decide are read from the position on until enough rows are found, then the rows themselves.
//! Where every row of a file is asked for, nothing is read to find them; row groups whose dictionaries tell that they
//! have no such row are passed over.

use std::collections::VecDeque;
use std::ops::Range;

use arrow::array::RecordBatch;
use calendar::BillingPeriod;
use futures::TryStreamExt;
use ledger::ChargeQuery;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::arrow::async_reader::ParquetRecordBatchStream;
use parquet::file::metadata::ParquetMetaData;

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::reader::FileReader;
use crate::scan::FileAccess;
use crate::search::rows_from;
use crate::table::Snapshot;
use crate::told::Told;

/// Where a row stands in the answer to a question on a snapshot. The default is the first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Number of the file among those that can hold rows of the answer.
    pub file: u32,
    /// Number of the row in the file, from 0.
    pub row: u64,
}

/// Some rows of an answer, found but not yet read.
pub struct Page {
    access: FileAccess,
    columns: Vec<String>,
    found: VecDeque<Found>,
    open: Option<OpenRows>,
    next: Option<Position>,
}

/// Rows of a page.
pub struct PageRows {
    /// Their cells. Text columns are dictionary-encoded, long texts that hardly repeat plain.
    pub batch: RecordBatch,
    /// Where each of them stands.
    pub positions: Vec<Position>,
    /// Their billing period.
    pub period: BillingPeriod,
}

/// Rows of one file.
struct Found {
    number: u32,
    file: LakeFile,
    rows: Vec<u64>,
}

struct OpenRows {
    number: u32,
    period: BillingPeriod,
    path: String,
    rows: VecDeque<u64>,
    batches: ParquetRecordBatchStream<FileReader>,
    /// Columns that are not read.
    told: Told,
}

impl Snapshot {
    /// Finds the next rows of an answer: at most `rows_max`, from `from` on.
    pub async fn page(
        &self,
        query: &ChargeQuery,
        columns: &[String],
        from: Position,
        rows_max: usize,
    ) -> Result<Page, LakeError> {
        let access = FileAccess::of(self);
        let mut found = VecDeque::new();
        let (mut missing, mut next) = (rows_max, None);
        let mut start = from.row;
        let first = usize::try_from(from.file).unwrap_or(usize::MAX);
        for (number, (file, filter)) in self.candidates(query).into_iter().enumerate().skip(first) {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            // One row more than wanted tells whether there is a next page, and where it begins.
            let mut rows = rows_from(self, &file, &filter, std::mem::take(&mut start), missing + 1).await?;
            if rows.len() > missing {
                next = rows.pop().map(|row| Position { file: number, row });
            }
            missing -= rows.len();
            if !rows.is_empty() {
                found.push_back(Found { number, file, rows });
            }
            if next.is_some() {
                break;
            }
        }
        Ok(Page { access, columns: columns.to_vec(), found, open: None, next })
    }
}

impl Page {
    /// Where the next page begins; `None` if these are the last rows.
    pub fn next(&self) -> Option<Position> {
        self.next
    }

    /// The next rows, or `None` at the end.
    pub async fn next_rows(&mut self) -> Result<Option<PageRows>, LakeError> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(found) = self.found.pop_front() else { return Ok(None) };
                self.open = Some(found.open(&self.access, &self.columns).await?);
                continue;
            };
            let reading = format!("read {}", open.path);
            let Some(batch) = open.batches.try_next().await.map_err(LakeError::parquet(reading))? else {
                self.open = None;
                continue;
            };
            let batch = open.told.add_to(batch).map_err(LakeError::arrow(format!("read {}", open.path)))?;
            let number = open.number;
            let count = batch.num_rows().min(open.rows.len());
            let positions = open.rows.drain(..count).map(|row| Position { file: number, row }).collect();
            let period = open.period;
            // A reader that is asked for more goes through the rest of its row group first.
            if open.rows.is_empty() {
                self.open = None;
            }
            return Ok(Some(PageRows { batch, positions, period }));
        }
    }
}

impl Found {
    /// Begins to read the rows: of the row groups that they are in alone.
    async fn open(self, access: &FileAccess, columns: &[String]) -> Result<OpenRows, LakeError> {
        let Self { number, file, rows } = self;
        let metadata = access.metadata_with_plain_texts(&file).await?;
        let (groups, selection) = within_groups(&rows, metadata.metadata());
        let told = Told::of(&metadata, &groups, columns);
        let builder = access.rows(&file, &metadata, told.others(columns));
        let batches = builder.with_row_groups(groups).with_row_selection(selection).build();
        let batches = batches.map_err(LakeError::parquet(format!("read {}", file.path)))?;
        Ok(OpenRows { number, period: file.period, path: file.path, rows: rows.into(), batches, told })
    }
}

/// The row groups that have some of these ascending rows of a file, and which of the rows of these row groups they are.
fn within_groups(rows: &[u64], metadata: &ParquetMetaData) -> (Vec<usize>, RowSelection) {
    let (mut groups, mut ranges) = (Vec::new(), Vec::<Range<usize>>::new());
    let (mut rows, mut first, mut before) = (rows, 0, 0);
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let count = u64::try_from(group.num_rows()).unwrap_or_default();
        let (own, later) = rows.split_at(rows.partition_point(|row| *row < first + count));
        if !own.is_empty() {
            for row in own.iter().map(|row| before + in_memory(row - first)) {
                match ranges.last_mut() {
                    Some(last) if last.end == row => last.end += 1,
                    _ => ranges.push(row..row + 1),
                }
            }
            groups.push(index);
            before += in_memory(count);
        }
        (rows, first) = (later, first + count);
    }
    (groups, RowSelection::from_consecutive_ranges(ranges.into_iter(), before))
}

/// A row number as Parquet counts rows.
fn in_memory(row: u64) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}
