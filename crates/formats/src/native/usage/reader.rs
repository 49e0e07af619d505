//! Reading usage from files and requests, in batches of bounded size.

use std::io::Read;
use std::sync::Arc;

use ::parquet::file::reader::ChunkReader;
use calendar::Date;
use ledger::billing::{Instant, UsageLine};

use super::csv::CsvSource;
use super::fact::UsageFact;
use super::lines::UsageLines;
use super::ndjson::NdjsonSource;
use super::parquet::ParquetSource;
use super::{UsageOrigin, UsageRecord};
use crate::native::error::{Fault, NativeError, RecordRefusal};
use crate::native::values;

/// Most records of a batch.
pub(super) const BATCH_RECORDS_MAX: usize = 8 << 10;
/// A batch ends with the record that makes it this large, in bytes of its source.
pub(super) const BATCH_BYTES_MAX: usize = 16 << 20;

/// The columns that are no facts.
pub(super) const DATE: &str = "date";
pub(super) const TIME: &str = "time";
pub(super) const QUANTITY: &str = "quantity";
pub(super) const RECEIVED_AT: &str = "receivedAt";

/// Records that were read together.
#[derive(Debug)]
pub struct UsageBatch {
    /// Number of the first of `lines`.
    pub(super) first_line: usize,
    /// Lines that no batch before had, for [`UsageLines::take`].
    pub(super) lines: Vec<Arc<UsageLine>>,
    /// The records, refused ones among them, in their order.
    pub records: Vec<Result<UsageRecord, RecordRefusal>>,
}

/// Gives batches until the source ends.
pub(super) trait UsageSource: Send {
    fn next_batch(&mut self) -> Result<Option<UsageBatch>, NativeError>;
}

/// Reads usage. It is an iterator of batches and ends after the first error; an error means that the source as a whole
/// is damaged, and nothing of it should be kept.
pub struct UsageReader {
    source: Box<dyn UsageSource>,
    ended: bool,
}

impl std::fmt::Debug for UsageReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsageReader").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl UsageReader {
    /// Reads one JSON object per line; blank lines are skipped. `file` names the source in errors.
    pub fn ndjson(file: &str, input: impl Read + Send + 'static, origin: UsageOrigin) -> Self {
        Self { source: Box::new(NdjsonSource::new(file, Box::new(input), origin)), ended: false }
    }

    /// Reads CSV with a header of the members' names, case, blanks and underscores aside. Blank cells are absent.
    ///
    /// # Errors
    /// [`NativeError`] for a header that lacks a column or has an unknown one.
    pub fn csv(file: &str, input: impl Read + Send + 'static, origin: UsageOrigin) -> Result<Self, NativeError> {
        Ok(Self { source: Box::new(CsvSource::open(file, Box::new(input), origin)?), ended: false })
    }

    /// Reads Parquet with columns of the members' names, case, blanks and underscores aside. Nulls and blank texts are
    /// absent.
    ///
    /// # Errors
    /// [`NativeError`] for damage, for columns that are missing, unknown or have a wrong type (`DOUBLE` quantities).
    pub fn parquet(file: &str, input: impl ChunkReader + 'static, origin: UsageOrigin) -> Result<Self, NativeError> {
        Ok(Self { source: Box::new(ParquetSource::open(file, input, origin)?), ended: false })
    }
}

impl UsageReader {
    /// Calls `each` with every record and its line, in order, and gives the first error of either.
    ///
    /// # Errors
    /// Damage of the source, and what `each` gives.
    pub fn for_each<E: From<NativeError>>(
        self,
        mut each: impl FnMut(Result<UsageRecord, RecordRefusal>, &UsageLines) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut lines = UsageLines::default();
        for batch in self {
            let mut batch = batch?;
            lines.take(&mut batch);
            batch.records.into_iter().try_for_each(|record| each(record, &lines))?;
        }
        Ok(())
    }
}

impl Iterator for UsageReader {
    type Item = Result<UsageBatch, NativeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let batch = self.source.next_batch().transpose();
        self.ended = !matches!(batch, Some(Ok(_)));
        batch
    }
}

/// The names of all columns, normalised.
pub(crate) fn usage_columns() -> impl Iterator<Item = String> {
    let others = [DATE, TIME, QUANTITY, RECEIVED_AT];
    UsageFact::ALL.iter().map(|fact| fact.name()).chain(others).map(str::to_ascii_lowercase)
}

/// When usage was: a day, or a day and an hour. Exactly one of both is stated.
pub(super) fn when(date: Option<Date>, time: Option<(Date, u8)>) -> Result<(Date, Option<u8>), Fault> {
    match (date, time) {
        (Some(day), None) => Ok((day, None)),
        (None, Some((day, hour))) => Ok((day, Some(hour))),
        (Some(_), Some(_)) => {
            Err(Fault::plain(TIME, "date is there too; expected date for daily usage or time for hourly"))
        }
        (None, None) => Err(Fault::plain(DATE, "date and time are missing; expected one of them")),
    }
}

/// Refuses an arrival before the usage, and arrivals in requests.
pub(super) fn check_received(
    received_at: Option<Instant>,
    (day, hour): (Date, Option<u8>),
    origin: UsageOrigin,
) -> Result<(), Fault> {
    let Some(received_at) = received_at else { return Ok(()) };
    if origin == UsageOrigin::Request {
        return Err(Fault::plain(RECEIVED_AT, "only files say when usage was received; expected no such member"));
    }
    let begin = values::begin(day, hour);
    if received_at < begin {
        return Err(Fault::plain(
            RECEIVED_AT,
            format!("the usage of {day} was not yet there; expected a later instant"),
        ));
    }
    Ok(())
}
