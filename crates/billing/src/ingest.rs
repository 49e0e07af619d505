//! Taking batches of usage: each record is judged, the accepted ones are appended in one commit.

mod record;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as BlockingMutex};

use catalog::UsageBatch;
use imports::{RefusedRecord, Store, TakenBatch, UsageDone, UsageRecordNote};
use lake::{LakeError, UsageAppend, UsageSnapshot, crash_point};
use ledger::EnrollmentId;
use ledger::billing::Instant;
use tokio::sync::Mutex;

use crate::error::BillingError;
use crate::known::Known;
use crate::mixed::{MixCheck, Remembered};
use crate::usage_input::UsageInput;
use write::{Written, write};

/// How often a batch is judged again because something else was committed first.
const ATTEMPTS_MAX: usize = 20;
/// Longest id of a batch.
const BATCH_ID_BYTES_MAX: usize = 128;

/// What is remembered between batches of one process, so that many small ones stay cheap. Cheap to clone; clones share
/// what they remember.
#[derive(Debug, Clone, Default)]
pub struct UsageChecks {
    remembered: Arc<BlockingMutex<HashMap<EnrollmentId, Arc<Mutex<Remembered>>>>>,
}

impl UsageChecks {
    fn of(&self, enrollment: &EnrollmentId) -> Arc<Mutex<Remembered>> {
        let mut all = self.remembered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.entry(enrollment.clone()).or_default().clone()
    }
}

/// How a batch is taken.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// When it was received; records of files may state instants of their own.
    pub received_at: Instant,
    /// Take nothing if a record is refused.
    pub is_strict: bool,
    /// Who sends it.
    pub actor: String,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// Whose usage.
    pub enrollment: EnrollmentId,
    /// Its id.
    pub batch: String,
    /// The version of the usage table that holds it.
    pub version: u64,
    /// Whether it had been taken before, with the same content: nothing was changed.
    pub is_unchanged: bool,
    /// How many records were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub refused: u64,
    /// The first of the refused ones.
    pub refusals: Vec<RefusedRecord>,
}

/// Takes a batch of usage. `batch` is the client's id of it; `None`: its content. A batch that was taken before is not
/// taken again.
///
/// Records are refused one by one, with a reason: of a subscription that the enrollment does not know, in a period that is
/// closed or before the enrollment's first, and where hourly and daily usage would mix for a benefit (D-39). A meter
/// without price is no reason: the bill holds such usage back (D-07).
///
/// # Errors
/// [`BillingError::BatchChanged`] for an id that was taken with other content, [`BillingError::RecordsRefused`] where
/// refusals are not wanted, and [`BillingError`] for an unknown enrollment and damaged input. Nothing has changed then.
pub async fn ingest(
    store: &Store,
    checks: &UsageChecks,
    enrollment: &EnrollmentId,
    batch: Option<&str>,
    input: &UsageInput,
    options: &IngestOptions,
) -> Result<Ingested, BillingError> {
    let content = tokio::task::block_in_place(|| input.content())?;
    let batch = batch.unwrap_or(&content);
    check_batch_id(batch)?;
    let remembered = checks.of(enrollment);
    // Batches of one enrollment are judged one after the other: each one's judgement rests on those before.
    let mut remembered = remembered.lock().await;
    for _ in 0..ATTEMPTS_MAX {
        store.heal().await?;
        if let Some(held) = store.catalog().usage_batch(enrollment, batch).await? {
            return again(held, &content);
        }
        let snapshot = store.usage().snapshot().await?;
        if snapshot.version() != store.catalog().usage_progress().await? {
            continue;
        }
        let known = Known::load(store, enrollment, None).await?;
        let check = MixCheck::new(store, &known, &snapshot, &mut remembered);
        let written = write(store, &known, check, input, options).await?;
        crash_point("usage-files-written");
        if let Some(ingested) = append(store, &known, snapshot, written, (batch, &content), options).await? {
            return Ok(ingested);
        }
    }
    Err(BillingError::Busy { enrollment: enrollment.clone() })
}

