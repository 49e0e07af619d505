//! Which rows of a file a filter asks for: found row group by row group, as far as they are wanted, and remembered, because
//! the pages of a walk ask the same again and again of files that never change.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use futures::TryStreamExt;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection, RowSelector};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::prune::may_match;
use crate::rows::RowFilter;
use crate::scan::FileAccess;
use crate::table::Snapshot;
use crate::told::Told;

/// So many row groups are judged by their dictionaries at a time: reading few at once costs what reading one costs, and a
/// page is often full before the next ones are needed.
const GROUPS_AT_A_TIME: usize = 16;
/// Most memory that remembered rows take.
const KNOWN_MEMORY_BYTES_MAX: u64 = 64 << 20;
/// About how many row groups fit.
const GROUPS_EXPECTED: usize = 10_000;

/// Rows that filters were found to ask for.
#[derive(Debug, Clone)]
pub(crate) struct KnownRows(Arc<Cache<Place, Arc<Looked>, LookedWeight>>);

/// A filter at a row group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    path: String,
    group: usize,
    filter: [u8; 32],
}

/// What is known of a row group. Its rows are counted from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Looked {
    /// Rows before this one were looked at.
    until: usize,
    /// Those of them that are asked for, ascending and apart from each other.
    asked: Vec<Range<usize>>,
}

#[derive(Debug, Clone)]
struct LookedWeight;

impl Weighter<Place, Arc<Looked>> for LookedWeight {
    fn weight(&self, place: &Place, looked: &Arc<Looked>) -> u64 {
        let ranges = size_of_val(looked.asked.as_slice());
        (size_of::<Place>() + place.path.len() + size_of::<Looked>() + ranges) as u64
    }
}

impl KnownRows {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::with_weighter(GROUPS_EXPECTED, KNOWN_MEMORY_BYTES_MAX, LookedWeight)))
    }
}

impl Looked {
    /// Takes what a filter says of the next rows.
    fn take(&mut self, asked: &BooleanArray) {
        for (start, end) in asked.values().set_slices() {
            let (start, end) = (self.until + start, self.until + end);
            match self.asked.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => self.asked.push(start..end),
            }
        }
        self.until += asked.len();
    }

    /// The rows that are asked for, from one on.
    fn rows_from(&self, start: usize) -> impl Iterator<Item = usize> {
        let first = self.asked.partition_point(|range| range.end <= start);
        self.asked[first..].iter().flat_map(move |range| range.start.max(start)..range.end)
    }

    /// Whether so many rows from one on are known.
    fn has(&self, start: usize, count: usize) -> bool {
        self.rows_from(start).take(count).count() == count
    }
}

/// Numbers of the first `count` rows of a file that are asked for, from `start` on.
pub(crate) async fn rows_from(
    snapshot: &Snapshot,
    file: &LakeFile,
    filter: &RowFilter,
    start: u64,
    count: usize,
) -> Result<Vec<u64>, LakeError> {
    if filter.matches_all(file) {
        return Ok((start..file.rows).take(count).collect());
    }
    let access = FileAccess::of(snapshot);
    let metadata = access.metadata(file).await?;
    let filter_name = Sha256::digest(format!("{filter:?}")).into();
    let search = Search { access, file, filter, filter_name, metadata, known: &snapshot.known_rows };
    let mut rows = Vec::new();
    for some in search.groups_from(start).chunks(GROUPS_AT_A_TIME) {
        for (group, looked) in some.iter().zip(search.judged(some).await?) {
            let from = usize::try_from(start.saturating_sub(group.first)).unwrap_or(usize::MAX);
            let missing = count - rows.len();
            let looked = search.looked(group, looked, from, missing).await?;
            rows.extend(looked.rows_from(from).take(missing).map(|row| group.first + row as u64));
            if rows.len() == count {
                return Ok(rows);
            }
        }
    }
    Ok(rows)
}

struct Search<'a> {
    access: FileAccess,
    file: &'a LakeFile,
    filter: &'a RowFilter,
    filter_name: [u8; 32],
    metadata: ArrowReaderMetadata,
    known: &'a KnownRows,
}

struct Group {
    number: usize,
    /// Number in the file of its first row.
    first: u64,
    rows: usize,
}

