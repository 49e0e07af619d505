//! Finished pieces of rows: what a part of a row writes is written once for each distinct cell of a batch, and a row is
//! put together by copying.
//!
//! A piece is always made by the plain writer of its part, from the first row that has the cell; so a row that is put
//! together has the bytes that the plain writers give. Adjacent parts that a row shares with the row before it are
//! copied from there as one stretch: rows lie sorted, and neighbours differ in few columns.

use std::collections::HashMap;
use std::hash::Hash;

use arrow::array::Array;

use super::cells::Texts;

/// Most parts of a row: a row's differences from the row before are bits of a word.
pub(super) const PARTS_MAX: usize = 128;
/// Stands for a text that no row before had.
const UNSEEN: u32 = u32::MAX;
/// Beyond this many distinct texts for each row of a batch they are looked up by hash instead of in a table.
const TABLE_TEXTS_PER_ROW_MAX: usize = 64;

/// What one part of a row writes, for all rows of a batch.
#[derive(Clone, Default)]
pub(super) struct Pieces {
    codes: Vec<u32>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Pieces {
    /// One piece for all rows.
    pub(super) fn constant(rows: usize, mut write: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let mut pieces = Self { codes: vec![0; rows], ..Self::default() };
        if rows > 0 {
            pieces.add(0, &mut write);
        }
        pieces
    }

    /// A piece for each distinct key.
    pub(super) fn by_key<K: Eq + Hash>(
        rows: usize,
        key: impl Fn(usize) -> K,
        mut write: impl FnMut(usize, &mut Vec<u8>),
    ) -> Self {
        let mut pieces = Self::with_rows(rows);
        let mut known: HashMap<K, u32> = HashMap::new();
        for row in 0..rows {
            let code = *known.entry(key(row)).or_insert_with(|| pieces.add(row, &mut write));
            pieces.codes.push(code);
        }
        pieces
    }

    /// A piece for each row that differs from the row before.
    pub(super) fn by_runs(
        rows: usize,
        same_as_before: impl Fn(usize) -> bool,
        mut write: impl FnMut(usize, &mut Vec<u8>),
    ) -> Self {
        let mut pieces = Self::with_rows(rows);
        let mut code = 0;
        for row in 0..rows {
            if row == 0 || !same_as_before(row) {
                code = pieces.add(row, &mut write);
            }
            pieces.codes.push(code);
        }
        pieces
    }

    /// A piece for each distinct text.
    pub(super) fn by_text(rows: usize, texts: &Texts, mut write: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let Texts::Coded(coded, values) = texts else { return Self::by_runs(rows, |_| false, write) };
        if values.len() > rows.saturating_mul(TABLE_TEXTS_PER_ROW_MAX) {
            return Self::by_key(rows, |row| coded.key(row), write);
        }
        let mut pieces = Self::with_rows(rows);
        // The last entry stands for unknown cells.
        let mut seen = vec![UNSEEN; values.len() + 1];
        for row in 0..rows {
            let key = coded.key(row).unwrap_or(values.len());
            if seen[key] == UNSEEN {
                seen[key] = pieces.add(row, &mut write);
            }
            pieces.codes.push(seen[key]);
        }
        pieces
    }

    fn with_rows(rows: usize) -> Self {
        Self { codes: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Writes the next piece; batches have fewer than 2^32 rows.
    fn add(&mut self, row: usize, write: &mut impl FnMut(usize, &mut Vec<u8>)) -> u32 {
        write(row, &mut self.bytes);
        self.ends.push(self.bytes.len());
        u32::try_from(self.ends.len() - 1).expect("a batch has fewer than 2^32 rows")
    }

    /// Whether a row has the piece of the row before.
    pub(super) fn same_as_before(&self, row: usize) -> bool {
        self.codes[row] == self.codes[row - 1]
    }

    /// Whether every row has something here.
    pub(super) fn is_never_empty(&self) -> bool {
        let starts = std::iter::once(&0).chain(&self.ends);
        self.ends.iter().zip(starts).all(|(end, start)| start < end)
    }

    fn at(&self, row: usize) -> &[u8] {
        let code = self.codes[row] as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.bytes[start..self.ends[code]]
    }
}

/// Puts rows together from the pieces of their parts.
pub(super) struct Assembly {
    parts: Vec<Pieces>,
    /// For each row, a bit for each part that differs from the row before.
    changed: Vec<u128>,
    /// Where each part of the last row begins in the output, and where the last one ends.
    starts: Vec<usize>,
}

impl Assembly {
    /// At most [`PARTS_MAX`] parts.
    pub(super) fn of(parts: Vec<Pieces>, rows: usize) -> Self {
        assert!(parts.len() <= PARTS_MAX, "a row of {} parts", parts.len());
        let mut changed = vec![0_u128; rows];
        for (index, part) in parts.iter().enumerate() {
            for (row, pair) in part.codes.windows(2).enumerate() {
                changed[row + 1] |= u128::from(pair[0] != pair[1]) << index;
            }
        }
        if let Some(first) = changed.first_mut() {
            *first = u128::MAX;
        }
        let starts = vec![0; parts.len() + 1];
        Self { parts, changed, starts }
    }

    /// Appends a row. Rows are appended in their order, each once, to the same output, of which nothing is taken away.
    pub(super) fn push(&mut self, row: usize, out: &mut Vec<u8>) {
        let changed = self.changed[row];
        let count = self.parts.len();
        let mut index = 0;
        while index < count {
            let same = ((changed >> index).trailing_zeros() as usize).min(count - index);
            if same == 0 {
                self.starts[index] = out.len();
                out.extend_from_slice(self.parts[index].at(row));
                index += 1;
                continue;
            }
            // The stretch ends where the next part of the row before begins.
            let (from, to) = (self.starts[index], self.starts[index + same]);
            let moved = out.len() - from;
            out.extend_from_within(from..to);
            self.starts[index..index + same].iter_mut().for_each(|start| *start += moved);
            index += same;
        }
        self.starts[count] = out.len();
    }
}