fn check_batch_id(batch: &str) -> Result<(), BillingError> {
    let fits = (1..=BATCH_ID_BYTES_MAX).contains(&batch.len()) && batch.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(()) } else { Err(BillingError::BatchId { batch: batch.chars().take(80).collect() }) }
}

/// The answer to a batch that was taken before.
fn again(held: UsageBatch, content: &str) -> Result<Ingested, BillingError> {
    if held.content != content {
        return Err(BillingError::BatchChanged {
            enrollment: held.enrollment,
            batch: held.batch,
            held: held.content,
            given: content.to_owned(),
        });
    }
    let note = serde_json::from_str(&held.record).ok().and_then(|json| UsageRecordNote::read(held.version, &json).ok());
    let refusals = match note.map(|note| note.done) {
        Some(UsageDone::Batch(taken)) => taken.refusals,
        _ => Vec::new(),
    };
    Ok(Ingested {
        enrollment: held.enrollment,
        batch: held.batch,
        version: held.version,
        is_unchanged: true,
        accepted: held.accepted,
        refused: held.refused,
        refusals,
    })
}

/// Appends a batch; `None`: something that it was judged by has changed, so it must be judged again.
async fn append(
    store: &Store,
    known: &Known,
    mut base: UsageSnapshot,
    written: Written,
    (batch, content): (&str, &str),
    options: &IngestOptions,
) -> Result<Option<Ingested>, BillingError> {
    let taken = TakenBatch {
        id: batch.to_owned(),
        content: content.to_owned(),
        received_at: options.received_at.0,
        accepted: written.accepted,
        refused: written.refused,
        refusals: written.refusals.clone(),
    };
    let note = UsageRecordNote::new(known.number.clone(), options.actor.clone(), UsageDone::Batch(taken)).to_json();
    let application = format!("{}/{batch}", known.number.as_str().to_ascii_lowercase());
    for _ in 0..ATTEMPTS_MAX {
        let (application, note) = (application.clone(), note.clone());
        let append = UsageAppend { application, files: written.files.clone(), note };
        match store.usage().append(&base, append).await {
            Ok(version) => {
                if let Err(error) = store.take_over_usage().await {
                    tracing::warn!(%error, "the batch is committed; the catalog takes it over later");
                }
                return Ok(Some(Ingested {
                    enrollment: known.number.clone(),
                    batch: batch.to_owned(),
                    version,
                    is_unchanged: false,
                    accepted: written.accepted,
                    refused: written.refused,
                    refusals: written.refusals,
                }));
            }
            Err(LakeError::Conflict { .. }) => match others_only(store, known, &base).await? {
                Some(newer) => base = newer,
                None => {
                    store.usage().discard(&written.files).await;
                    return Ok(None);
                }
            },
            // The commit may have landed all the same: the log tells.
            Err(error) => {
                let landed = landed(store, &base, known, batch).await;
                return match landed {
                    Ok(true) => Ok(None),
                    Ok(false) => {
                        store.usage().discard(&written.files).await;
                        Err(error.into())
                    }
                    Err(_) => Err(error.into()),
                };
            }
        }
    }
    store.usage().discard(&written.files).await;
    Err(BillingError::Busy { enrollment: known.number.clone() })
}

/// A newer version to append to, if everything since `base` is about other enrollments.
async fn others_only(
    store: &Store,
    known: &Known,
    base: &UsageSnapshot,
) -> Result<Option<UsageSnapshot>, BillingError> {
    let newer = store.usage().snapshot().await?;
    for commit in store.usage().notes_after(base.version()).await? {
        let Some(note) = &commit.note else { continue };
        if UsageRecordNote::read(commit.version, note)?.enrollment == known.number {
            return Ok(None);
        }
    }
    Ok(Some(newer))
}

/// Whether a batch was committed after `base`.
async fn landed(store: &Store, base: &UsageSnapshot, known: &Known, batch: &str) -> Result<bool, BillingError> {
    for commit in store.usage().notes_after(base.version()).await? {
        let Some(note) = &commit.note else { continue };
        let own = UsageRecordNote::read(commit.version, note)?;
        if own.enrollment == known.number && matches!(&own.done, UsageDone::Batch(taken) if taken.id == batch) {
            return Ok(true);
        }
    }
    Ok(false)
}
