//! Taking batches of usage: each record is judged, the accepted ones are appended in one commit.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex as BlockingMutex};

use calendar::BillingPeriod;
use catalog::UsageBatch;
use formats::native::{UsageBatchBuilder, UsageRecord};
use imports::{RefusedRecord, Store, TakenBatch, UsageDone, UsageRecordNote};
use lake::{LakeError, UsageAppend, UsageFile, UsageSnapshot, UsageTarget, crash_point};
use ledger::billing::{Instant, UsageLine, posting_period};
use ledger::{EnrollmentId, SubscriptionId};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::apply::now_ms;
use crate::error::{BillingError, instant_text};
use crate::known::{Known, first_open};
use crate::mixed::{MixCheck, Remembered, is_on_time};
use crate::usage_input::UsageInput;

/// How far an instant may lie ahead: clocks differ.
const AHEAD_MS_MAX: i64 = 5 * 60 * 1000;
/// How often a batch is judged again because something else was committed first.
const ATTEMPTS_MAX: usize = 20;
/// Refused records that are told one by one; the others are counted.
const REFUSALS_MAX: usize = 1000;
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

/// The files of a batch that is not appended yet.
#[derive(Debug, Default)]
struct Written {
    files: Vec<UsageFile>,
    accepted: u64,
    refused: u64,
    refusals: Vec<RefusedRecord>,
}

/// Judges all records and writes the accepted ones.
async fn write(
    store: &Store,
    known: &Known,
    check: MixCheck<'_>,
    input: &UsageInput,
    options: &IngestOptions,
) -> Result<Written, BillingError> {
    let runtime = Handle::current();
    let target = UsageTarget { enrollment: known.number.clone(), file_id: uuid::Uuid::now_v7() };
    let mut judge = RecordJudge::new(known, check, options, &runtime)?;
    let mut written = tokio::task::block_in_place(|| {
        let mut writer = store.usage().writer(target);
        let mut written = Written::default();
        let mut builder = UsageBatchBuilder::new();
        for batch in input.reader()? {
            for record in batch? {
                let judged = match record {
                    Ok(record) => judge.record(&record, &mut builder)?,
                    Err(refusal) => Some(refused(&refusal)),
                };
                match judged {
                    None => written.accepted += 1,
                    Some(refusal) => {
                        written.refused += 1;
                        if written.refusals.len() < REFUSALS_MAX {
                            written.refusals.push(refusal);
                        }
                    }
                }
                while let Some((period, rows)) = builder.take_full() {
                    writer.write(period, &rows)?;
                }
            }
        }
        for (period, rows) in builder.finish() {
            writer.write(period, &rows)?;
        }
        // Nothing is written to the end that will not be kept.
        if !(options.is_strict && written.refused > 0) {
            written.files = writer.finish()?;
        }
        Ok::<_, BillingError>(written)
    })?;
    if options.is_strict && written.refused > 0 {
        let first = written.refusals.first().map(told).unwrap_or_default();
        return Err(BillingError::RecordsRefused {
            file: input.name().to_owned(),
            refused: written.refused,
            records: written.refused + written.accepted,
            first,
            refusals: std::mem::take(&mut written.refusals),
        });
    }
    Ok(written)
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

/// Judges records one by one.
struct RecordJudge<'a> {
    known: &'a Known,
    check: MixCheck<'a>,
    options: &'a IngestOptions,
    runtime: &'a Handle,
    start: BillingPeriod,
    subscriptions: BTreeSet<SubscriptionId>,
    /// Subscriptions as spelled, that were looked up.
    spelled: HashMap<String, bool>,
    /// The line of the last record with a known subscription: neighbours mostly share it.
    last: Option<Arc<UsageLine>>,
}

