//! The rows of a batch, prepared for writing: columns whose cells mostly repeat from row to row are written together.
//!
//! Rows of the lake are sorted, so most texts of a row are those of the row before. Where no cell of a run of neighbouring
//! columns changed, the bytes that were just written are written again, in one piece. Rows come out as if each cell had
//! been written alone.

use super::cells::Cells;

/// Columns are written together as long as they change in at most one row of this many.
const ROWS_PER_CHANGE_MIN: usize = 4;

/// The rows of a batch, ready to be written.
pub struct CsvRows {
    pieces: Vec<Piece>,
    rows: usize,
}

/// Neighbouring columns.
enum Piece {
    /// A column whose cells are written one by one.
    Each(Cells),
    /// Columns that are written together.
    Run(Run),
}

struct Run {
    cells: Vec<Cells>,
    /// The rows in which a cell may be another one than in the row before.
    changed: Vec<bool>,
    changes: usize,
}

impl Run {
    fn of(cells: Cells, rows: usize) -> Self {
        let mut changed = vec![false; rows];
        cells.mark_changes(&mut changed);
        let changes = count(&changed);
        Self { cells: vec![cells], changed, changes }
    }

    fn is_steady(&self) -> bool {
        self.changes * ROWS_PER_CHANGE_MIN <= self.changed.len()
    }

    /// Takes columns in, or gives them back where the two together would change too often.
    fn join(&mut self, other: Self) -> Option<Self> {
        if other.changes == 0 {
            self.cells.extend(other.cells);
            return None;
        }
        let changed: Vec<bool> = self.changed.iter().zip(&other.changed).map(|(own, other)| own | other).collect();
        let changes = count(&changed);
        if changes * ROWS_PER_CHANGE_MIN > changed.len() {
            return Some(other);
        }
        self.cells.extend(other.cells);
        (self.changed, self.changes) = (changed, changes);
        None
    }
}

fn count(changed: &[bool]) -> usize {
    changed.iter().map(|changed| usize::from(*changed)).sum()
}

impl CsvRows {
    /// Prepares the columns of a batch, in the order of the answer.
    pub(super) fn of(columns: Vec<Cells>, rows: usize) -> Self {
        let mut joined: Vec<Cells> = Vec::with_capacity(columns.len());
        for cells in columns {
            let apart = match joined.last_mut() {
                Some(last) => last.join(cells),
                None => Some(cells),
            };
            joined.extend(apart);
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for cells in joined {
            let run = Run::of(cells, rows);
            if !run.is_steady() {
                pieces.extend(run.cells.into_iter().map(Piece::Each));
                continue;
            }
            let apart = match pieces.last_mut() {
                Some(Piece::Run(last)) => last.join(run),
                _ => Some(run),
            };
            pieces.extend(apart.map(Piece::Run));
        }
        Self { pieces, rows }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends all rows, and to `ends` where each of them ends in `out`.
    pub fn write(&self, out: &mut Vec<u8>, ends: &mut Vec<usize>) {
        self.write_some(0, usize::MAX, out, ends);
    }

    /// Appends rows from `first` on, counted from 0, until `out` has at least `bytes_wanted` or there is none left, and to
    /// `ends` where each of them ends in `out`. Gives the number of rows.
    pub fn write_some(&self, first: usize, bytes_wanted: usize, out: &mut Vec<u8>, ends: &mut Vec<usize>) -> usize {
        let mut written: Vec<Vec<u8>> = vec![Vec::new(); self.pieces.len()];
        let mut row = first;
        while row < self.rows && (row == first || out.len() < bytes_wanted) {
            for (piece, written) in self.pieces.iter().zip(&mut written) {
                match piece {
                    Piece::Each(cells) => cells.write(row, out),
                    Piece::Run(run) => {
                        if row == first || run.changed[row] {
                            written.clear();
                            run.cells.iter().for_each(|cells| cells.write(row, written));
                        }
                        out.extend_from_slice(written);
                    }
                }
            }
            ends.push(out.len());
            row += 1;
        }
        row - first
    }
}
