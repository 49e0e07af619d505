//! The report service: taking questions, telling how they stand, giving out blobs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use catalog::{Catalog, Job, JobState, NewJob};
use formats::CsvEncoder;
use lake::{Lake, Snapshot, Stretch, crash_point};
use ledger::{ChargeQuery, Held, HeldAnswer, Publishers, Window};
use object_store::ObjectStoreExt;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use access::Permit;

use crate::blob::BlobContent;
use crate::codec::Codec;
use crate::collect::{REPORT_LIFE_MS, REUSE_LIFE_MS};
use crate::error::ReportError;
use crate::links::{BlobLink, LinkError, LinkSigner};
use crate::question::{AsOf, Question, ReportKind, StoredQuestion, Verdict};
use crate::segments::{SegmentSettings, Segments};
use crate::writer::StoredBlob;

/// Name of the secret that signs links.
const LINK_SECRET: &str = "report-links";

/// How reports are made.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// Largest blob; a report beyond it has several.
    pub blob_bytes_max: u64,
    /// How long a link is good for.
    pub link_life: Duration,
    /// How many reports are written at once.
    pub workers: usize,
    /// How many threads write a report.
    pub threads: NonZeroUsize,
    /// How long a worker holds a job without a sign of life.
    pub lease: Duration,
    /// Finished text of whole files, for the next report; `None`: neither used nor made.
    pub segments: Option<SegmentSettings>,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            blob_bytes_max: 1 << 30,
            link_life: Duration::from_secs(3600),
            workers: 1,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            lease: Duration::from_secs(30),
            segments: Some(SegmentSettings::default()),
        }
    }
}

/// The report service of a store.
#[derive(Debug, Clone)]
pub struct Reports {
    pub(crate) catalog: Catalog,
    pub(crate) lake: Lake,
    pub(crate) settings: ReportSettings,
    signer: LinkSigner,
    /// Wakes a worker when a job was queued.
    pub(crate) queued: Arc<Notify>,
}

/// When the links of a report end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEnd {
    /// The setting's time after the poll that gives them out.
    AfterPoll,
    /// So long after the report was asked for, however late it is polled.
    AfterRequest(Duration),
}

/// A report and how it stands.
#[derive(Debug, Clone)]
pub struct Report {
    /// The operation.
    pub id: String,
    /// How it stands.
    pub status: Status,
    /// When it was asked for, in milliseconds since 1970 of the system clock.
    pub created_at_ms: i64,
    /// The time that it is about.
    pub window: Window,
    /// The version of the API as the request named it.
    pub api_version: String,
    /// The scope as the caller wrote it, without leading slash.
    pub request_scope: String,
    /// The JSON body as the caller wrote it.
    pub request_body: String,
    /// First second since 1970 at which the links are refused; with [`LinkEnd::AfterRequest`] it may be over.
    pub valid_till_s: i64,
}

/// How a report stands.
#[derive(Debug, Clone)]
pub enum Status {
    /// Waiting for a worker.
    Queued,
    /// Being written.
    Running,
    /// Blobs are ready.
    Completed(Vec<Blob>),
    /// There are no charges in the scope and time asked about.
    NoDataFound,
    /// It cannot be answered; the reason is for the caller.
    Failed(String),
}

