//! Writing coded rows ([`formats::CodedRows`]) as sorted Parquet files without turning them into plain rows again.
//!
//! Promises: the files hold the same cells in the same order, pages and statistics as `ArrowWriter` would make them of
//! plain rows; any number of threads gives the same bytes; memory does not grow with the import, because rows beyond a
//! bound are encoded and wait in a working file. Rows that were encoded together are sorted together; a larger import has
//! several sorted files.

mod chunk;
mod encode;
mod extra;
mod files;
mod group;
mod hybrid;
mod leaf;
mod order;
mod stage;
mod unify;

#[cfg(test)]
mod tests;

pub use stage::RowStage;
