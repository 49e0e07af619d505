//! Lines by number: a line is handed on once and then named by its number, so that records stay small and cheap to pass
//! from thread to thread.

use std::collections::HashMap;
use std::sync::Arc;

use ledger::billing::UsageLine;

use super::UsageRecord;
use super::fact::UsageFact;
use super::reader::UsageBatch;
use crate::native::error::RecordRefusal;

/// Most lines that a reader remembers, to give records that say the same the same line; then all are forgotten.
/// Few in tests, so that they see it happen.
pub(crate) const LINES_MAX: usize = if cfg!(test) { 1 << 13 } else { 1 << 19 };
/// Most bytes of texts that are remembered from batch to batch; then all are forgotten. Few in tests too.
pub(super) const TEXT_BYTES_MAX: usize = if cfg!(test) { 1 << 20 } else { 256 << 20 };

/// Names a line among those of one reader, until the reader forgets them: see [`UsageLines::take`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineNumber(u32);

impl LineNumber {
    /// The position in tables by line, from 0; numbers are dense.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The lines of a reader's batches, for whoever takes the batches.
#[derive(Debug, Default)]
pub struct UsageLines {
    lines: Vec<Arc<UsageLine>>,
}

impl UsageLines {
    /// Takes the lines that come up in a batch. To be called with every batch of one reader, in order, before its records
    /// are looked at. Where the reader has forgotten its lines, numbers begin anew: what is remembered by number holds
    /// only for the same [`Arc`].
    pub fn take(&mut self, batch: &mut UsageBatch) {
        if batch.first_line == 0 {
            self.lines.clear();
        }
        assert_eq!(self.lines.len(), batch.first_line, "batches of one reader are taken in order");
        self.lines.append(&mut batch.lines);
    }

    /// The line of a record of the batches taken so far.
    pub fn get(&self, number: LineNumber) -> &Arc<UsageLine> {
        &self.lines[number.index()]
    }
}

/// Gives lines their numbers. `K` is what tells lines apart.
#[derive(Debug)]
pub(super) struct Numbered<K> {
    numbers: HashMap<K, LineNumber, ahash::RandomState>,
    /// What the lines say, in bytes.
    bytes: usize,
    new: Vec<Arc<UsageLine>>,
}

impl<K> Default for Numbered<K> {
    fn default() -> Self {
        Self { numbers: HashMap::default(), bytes: 0, new: Vec::new() }
    }
}

impl<K: std::hash::Hash + Eq> Numbered<K> {
    /// Forgets all lines where there are many. Only between batches.
    pub(super) fn forget_many(&mut self) -> bool {
        let many = self.numbers.len() >= LINES_MAX || self.bytes >= TEXT_BYTES_MAX;
        if many {
            self.forget();
        }
        many
    }

    pub(super) fn forget(&mut self) {
        self.numbers.clear();
        self.bytes = 0;
    }

    pub(super) fn known(&self, key: &K) -> Option<LineNumber> {
        self.numbers.get(key).copied()
    }

    pub(super) fn add(&mut self, key: K, line: Arc<UsageLine>) -> LineNumber {
        let number = LineNumber(u32::try_from(self.numbers.len()).expect("lines are forgotten long before 2^32"));
        self.bytes += UsageFact::ALL.iter().filter_map(|fact| fact.of(&line)).map(str::len).sum::<usize>();
        self.numbers.insert(key, number);
        self.new.push(line);
        number
    }

    /// A batch with the lines that are new in it.
    pub(super) fn batch(&mut self, records: Vec<Result<UsageRecord, RecordRefusal>>) -> UsageBatch {
        let lines = std::mem::take(&mut self.new);
        UsageBatch { first_line: self.numbers.len() - lines.len(), lines, records }
    }
}

/// Lines by what they say.
pub(super) type Lines = Numbered<Arc<UsageLine>>;

impl Lines {
    pub(super) fn number(&mut self, line: UsageLine) -> LineNumber {
        match self.numbers.get(&line) {
            Some(number) => *number,
            None => {
                let line = Arc::new(line);
                self.add(Arc::clone(&line), line)
            }
        }
    }
}
