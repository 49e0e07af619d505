//! Rows of charges as numbers: what an import holds between reading and writing.
//!
//! Rows of cost files repeat each other: nearly all of a row is told by its resource and its meter. So each distinct stretch
//! of neighbouring cells is split, checked and converted once, by the same code that reads rows one by one, and is a number
//! from then on. Only quantity and cost are read row by row.
//!
//! Promises: the cells, facts and refusals are those of [`crate::RecordReader`] and the row checks, in file order, for
//! any number of threads and any size of blocks. What is not plainly in order is not judged here: such a block is read
//! again record by record.

mod block;
mod blocks;
#[cfg(any(test, fuzzing))]
mod both_ways;
mod facts;
mod index;
mod records;
mod rows;
mod source;
mod spans;
mod table;
mod texts;

#[cfg(test)]
mod tests;

pub use block::BlockReader;
pub use blocks::{BLOCK_BYTES, Block, SourceBlocks};
#[cfg(fuzzing)]
pub use both_ways::check;
pub(crate) use facts::BlockPeriod;
pub use records::{RecordRows, RecordsDone, SourceDigest, SourceForm};
pub use rows::{CodedRows, Numbers};
pub use source::{BlockRows, OpenedSource, RowPlan, SourceRows};
pub use table::{CellColumn, CellSpan, CellTable, CellValues, StoredDecimal};
