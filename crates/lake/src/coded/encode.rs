//! Encoding sorted rows on all threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use formats::{CellTable, CodedRows};

use super::chunk::PageCompressor;
use super::group::{EncodedGroup, GroupFormat, encode_group};
use super::order::{in_source_order, sorted};
use super::unify::Unified;
use crate::error::LakeError;
use crate::write::ROW_GROUP_ROWS;

/// Most bytes of text in a row group, each row's counted: what readers hold of it in memory.
const ROW_GROUP_TEXT_MAX: usize = 256 << 20;
/// Width of the numbers that rows are sorted by.
const SORT_BITS: u32 = 128;

/// The row groups of one billing period.
#[derive(Debug)]
pub(crate) struct EncodedPeriod {
    pub(crate) period: i32,
    pub(crate) groups: Vec<EncodedGroup>,
}

/// Sorts rows and encodes them, period by period.
pub(crate) fn encode_rows<'r>(
    tables: &'r [CellTable],
    rows: impl Iterator<Item = &'r CodedRows>,
    format: &GroupFormat,
    threads: usize,
) -> Result<Vec<EncodedPeriod>, LakeError> {
    let rows = in_source_order(rows);
    let unified = Unified::new(tables, &rows);
    let periods = sorted(&unified, SORT_BITS);
    let mut tasks = Vec::new();
    for period in &periods {
        tasks.extend(row_groups(&unified, &period.rows).into_iter().map(|rows| (period.period, rows)));
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<EncodedGroup, LakeError>)>> = Mutex::new(Vec::with_capacity(tasks.len()));
    let work = || {
        let mut compressor = match PageCompressor::new() {
            Ok(compressor) => compressor,
            Err(error) => {
                let error = LakeError::parquet("encode charges")(error);
                done.lock().expect("no thread panics while it holds the lock").push((0, Err(error)));
                return;
            }
        };
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            let Some((_, rows)) = tasks.get(task) else { return };
            let encoded = encode_group(&unified, rows, format, &mut compressor);
            done.lock().expect("no thread panics while it holds the lock").push((task, encoded));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(tasks.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().expect("no thread panics while it holds the lock");
    done.sort_by_key(|(task, _)| *task);
    let mut encoded: Vec<EncodedPeriod> = Vec::new();
    for ((_, group), (period, _)) in done.into_iter().zip(&tasks) {
        let group = group?;
        match encoded.last_mut() {
            Some(last) if last.period == *period => last.groups.push(group),
            _ => encoded.push(EncodedPeriod { period: *period, groups: vec![group] }),
        }
    }
    Ok(encoded)
}

/// Cuts rows into row groups. Wide rows make shorter ones; whether there can be any is seen without looking at rows.
fn row_groups<'s>(unified: &Unified<'_>, rows: &'s [(u32, u32)]) -> Vec<&'s [(u32, u32)]> {
    let sizes = unified.text_sizes();
    let greatest: usize = sizes.iter().map(|sizes| sizes.iter().copied().max().unwrap_or_default()).sum();
    if greatest <= ROW_GROUP_TEXT_MAX / ROW_GROUP_ROWS {
        return rows.chunks(ROW_GROUP_ROWS).collect();
    }
    let mut contents = vec![0; sizes.len()];
    let (mut groups, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, (block, row)) in rows.iter().enumerate() {
        unified.contents(*block as usize, *row as usize, &mut contents);
        let size: usize = sizes.iter().zip(&contents).map(|(sizes, content)| sizes[*content as usize]).sum();
        if index - start == ROW_GROUP_ROWS || (index > start && bytes + size > ROW_GROUP_TEXT_MAX) {
            groups.push(&rows[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < rows.len() {
        groups.push(&rows[start..]);
    }
    groups
}
