//! Merging sorted runs into one sorted stream.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::row::{OwnedRow, Rows};

use crate::error::LakeError;
use crate::stage::{Pieces, Run, SortKeys, Stage};

/// Most runs merged at once: with the pieces of a run this bounds the memory of a merge.
const FAN_IN_MAX: usize = 32;
/// Rows and bytes of a merged batch.
const MERGED_ROWS_MAX: usize = 8192;
const MERGED_BYTES_MAX: usize = 16 << 20;

/// A sorted stream of staged rows.
pub(crate) struct Merge {
    keys: SortKeys,
    cursors: Vec<Cursor>,
    heap: BinaryHeap<Reverse<Head>>,
    /// Batches that the pending rows lie in; a cursor's current one is at `Cursor::slot`.
    batches: Vec<RecordBatch>,
    pending: Vec<(usize, usize)>,
    pending_bytes: usize,
}

struct Cursor {
    pieces: Pieces,
    rows: Option<Rows>,
    position: usize,
    slot: usize,
    bytes_per_row: usize,
}

/// The next row of a cursor. Keys are unique (source row included), so the cursor needs no say in the order.
struct Head {
    key: OwnedRow,
    cursor: usize,
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for Head {}
impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Merge {
    /// Merges any number of runs; many are merged in rounds through the stage's folder.
    pub(crate) fn of(mut runs: Vec<Run>, stage: &mut Stage) -> Result<Self, LakeError> {
        while runs.len() > FAN_IN_MAX {
            let rest = runs.split_off(FAN_IN_MAX);
            let mut merged = Self::few(std::mem::replace(&mut runs, rest))?;
            let mut file = stage.run_file()?;
            while let Some(batch) = merged.next_batch()? {
                // A merged batch may be wider than a piece should be.
                let half = batch.num_rows().div_ceil(4);
                for start in (0..batch.num_rows()).step_by(half.max(1)) {
                    file.push(&batch.slice(start, half.min(batch.num_rows() - start)))?;
                }
            }
            runs.push(file.finish()?);
        }
        Self::few(runs)
    }

    fn few(runs: Vec<Run>) -> Result<Self, LakeError> {
        let mut merge = Self {
            keys: SortKeys::new()?,
            cursors: Vec::with_capacity(runs.len()),
            heap: BinaryHeap::with_capacity(runs.len()),
            batches: Vec::new(),
            pending: Vec::with_capacity(MERGED_ROWS_MAX),
            pending_bytes: 0,
        };
        for (index, run) in runs.into_iter().enumerate() {
            let pieces = Pieces::of(run)?;
            merge.cursors.push(Cursor { pieces, rows: None, position: 0, slot: 0, bytes_per_row: 0 });
            merge.advance_piece(index)?;
            merge.push_head(index);
        }
        Ok(merge)
    }

    /// Loads the cursor's next piece; without one the cursor has no rows any more.
    fn advance_piece(&mut self, index: usize) -> Result<(), LakeError> {
        let cursor = &mut self.cursors[index];
        cursor.rows = None;
        while let Some(piece) = cursor.pieces.next_piece()? {
            if piece.num_rows() == 0 {
                continue;
            }
            cursor.rows = Some(self.keys.of(&piece)?);
            cursor.position = 0;
            cursor.slot = self.batches.len();
            cursor.bytes_per_row = piece.get_array_memory_size() / piece.num_rows();
            self.batches.push(piece);
            break;
        }
        Ok(())
    }

    fn push_head(&mut self, index: usize) {
        let cursor = &self.cursors[index];
        if let Some(rows) = &cursor.rows {
            self.heap.push(Reverse(Head { key: rows.row(cursor.position).owned(), cursor: index }));
        }
    }

    /// The next rows in order, or `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        while let Some(Reverse(head)) = self.heap.pop() {
            let index = head.cursor;
            self.take_run_of(index)?;
            self.push_head(index);
            if self.pending.len() >= MERGED_ROWS_MAX || self.pending_bytes >= MERGED_BYTES_MAX {
                return self.flush().map(Some);
            }
        }
        if self.pending.is_empty() { Ok(None) } else { self.flush().map(Some) }
    }

    /// Takes the rows of a cursor as long as they come before every other cursor's.
    fn take_run_of(&mut self, index: usize) -> Result<(), LakeError> {
        loop {
            let cursor = &mut self.cursors[index];
            self.pending.push((cursor.slot, cursor.position));
            self.pending_bytes += cursor.bytes_per_row;
            cursor.position += 1;
            let exhausted = cursor.rows.as_ref().is_none_or(|rows| cursor.position == rows.num_rows());
            if exhausted {
                return self.advance_piece(index);
            }
            let full = self.pending.len() >= MERGED_ROWS_MAX || self.pending_bytes >= MERGED_BYTES_MAX;
            let Some(rows) = &cursor.rows else { return Ok(()) };
            let next = rows.row(cursor.position);
            if full || self.heap.peek().is_some_and(|Reverse(other)| other.key.row() < next) {
                return Ok(());
            }
        }
    }

    fn flush(&mut self) -> Result<RecordBatch, LakeError> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let merged = interleave_record_batch(&batches, &self.pending).map_err(LakeError::arrow("merge rows"))?;
        self.pending.clear();
        self.pending_bytes = 0;
        let mut current = Vec::with_capacity(self.cursors.len());
        for cursor in &mut self.cursors {
            if cursor.rows.is_some() {
                current.push(self.batches[cursor.slot].clone());
                cursor.slot = current.len() - 1;
            }
        }
        self.batches = current;
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    use formats::{ChargeReader, ReadOptions, SOURCE_ROW_COLUMN, SourceReader};

    fn batch(rows: &[(u32, u32)]) -> RecordBatch {
        let mut text =
            "BillingAccountId,BillingCurrencyCode,Date,Quantity,CostInBillingCurrency,SubscriptionId,MeterId,\
                        ChargeType,PricingModel\n"
                .to_owned();
        for (subscription, day) in rows {
            text.push_str(&format!("1,USD,09/{:02}/2023,1,1,S{subscription:03},m,Usage,OnDemand\n", day % 30 + 1));
        }
        let source = SourceReader::open("f", text.as_bytes()).unwrap();
        let mut reader = ChargeReader::open("f", source, ReadOptions::default(), None).unwrap();
        reader.next_batch().unwrap().unwrap()
    }

    /// More runs than are merged at once, some in memory and most on disk: nothing is lost and everything is in order.
    #[test]
    fn many_runs_become_one_sorted_stream() {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::new(folder.path().to_owned());
        let mut runs = Vec::new();
        for run in 0..(2 * FAN_IN_MAX as u32 + 7) {
            let rows: Vec<(u32, u32)> = (0..50).map(|row| ((row * 37 + run * 11) % 97, row + run)).collect();
            runs.push(stage.sort(&batch(&rows), run == 0).unwrap());
        }
        let expected = runs.len() * 50;
        let mut merge = Merge::of(runs, &mut stage).unwrap();
        let keys = SortKeys::new().unwrap();
        let (mut rows, mut last) = (0, None::<OwnedRow>);
        while let Some(batch) = merge.next_batch().unwrap() {
            let sorted = keys.of(&batch).unwrap();
            assert!(
                batch
                    .column_by_name(SOURCE_ROW_COLUMN)
                    .unwrap()
                    .as_primitive::<Int64Type>()
                    .values()
                    .iter()
                    .all(|n| *n > 0)
            );
            for row in sorted.iter() {
                assert!(last.as_ref().is_none_or(|last| last.row() <= row));
                last = Some(row.owned());
                rows += 1;
            }
        }
        assert_eq!(rows, expected);
        drop(merge);
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "working files go as they are read");
    }
}