impl<'a> RecordJudge<'a> {
    fn new(
        known: &'a Known,
        check: MixCheck<'a>,
        options: &'a IngestOptions,
        runtime: &'a Handle,
    ) -> Result<Self, BillingError> {
        let enrollment = &known.stated(None)?.enrollment;
        let subscriptions = enrollment.hierarchy.subscriptions.iter().map(|one| one.id).collect();
        let (start, spelled) = (enrollment.start, HashMap::new());
        Ok(Self { known, check, options, runtime, start, subscriptions, spelled, last: None })
    }

    /// Adds a record to the batch, or says why it is refused.
    fn record(
        &mut self,
        record: &UsageRecord,
        builder: &mut UsageBatchBuilder,
    ) -> Result<Option<RefusedRecord>, BillingError> {
        let refuse = |field: &str, reason: String| {
            Ok(Some(RefusedRecord { record: record.number, line: None, field: field.to_owned(), reason }))
        };
        let spelled = &record.line.subscription_id;
        if !self.knows(&record.line) {
            let number = &self.known.number;
            let reason =
                format!("{spelled} is no subscription of enrollment {number}; expected one of its enrollment document");
            return refuse("subscriptionId", reason);
        }
        let received_at = record.received_at.unwrap_or(self.options.received_at);
        // An instant outside of the calendar is the builder's to refuse.
        if received_at.0 > (now_ms() + AHEAD_MS_MAX) * 1000 {
            return refuse("receivedAt", format!("{} lies in the future", instant_text(received_at)));
        }
        if received_at.date().is_ok_and(|arrival| arrival < record.day) {
            let day = record.day;
            return refuse("date", format!("the usage of {day} was not yet there on {}", instant_text(received_at)));
        }
        if let Ok((period, _)) = posting_period(record.day, received_at) {
            if BillingPeriod::of(record.day) < self.start {
                let (day, start) = (record.day, self.start);
                let reason = format!("{day} lies before {start}, the first period that is billed here");
                return refuse("date", reason);
            }
            if period < first_open(self.start, self.known.state.closed_through) {
                let reason = format!(
                    "it would be posted in {period}, which is closed; to bill it again: lazurite bill --reopen {period}"
                );
                return refuse("receivedAt", reason);
            }
        }
        if !self.check.is_idle() && is_on_time(record, self.options.received_at) {
            let mix = self.runtime.block_on(self.check.record(record))?;
            if let Some(mix) = mix {
                let held = mix.held.name();
                let reason = format!(
                    "benefit {} could cover {held} usage of {} already (meter {}); hourly and daily usage of a benefit's day \
                     cannot be mixed: expected {held} usage, or take that back with a correction first",
                    mix.benefit, record.day, mix.meter
                );
                return refuse(if record.hour.is_some() { "time" } else { "date" }, reason);
            }
        }
        Ok(builder.push(record, 0, self.options.received_at).err().map(|refusal| refused(&refusal)))
    }

    fn knows(&mut self, line: &Arc<UsageLine>) -> bool {
        if self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, line)) {
            return true;
        }
        let spelled = &line.subscription_id;
        let known = match self.spelled.get(spelled) {
            Some(known) => *known,
            None => {
                let known = SubscriptionId::parse(spelled).is_ok_and(|id| self.subscriptions.contains(&id));
                self.spelled.insert(spelled.clone(), known);
                known
            }
        };
        self.last = known.then(|| Arc::clone(line));
        known
    }
}

fn refused(refusal: &formats::native::RecordRefusal) -> RefusedRecord {
    let fault = &refusal.fault;
    let reason = match &fault.value {
        Some(value) => format!("{value}: {}", fault.expected),
        None => fault.expected.clone(),
    };
    RefusedRecord { record: refusal.number, line: refusal.line, field: fault.field.clone(), reason }
}

fn told(refusal: &RefusedRecord) -> String {
    let line = refusal.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let field = if refusal.field.is_empty() { String::new() } else { format!(" {}:", refusal.field) };
    format!("record {}{line}:{field} {}", refusal.record, refusal.reason)
}
