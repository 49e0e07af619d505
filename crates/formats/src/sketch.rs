//! A small sample of a source's rows that tells whether two sources hold mostly the same ones.
//!
//! The rows with the least hashes are kept, so the sample does not depend on order or size, and equal rows of two
//! sources are in both samples or in neither (as far as both samples reach).

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Rows in a sample.
const ROWS_MAX: usize = 512;

/// A sample of rows.
#[derive(Debug, Clone, Default)]
pub struct RowSketch {
    least: BTreeSet<u64>,
}

impl RowSketch {
    pub(crate) fn add(&mut self, row: &[u8]) {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        let hash = hasher.finish();
        if self.least.len() < ROWS_MAX {
            self.least.insert(hash);
        } else if self.least.last().is_some_and(|greatest| hash < *greatest) && self.least.insert(hash) {
            self.least.pop_last();
        }
    }

    /// Whether more than half of the smaller source's distinct rows are in the other one too, judged by the samples.
    pub fn mostly_shared_with(&self, other: &Self) -> bool {
        let (Some(own), Some(others)) = (self.least.last(), other.least.last()) else { return false };
        // Beyond the shorter reach of the two, a full sample says nothing about absence.
        let full = |sketch: &Self| sketch.least.len() == ROWS_MAX;
        let reach = match (full(self), full(other)) {
            (true, true) => *own.min(others),
            (true, false) => *own,
            (false, true) => *others,
            (false, false) => u64::MAX,
        };
        let (a, b) = (self.least.range(..=reach).count(), other.least.range(..=reach).count());
        let shared = self.least.range(..=reach).filter(|hash| other.least.contains(hash)).count();
        2 * shared > a.min(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(rows: impl Iterator<Item = u32>) -> RowSketch {
        let mut sketch = RowSketch::default();
        rows.for_each(|row| sketch.add(&row.to_le_bytes()));
        sketch
    }

    #[test]
    fn snapshots_share_rows_and_parts_do_not() {
        for size in [1, 20, 5_000] {
            let month_to_date = sketch(0..size);
            assert!(month_to_date.mostly_shared_with(&sketch((0..2 * size).rev())), "{size}");
            assert!(!month_to_date.mostly_shared_with(&sketch(size..2 * size)), "{size}");
            assert!(!month_to_date.mostly_shared_with(&sketch(0..0)), "{size}");
        }
    }
}
