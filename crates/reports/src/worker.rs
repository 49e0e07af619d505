//! Workers: each claims one job after another and writes its blobs on a thread of its own.

use std::time::Duration;

use catalog::{FinishedJob, Job};
use futures::TryStreamExt;
use lake::leftover::{HEALED, counted};
use lake::{FolderLock, LockName, crash_point};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::codec::Codec;
use crate::error::ReportError;
use crate::ordered::Answer;
use crate::question::Verdict;
use crate::service::{Reports, foreign, now_ms, stored_question};
use crate::writer::{BlobTarget, REPORTS, attempt_prefix, write_blobs};

/// How long an idle worker waits before it looks for jobs that other processes queued or lost.
const IDLE_LOOK: Duration = Duration::from_secs(2);
/// How long a worker that is asked to stop is waited for: it may be asking the database.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);
/// A job that ended its process this often is given up.
const ATTEMPTS_MAX: u32 = 3;

/// Running workers.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    owner: String,
    reports: Reports,
    /// Tells other processes that workers run.
    _presence: Option<FolderLock>,
}

impl Workers {
    /// Starts the workers of this process. Reports that a dead process left unfinished are taken up at once.
    pub async fn start(reports: &Reports) -> Self {
        let presence = if reports.settings.workers == 0 { None } else { enter(reports).await };
        let (stop, stopped) = watch::channel(false);
        let owner = uuid::Uuid::new_v4().to_string();
        let tasks = (0..reports.settings.workers)
            .map(|_| tokio::spawn(work(reports.clone(), owner.clone(), stopped.clone())))
            .collect();
        Self { stop, tasks, owner, reports: reports.clone(), _presence: presence }
    }

    /// Stops after at most one more batch and gives unfinished jobs back, to be resumed by the next process.
    pub async fn stop(self) {
        _ = self.stop.send(true);
        for mut task in self.tasks {
            if tokio::time::timeout(STOP_TIME_MAX, &mut task).await.is_err() {
                task.abort();
                _ = task.await;
            }
        }
        match self.reports.catalog.release_jobs(&self.owner).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "gave back {jobs} unfinished reports"),
            Err(error) => tracing::warn!(%error, "cannot give back unfinished reports; their leases will end"),
        }
    }
}

/// Gives back the jobs of dead workers, if no worker can be alive, and tells others that workers run here. Where that
/// cannot be known, a dead worker's job waits for the end of its lease.
async fn enter(reports: &Reports) -> Option<FolderLock> {
    let data = reports.lake.root().folder().to_owned();
    let alone = FolderLock::alone(&data, LockName::Workers);
    if alone.is_some() {
        resume(reports).await;
    }
    let entered = tokio::task::spawn_blocking(move || match alone {
        Some(alone) => alone.into_shared(),
        None => FolderLock::shared(&data, LockName::Workers),
    });
    entered.await.ok()?.ok()
}

/// Gives back what dead workers were writing, and says how many reports wait.
async fn resume(reports: &Reports) {
    let resumed = reports.catalog.release_all_jobs().await;
    match (resumed, reports.catalog.queued_jobs().await) {
        (Ok(_), Ok(0)) => {}
        (Ok(resumed), Ok(queued)) => {
            let reports = counted(queued, "unfinished report");
            tracing::info!(target: HEALED, resumed, queued, "took up {reports}, {resumed} of workers that died");
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "cannot take up the reports of dead workers; their leases will end");
        }
    }
}

