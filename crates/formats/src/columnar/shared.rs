//! What all readers of Parquet need: one file under several readers, and damage that does not end the program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};

/// Longest message of the Parquet library that is repeated: it may quote the file.
const REASON_CHARS_MAX: usize = 300;

/// A file that many readers share: one per row group, so that no batch spans two of them and dictionaries stay whole.
pub(crate) struct Shared<R>(Arc<R>);

impl<R> Shared<R> {
    pub(crate) fn new(input: R) -> Self {
        Self(Arc::new(input))
    }
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Length> Length for Shared<R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for Shared<R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.0.get_bytes(start, length)
    }
}

/// What the Parquet library says about a file that it cannot read.
pub(crate) fn unreadable(error: &dyn std::fmt::Display) -> String {
    let error: String =
        error.to_string().chars().filter(|letter| !letter.is_control()).take(REASON_CHARS_MAX).collect();
    format!("the Parquet data cannot be read ({error})")
}

/// The reader of Parquet has assertions about sizes that a damaged file breaks: such a file is damaged, not a fault here. The
/// error says so.
pub(crate) fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| "it is damaged: its own sizes contradict each other".to_owned())
}
