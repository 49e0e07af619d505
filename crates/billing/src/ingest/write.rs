//! Writing the accepted records of a batch: reading, judging and writing go on beside each other, each on a thread of its
//! own, with few batches waiting between them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::RecordBatch;
use calendar::BillingPeriod;
use formats::native::{UsageBatch, UsageBatchBuilder, UsageLines};
use imports::{RefusedRecord, Store};
use lake::{LakeError, UsageFile, UsageTarget, UsageWriter};
use tokio::runtime::Handle;

use super::IngestOptions;
use super::record::{RecordJudge, refused};
use crate::error::BillingError;
use crate::known::Known;
use crate::mixed::MixCheck;
use crate::usage_input::UsageInput;

/// Batches that may wait for judging, and for writing.
const WAITING_MAX: usize = 2;
/// Refused records that are told one by one; the others are counted.
const REFUSALS_MAX: usize = 1000;

/// The files of a batch that is not appended yet.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) files: Vec<UsageFile>,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) refusals: Vec<RefusedRecord>,
}

/// Accepted records of one billing period.
type Accepted = (BillingPeriod, RecordBatch);

/// Judges all records and writes the accepted ones.
///
/// # Errors
/// [`BillingError::RecordsRefused`] where refusals are not wanted, and [`BillingError`] for damaged input; no file is
/// left then.
pub(super) async fn write(
    store: &Store,
    known: &Known,
    check: MixCheck<'_>,
    input: &UsageInput,
    options: &IngestOptions,
) -> Result<Written, BillingError> {
    let runtime = Handle::current();
    let target = UsageTarget { enrollment: known.number.clone(), file_id: uuid::Uuid::now_v7() };
    let writer = store.usage().writer(target);
    let judge = RecordJudge::new(known, check, options, &runtime)?;
    let (files, written) = tokio::task::block_in_place(|| {
        let (mut writer, written) = side_by_side(input, judge, writer, &runtime)?;
        let written = written.and_then(|written| {
            refuse_where_strict(&written, input, options)?;
            writer.finish()?;
            Ok(written)
        });
        Ok::<_, BillingError>((writer.into_files(), written))
    })?;
    match written {
        Ok(written) => Ok(Written { files, ..written }),
        Err(error) => {
            store.usage().discard(&files).await;
            Err(error)
        }
    }
}

fn refuse_where_strict(written: &Written, input: &UsageInput, options: &IngestOptions) -> Result<(), BillingError> {
    if !options.is_strict || written.refused == 0 {
        return Ok(());
    }
    Err(BillingError::RecordsRefused {
        file: input.name().to_owned(),
        refused: written.refused,
        records: written.refused + written.accepted,
        first: written.refusals.first().map(told).unwrap_or_default(),
        refusals: written.refusals.clone(),
    })
}

/// Reads, judges and writes. Gives the writer back, whose files are not finished, whatever became of the records.
fn side_by_side(
    input: &UsageInput,
    judge: RecordJudge<'_>,
    writer: UsageWriter,
    runtime: &Handle,
) -> Result<(UsageWriter, Result<Written, BillingError>), BillingError> {
    std::thread::scope(|scope| {
        let (read, batches) = sync_channel(WAITING_MAX);
        let (full, accepted) = sync_channel(WAITING_MAX);
        let reading = scope.spawn(move || read_all(input, &read));
        let writing = scope.spawn(move || {
            let _inside = runtime.enter();
            write_all(writer, accepted)
        });
        // Whoever fails hangs up, and the others end.
        let judged = judge_all(batches, judge, full);
        let panicked = |_| BillingError::Worker { reason: "a thread that took usage panicked".to_owned() };
        let reading = reading.join().map_err(panicked);
        let (writer, writing) = writing.join().map_err(panicked)?;
        let done = judged.and_then(|written| {
            reading??;
            writing?;
            Ok(written)
        });
        Ok((writer, done))
    })
}

fn read_all(input: &UsageInput, to: &SyncSender<UsageBatch>) -> Result<(), BillingError> {
    for batch in input.reader()? {
        if to.send(batch?).is_err() {
            break;
        }
    }
    Ok(())
}

fn judge_all(
    from: Receiver<UsageBatch>,
    mut judge: RecordJudge<'_>,
    to: SyncSender<Accepted>,
) -> Result<Written, BillingError> {
    let mut written = Written::default();
    let mut lines = UsageLines::default();
    let mut builder = UsageBatchBuilder::new();
    for mut batch in from {
        lines.take(&mut batch);
        for record in batch.records {
            let refusal = match record {
                Ok(record) => judge.record(&record, lines.get(record.line), &mut builder)?,
                Err(refusal) => Some(refused(&refusal)),
            };
            match refusal {
                None => written.accepted += 1,
                Some(refusal) => {
                    written.refused += 1;
                    if written.refusals.len() < REFUSALS_MAX {
                        written.refusals.push(refusal);
                    }
                }
            }
            while let Some(accepted) = builder.take_full() {
                if to.send(accepted).is_err() {
                    return Ok(written);
                }
            }
        }
    }
    for accepted in builder.finish() {
        if to.send(accepted).is_err() {
            break;
        }
    }
    Ok(written)
}

fn write_all(mut writer: UsageWriter, from: Receiver<Accepted>) -> (UsageWriter, Result<(), LakeError>) {
    for (period, records) in from {
        if let Err(error) = writer.write(period, &records) {
            return (writer, Err(error));
        }
    }
    (writer, Ok(()))
}

fn told(refusal: &RefusedRecord) -> String {
    let line = refusal.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let field = if refusal.field.is_empty() { String::new() } else { format!(" {}:", refusal.field) };
    format!("record {}{line}:{field} {}", refusal.record, refusal.reason)
}