async fn work(reports: Reports, owner: String, mut stopped: watch::Receiver<bool>) {
    loop {
        if *stopped.borrow() {
            return;
        }
        let lease_ms = i64::try_from(reports.settings.lease.as_millis()).unwrap_or(i64::MAX / 4);
        let now = now_ms();
        match reports.catalog.claim_job(&owner, now, now.saturating_add(lease_ms)).await {
            // A claim is never cut short: one that the database makes after its asker is gone would hold up the job. What was
            // claimed at the last moment is given back with the rest.
            Ok(Some(_)) if *stopped.borrow() => return,
            Ok(Some(job)) => {
                tokio::select! {
                    () = run(&reports, &owner, job) => {}
                    _ = stopped.changed() => return,
                }
            }
            Ok(None) => {
                tokio::select! {
                    () = reports.queued.notified() => {}
                    () = tokio::time::sleep(IDLE_LOOK) => {}
                    _ = stopped.changed() => return,
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot claim a report");
                tokio::time::sleep(IDLE_LOOK).await;
            }
        }
    }
}

/// Runs one job to its end while its lease is kept alive.
pub(crate) async fn run(reports: &Reports, owner: &str, job: Job) {
    let (id, attempt) = (job.id.clone(), job.attempts);
    crash_point("report-claimed");
    let end = if job.attempts > ATTEMPTS_MAX {
        tracing::error!(report.id = %id, "report {id}: given up after {ATTEMPTS_MAX} attempts that did not end");
        FinishedJob::Failed("The report could not be completed. Ask for it again, and look at the server's log.".into())
    } else {
        let handle = tokio::runtime::Handle::current();
        let (reports_of_task, job) = (reports.clone(), job.clone());
        // Decoding and encoding keep a core busy; requests must not wait behind them.
        let mut task = tokio::task::spawn_blocking(move || handle.block_on(answer(&reports_of_task, &job)));
        let answered = loop {
            tokio::select! {
                answered = &mut task => break answered,
                () = tokio::time::sleep(reports.settings.lease / 3) => {
                    let lease_ms = i64::try_from(reports.settings.lease.as_millis()).unwrap_or(i64::MAX / 4);
                    match reports.catalog.extend_lease(&id, owner, now_ms().saturating_add(lease_ms)).await {
                        Ok(true) => {}
                        Ok(false) => tracing::warn!(report.id = %id, "report {id}: another worker took it over"),
                        Err(error) => tracing::warn!(report.id = %id, %error, "report {id}: cannot extend its lease"),
                    }
                }
            }
        };
        match answered {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => {
                tracing::error!(report.id = %id, %error, "report {id}: failed: {error}");
                FinishedJob::Failed("The report could not be written. The server's log says why.".into())
            }
            Err(error) => {
                tracing::error!(report.id = %id, %error, "report {id}: its worker ended unexpectedly");
                FinishedJob::Failed("The report could not be written. The server's log says why.".into())
            }
        }
    };
    crash_point("report-blobs-finished");
    match reports.catalog.finish_job(&id, owner, &end, now_ms()).await {
        Ok(true) => {
            crash_point("report-outcome-recorded");
            tracing::info!(report.id = %id, "report {id}: finished");
            remove_blobs(reports, &id, |name| !name.starts_with(&attempt_prefix(attempt))).await;
        }
        Ok(false) => {
            tracing::warn!(report.id = %id, "report {id}: finished by another worker");
            remove_blobs(reports, &id, |name| name.starts_with(&attempt_prefix(attempt))).await;
        }
        Err(error) => tracing::error!(report.id = %id, %error, "report {id}: cannot record its end"),
    }
}

pub(crate) async fn answer(reports: &Reports, job: &Job) -> Result<FinishedJob, ReportError> {
    let question = stored_question(job)?;
    match &question.verdict {
        Some(Verdict::NothingHeld) => return Ok(FinishedJob::NoData),
        Some(Verdict::OtherDataset(message)) => return Ok(FinishedJob::Failed(message.clone())),
        None => {}
    }
    let query = question.query().ok_or_else(|| foreign(&job.id, "the question has no time"))?;
    let encoder = question.encoder().ok_or_else(|| foreign(&job.id, "the layout is unknown"))?;
    let snapshot = reports.lake.snapshot_at(question.version).await?;
    let stretches = snapshot.stretches(&query, &encoder.columns_read()).await?;
    let store = reports.lake.root().store();
    let blob_bytes_max = question.kind.blob_bytes_max(reports.settings.blob_bytes_max);
    let target = BlobTarget { store, job: &job.id, attempt: job.attempts, blob_bytes_max };
    let segments = reports.segments(&stretches, &encoder, Codec::Plain);
    let threads = reports.settings.threads;
    let answer =
        Answer { stretches: &stretches, encoder: &encoder, codec: Codec::Plain, segments: segments.as_ref(), threads };
    let handle = tokio::runtime::Handle::current();
    // This thread drives the runtime.
    let written = std::thread::scope(|scope| scope.spawn(|| write_blobs(&target, &answer, &handle)).join());
    let panicked = |_| ReportError::Interrupted { reason: "the thread that wrote it panicked".to_owned() };
    let blobs = written.map_err(panicked)??;
    if blobs.is_empty() {
        return Ok(FinishedJob::NoData);
    }
    let result = serde_json::to_string(&blobs).map_err(|error| foreign(&job.id, &error.to_string()))?;
    Ok(FinishedJob::Completed(result))
}

/// Removes blobs that no outcome names: those of attempts that died, or of one that came too late. Only the worker whose
/// outcome was recorded removes what others wrote. What cannot be removed does no harm but takes room.
async fn remove_blobs(reports: &Reports, job: &str, goes: impl Fn(&str) -> bool) {
    let store = reports.lake.root().store();
    let folder = Path::from_iter([REPORTS, job]);
    let found: Result<Vec<_>, _> = store.list(Some(&folder)).try_collect().await;
    for object in found.unwrap_or_default() {
        if object.location.filename().is_some_and(&goes)
            && let Err(error) = store.delete(&object.location).await
        {
            tracing::warn!(%error, "cannot remove an unfinished blob of report {job}");
        }
    }
}
