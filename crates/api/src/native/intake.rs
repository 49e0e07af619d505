//! Where batches of usage go.

use std::sync::{Arc, Mutex, PoisonError};

use access::UsagePermit;
use billing::{IngestOptions, Ingested, UsageChecks, UsageInput, ingest};
use catalog::AuditEntry;
use formats::native::UsageForm;
use imports::Store;
use ledger::EnrollmentId;
use ledger::billing::Instant;
use tokio::sync::Semaphore;

use super::UsageNews;
use super::upload::Upload;
use crate::arm::ApiError;
use crate::clock::system_now_ms;
use crate::prices::NativePrices;

/// Batches that are judged at once; others wait. Each keeps a core busy.
const JUDGED_AT_ONCE: usize = 2;
/// How a batch is called in messages.
const NAME: &str = "the request body";

/// Takes batches of usage into a store. Clones share everything.
#[derive(Debug, Clone)]
pub struct Intake {
    store: Store,
    checks: UsageChecks,
    judging: Arc<Semaphore>,
    news: UsageNews,
    bytes_max: u64,
    /// The prices that were asked for last: whoever reads a sheet reads all its pages.
    prices: Arc<Mutex<Option<(EnrollmentId, NativePrices)>>>,
}

/// A batch as it came in.
pub(super) struct Batch {
    pub(super) id: String,
    pub(super) form: UsageForm,
    pub(super) upload: Upload,
    pub(super) is_strict: bool,
    /// Public id of the caller.
    pub(super) actor: String,
}

impl Intake {
    /// Takes batches of at most so many bytes, without compression, into a store, and says so to `news`.
    pub fn new(store: Store, news: UsageNews, bytes_max: u64) -> Self {
        let judging = Arc::new(Semaphore::new(JUDGED_AT_ONCE));
        Self { store, checks: UsageChecks::default(), judging, news, bytes_max, prices: Arc::default() }
    }

    /// The prices that were asked for last, if they are these.
    pub(crate) fn last_prices(&self, enrollment: &EnrollmentId, key: &str) -> Option<NativePrices> {
        let last = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
        let own = last.as_ref().filter(|(whose, prices)| whose == enrollment && prices.is(key));
        own.map(|(_, prices)| prices.clone())
    }

    pub(crate) fn remember_prices(&self, enrollment: &EnrollmentId, prices: NativePrices) {
        *self.prices.lock().unwrap_or_else(PoisonError::into_inner) = Some((enrollment.clone(), prices));
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Takes a batch. It goes on to its end even if the client does not wait for it.
    pub(super) async fn take(&self, permit: &UsagePermit, batch: Batch) -> Result<Ingested, ApiError> {
        let (own, enrollment) = (self.clone(), permit.enrollment().clone());
        let taking = tokio::spawn(async move {
            let _judged = own.judging.acquire().await.map_err(|error| ApiError::Internal(error.into()))?;
            let now_ms = system_now_ms();
            let options = IngestOptions {
                received_at: Instant(now_ms.saturating_mul(1000)),
                is_strict: batch.is_strict,
                actor: batch.actor.clone(),
            };
            let input = UsageInput::upload(NAME, batch.form, batch.upload.path());
            let taken = ingest(&own.store, &own.checks, &enrollment, Some(&batch.id), &input, &options).await?;
            if !taken.is_unchanged {
                let entry = AuditEntry {
                    at_ms: now_ms,
                    actor: batch.actor,
                    action: "usage.batch".to_owned(),
                    enrollment: Some(enrollment.clone()),
                    target: taken.batch.clone(),
                    detail: format!("{} records accepted, {} refused", taken.accepted, taken.refused),
                    times: 1,
                };
                own.store.catalog().write_audit(&[entry]).await?;
                own.news.tell(enrollment);
            }
            Ok::<_, ApiError>(taken)
        });
        taking.await.map_err(|error| ApiError::Internal(error.into()))?
    }
}