impl Search<'_> {
    /// The row groups that reach beyond a row.
    fn groups_from(&self, start: u64) -> Vec<Group> {
        let mut first = 0;
        let mut groups = Vec::new();
        for (number, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            let end = first + rows as u64;
            if end > start {
                groups.push(Group { number, first, rows });
            }
            first = end;
        }
        groups
    }

    /// What is known of row groups without looking at rows: what is remembered, and that some have no row that is asked for.
    async fn judged(&self, groups: &[Group]) -> Result<Vec<Arc<Looked>>, LakeError> {
        let mut looked: Vec<_> = groups.iter().map(|group| self.known.0.get(&self.place(group))).collect();
        let required = self.filter.required();
        let is_new = |index: &usize| looked[*index].is_none();
        let new: Vec<usize> = (0..groups.len()).filter(is_new).collect();
        if !required.is_empty() && !new.is_empty() {
            let numbers: Vec<usize> = new.iter().map(|index| groups[*index].number).collect();
            let mut reader = self.access.reader(self.file);
            let kept = may_match(&mut reader, self.metadata.metadata(), &numbers, &required).await;
            for (index, kept) in new.into_iter().zip(kept.map_err(self.failed())?) {
                if !kept {
                    let nothing = Arc::new(Looked { until: groups[index].rows, asked: Vec::new() });
                    self.known.0.insert(self.place(&groups[index]), nothing.clone());
                    looked[index] = Some(nothing);
                }
            }
        }
        Ok(looked.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Looks at rows of a group until so many from one on are known to be asked for, or all were looked at.
    async fn looked(
        &self,
        group: &Group,
        looked: Arc<Looked>,
        from: usize,
        count: usize,
    ) -> Result<Arc<Looked>, LakeError> {
        if looked.until >= group.rows || looked.has(from, count) {
            return Ok(looked);
        }
        let mut looked = Looked::clone(&looked);
        let columns = self.filter.columns();
        let told = Told::of(&self.metadata, &[group.number], &columns);
        let mask = |batch: &RecordBatch| self.filter.mask(batch).ok_or_else(|| self.filter.unusable(self.file));
        let doing = || LakeError::arrow(format!("read {}", self.file.path));
        let rest = group.rows - looked.until;
        if told.others(&columns).next().is_none() {
            looked.take(&mask(&told.rows(rest).map_err(doing())?)?);
        } else {
            let rest = [RowSelector::skip(looked.until), RowSelector::select(rest)];
            let batches = self
                .access
                .rows(self.file, &self.metadata, told.others(&columns))
                .with_row_groups(vec![group.number])
                .with_row_selection(RowSelection::from(rest.to_vec()))
                .build();
            let mut batches = batches.map_err(self.failed())?;
            while !looked.has(from, count) {
                let Some(batch) = batches.try_next().await.map_err(self.failed())? else { break };
                looked.take(&mask(&told.add_to(batch).map_err(doing())?)?);
            }
        }
        let looked = Arc::new(looked);
        self.known.0.insert(self.place(group), looked.clone());
        Ok(looked)
    }

    fn place(&self, group: &Group) -> Place {
        Place { path: self.file.path.clone(), group: group.number, filter: self.filter_name }
    }

    fn failed(&self) -> impl FnOnce(parquet::errors::ParquetError) -> LakeError {
        LakeError::parquet(format!("read {}", self.file.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_rows_adds_up() {
        let mut looked = Looked::default();
        looked.take(&BooleanArray::from(vec![false, true, true]));
        looked.take(&BooleanArray::from(vec![true, false, false, true]));
        looked.take(&BooleanArray::from(Vec::<bool>::new()));
        assert_eq!(looked, Looked { until: 7, asked: vec![1..4, 6..7] });
        let from = |start| looked.rows_from(start).collect::<Vec<_>>();
        assert_eq!(from(0), [1, 2, 3, 6]);
        assert_eq!(from(3), [3, 6]);
        assert_eq!(from(4), [6]);
        assert!(from(7).is_empty());
        assert!(looked.has(2, 3) && !looked.has(2, 4) && looked.has(9, 0));
    }
}