/// A blob of a report.
#[derive(Debug, Clone)]
pub struct Blob {
    /// Path segments and query of the link, to be put after the server's address.
    pub link: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl Reports {
    /// The service over a lake and its catalog.
    pub async fn open(catalog: Catalog, lake: Lake, settings: ReportSettings) -> Result<Self, ReportError> {
        let secret = catalog.secret(LINK_SECRET, &access::random_bytes::<32>()).await?;
        Ok(Self { catalog, lake, settings, signer: LinkSigner::new(secret), queued: Arc::default() })
    }

    /// Takes a question and gives the operation's id. The answer is pinned to the lake version of this moment.
    pub async fn create(&self, question: Question) -> Result<String, ReportError> {
        let (stored, snapshot) = self.pin(&question).await?;
        let id = uuid::Uuid::new_v4().to_string();
        let digest = digest(&stored, &snapshot, self.settings.blob_bytes_max)
            .ok_or_else(|| foreign(&id, "the question has no time"))?;
        let request = serde_json::to_string(&stored).map_err(|error| foreign(&id, &error.to_string()))?;
        let job = NewJob { id: id.clone(), digest, request, created_at_ms: now_ms() };
        if let Some(result) = self.reusable(&job.digest).await? {
            self.catalog.add_finished_job(&job, &result).await?;
            tracing::info!(report.id = %id, "report {id}: reuses the blobs of an equal one");
            return Ok(id);
        }
        self.catalog.add_job(&job).await?;
        crash_point("report-queued");
        self.queued.notify_one();
        tracing::info!(report.id = %id, "report {id}: queued");
        Ok(id)
    }

    /// Pins a question to a state of the store, with what is known of its answer.
    pub(crate) async fn pin(&self, question: &Question) -> Result<(StoredQuestion, Snapshot), ReportError> {
        let snapshot = self.snapshot(question.as_of).await?;
        let held = self.catalog.held_at(snapshot.version()).await?;
        let verdict = match verdict(&snapshot, &held, question).await? {
            Some(Verdict::OtherDataset(message)) if !question.kind.tells_reasons() => {
                return Err(ReportError::NotHeld(message));
            }
            verdict => verdict,
        };
        let unknown_columns = if question.form.has_unknown_columns() {
            self.unknown_columns(question, snapshot.version()).await?
        } else {
            Vec::new()
        };
        let stored = StoredQuestion::of(question, snapshot.version(), unknown_columns, verdict);
        Ok((stored, snapshot))
    }

    async fn snapshot(&self, as_of: AsOf) -> Result<Snapshot, ReportError> {
        match as_of {
            AsOf::Now => Ok(self.lake.snapshot().await?),
            AsOf::Version(version) => Ok(self.lake.snapshot_at(version).await?),
            AsOf::Instant(instant) => match self.catalog.version_at(instant).await? {
                Some(version) => Ok(self.lake.snapshot_at(version).await?),
                None => Err(ReportError::AsOf { as_of: format!("{instant} ms since 1970") }),
            },
        }
    }

    /// Names of the unknown columns of all imports that can have brought rows of the answer.
    async fn unknown_columns(&self, question: &Question, version: u64) -> Result<Vec<String>, ReportError> {
        let mut names: Vec<String> = Vec::new();
        for (_, _, record) in self.catalog.import_records(version).await? {
            let record: serde_json::Value = serde_json::from_str(&record).unwrap_or_default();
            for enrollment in record["enrollments"].as_array().into_iter().flatten() {
                let own = enrollment["number"].as_str().is_some_and(|number| {
                    question.permit.shares().iter().any(|share| share.enrollment.matches(number))
                });
                let columns = enrollment["unknownColumns"].as_array().filter(|_| own);
                for name in columns.into_iter().flatten().filter_map(|name| name.as_str()) {
                    if !names.iter().any(|known| known == name) {
                        names.push(name.to_owned());
                    }
                }
            }
        }
        Ok(names)
    }

    /// The blobs of an equal finished report, if all of them are still there.
    async fn reusable(&self, digest: &str) -> Result<Option<String>, ReportError> {
        let young = now_ms() - REUSE_LIFE_MS;
        let Some(result) = self.catalog.completed_job(digest, young).await?.and_then(|job| job.result) else {
            return Ok(None);
        };
        let blobs: Vec<StoredBlob> = serde_json::from_str(&result).unwrap_or_default();
        let store = self.lake.root().store();
        for blob in &blobs {
            match store.head(&blob.path()).await {
                Ok(meta) if meta.size == blob.bytes => {}
                _ => return Ok(None),
            }
        }
        Ok((!blobs.is_empty()).then_some(result))
    }

    /// The segments of an answer, as the settings have it. Blocking.
    pub(crate) fn segments(&self, stretches: &[Stretch], encoder: &CsvEncoder, codec: Codec) -> Option<Segments> {
        let settings = self.settings.segments.as_ref()?;
        Some(Segments::of(self.lake.root().folder(), stretches, encoder.identity(), codec, settings))
    }

    /// A report; `None` if there is none of the kind with this id in the permitted scope.
    pub async fn poll(
        &self,
        permit: &Permit,
        kind: ReportKind,
        id: &str,
        links: LinkEnd,
    ) -> Result<Option<Report>, ReportError> {
        let Some(job) = self.catalog.job(id).await? else { return Ok(None) };
        let question = stored_question(&job)?;
        if question.kind != kind || !question.may_be_given_to(permit) {
            return Ok(None);
        }
        let window = question.window().ok_or_else(|| foreign(id, "the question has no time"))?;
        let valid_till_s = self.valid_till_s(&job, links);
        let status = match job.state {
            JobState::Queued => Status::Queued,
            JobState::Running => Status::Running,
            JobState::NoData => Status::NoDataFound,
            JobState::Failed => Status::Failed(job.error.unwrap_or_default()),
            JobState::Completed => {
                let result = job.result.unwrap_or_default();
                let blobs: Vec<StoredBlob> =
                    serde_json::from_str(&result).map_err(|error| foreign(id, &error.to_string()))?;
                Status::Completed(blobs.iter().map(|blob| self.link(blob, valid_till_s)).collect())
            }
        };
        Ok(Some(Report {
            id: job.id,
            status,
            created_at_ms: job.created_at_ms,
            window,
            api_version: question.api_version,
            request_scope: question.request_scope,
            request_body: question.request_body,
            valid_till_s,
        }))
    }

    /// First second at which links to the blobs of a job are refused. No link outlives its report.
    fn valid_till_s(&self, job: &Job, links: LinkEnd) -> i64 {
        let seconds = |life: Duration| i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 2000);
        let wanted_s = match links {
            LinkEnd::AfterPoll => now_ms() / 1000 + seconds(self.settings.link_life),
            LinkEnd::AfterRequest(life) => job.created_at_ms.div_euclid(1000) + seconds(life),
        };
        wanted_s.min(job.finished_at_ms.unwrap_or_else(now_ms).saturating_add(REPORT_LIFE_MS) / 1000)
    }

    pub(crate) fn link(&self, blob: &StoredBlob, valid_till_s: i64) -> Blob {
        let query = self.signer.query(&blob.job, &blob.name, valid_till_s);
        Blob { link: format!("{}/{}?{query}", blob.job, blob.name), bytes: blob.bytes }
    }

    /// Finds a blob by its link; `None` when it does not exist any more.
    pub async fn open_blob(&self, link: &BlobLink<'_>) -> Result<Result<Option<BlobContent>, LinkError>, ReportError> {
        if let Err(error) = self.signer.check(link, now_ms() / 1000) {
            return Ok(Err(error));
        }
        let blob = StoredBlob { job: link.job.to_owned(), name: link.name.to_owned(), bytes: 0 };
        Ok(Ok(BlobContent::find(self.lake.root().store(), blob).await?))
    }
}

pub(crate) fn foreign(id: &str, reason: &str) -> ReportError {
    ReportError::Foreign { id: id.to_owned(), reason: reason.to_owned() }
}

pub(crate) fn stored_question(job: &Job) -> Result<StoredQuestion, ReportError> {
    serde_json::from_str(&job.request).map_err(|error| foreign(&job.id, &error.to_string()))
}

/// Milliseconds since 1970 of the system clock: keys, leases and links follow it (DESIGN 4.10).
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Judges by what is held whether there can be an answer (DESIGN 4.9: not held is not zero).
async fn verdict(snapshot: &Snapshot, held: &Held, question: &Question) -> Result<Option<Verdict>, ReportError> {
    let enrollments: Vec<_> = question.permit.shares().iter().map(|share| &share.enrollment).collect();
    let which = (question.dataset, Publishers::All);
    Ok(match snapshot.answer(held, &enrollments, which, &question.window).await? {
        HeldAnswer::Held => None,
        HeldAnswer::OtherDataset(message) => Some(Verdict::OtherDataset(message)),
        HeldAnswer::Nothing => Some(Verdict::NothingHeld),
    })
}

/// Identifies the answer: the question with its rights and filter, the form, the size of blobs and the files that can hold rows of it.
pub(crate) fn digest(question: &StoredQuestion, snapshot: &Snapshot, blob_bytes_max: u64) -> Option<String> {
    let query: ChargeQuery = question.query()?;
    let encoder = question.encoder()?;
    let blob_bytes_max = question.kind.blob_bytes_max(blob_bytes_max);
    let mut hash = Sha256::new();
    hash.update(format!("{query:?}\n{}\n{blob_bytes_max}\n", encoder.identity()).as_bytes());
    for share in &query.shares {
        for file in snapshot.files_of(&share.enrollment, query.dataset) {
            hash.update(file.sha256.as_bytes());
            hash.update(b"\n");
        }
        hash.update(b"\n");
    }
    Some(hex::encode(hash.finalize()))
}
