//! Report jobs: queued, claimed under a lease, finished. A dead worker's job is taken over when its lease ends.

use sqlx::Row;

use crate::{Catalog, CatalogError};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waiting for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Its blobs are ready.
    Completed,
    /// There was nothing to report.
    NoData,
    /// It cannot be answered.
    Failed,
}

impl JobState {
    /// All states, in the order of a job's life.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Completed, Self::NoData, Self::Failed];

    /// The state as the catalog writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::NoData => "no_data",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn read(text: &str) -> Result<Self, CatalogError> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| CatalogError::Foreign { what: "a job state", value: text.to_owned() })
    }

    /// Whether a poll has an answer.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::NoData | Self::Failed)
    }
}

/// A job to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id: the operation id on the wire.
    pub id: String,
    /// Digest of question, layout and lake version.
    pub digest: String,
    /// The question, as JSON.
    pub request: String,
    /// Milliseconds since 1970.
    pub created_at_ms: i64,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Digest of question, layout and lake version.
    pub digest: String,
    /// The question, as JSON.
    pub request: String,
    /// Where it stands.
    pub state: JobState,
    /// The finished blobs, as JSON.
    pub result: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// How often a worker began it.
    pub attempts: u32,
    /// Milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it ended.
    pub finished_at_ms: Option<i64>,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub enum FinishedJob {
    /// Blobs, as JSON.
    Completed(String),
    /// Nothing to report.
    NoData,
    /// The reason, for the caller.
    Failed(String),
}

const COLUMNS: &str = "id, digest, request, state, result, error, attempts, created_at, finished_at";

impl Catalog {
    /// Queues a job.
    pub async fn add_job(&self, job: &NewJob) -> Result<(), CatalogError> {
        sqlx::query("INSERT INTO report_jobs (id, digest, request, state, created_at) VALUES (?, ?, ?, 'queued', ?)")
            .bind(&job.id)
            .bind(&job.digest)
            .bind(&job.request)
            .bind(job.created_at_ms)
            .execute(&self.pool)
            .await
            .map_err(CatalogError::database("queue a report"))?;
        Ok(())
    }

    /// Keeps a job that needs no work, because another one with the same digest did it.
    pub async fn add_finished_job(&self, job: &NewJob, result: &str) -> Result<(), CatalogError> {
        sqlx::query(
            "INSERT INTO report_jobs (id, digest, request, state, result, created_at, finished_at) \
             VALUES (?, ?, ?, 'completed', ?, ?, ?)",
        )
        .bind(&job.id)
        .bind(&job.digest)
        .bind(&job.request)
        .bind(result)
        .bind(job.created_at_ms)
        .bind(job.created_at_ms)
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("keep a report"))?;
        Ok(())
    }

    /// A job by id.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, CatalogError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM report_jobs WHERE id = ?")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up a report"))?;
        row.as_ref().map(job).transpose()
    }

    /// The newest job with this digest that was completed after an instant.
    pub async fn completed_job(&self, digest: &str, after_ms: i64) -> Result<Option<Job>, CatalogError> {
        let query = format!(
            "SELECT {COLUMNS} FROM report_jobs WHERE digest = ? AND state = 'completed' AND finished_at > ? \
             ORDER BY finished_at DESC LIMIT 1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(digest)
            .bind(after_ms)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up a report"))?;
        row.as_ref().map(job).transpose()
    }

    /// Claims the oldest job that waits or whose worker let its lease end.
    pub async fn claim_job(&self, owner: &str, now_ms: i64, lease_until_ms: i64) -> Result<Option<Job>, CatalogError> {
        let query = format!(
            "UPDATE report_jobs SET state = 'running', lease_owner = ?, lease_until = ?, attempts = attempts + 1 \
             WHERE id = (SELECT id FROM report_jobs WHERE state = 'queued' OR (state = 'running' AND lease_until < ?) \
             ORDER BY created_at LIMIT 1) RETURNING {COLUMNS}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(owner)
            .bind(lease_until_ms)
            .bind(now_ms)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("claim a report"))?;
        row.as_ref().map(job).transpose()
    }

    /// Extends the lease; `false` if the worker does not hold it any more.
    pub async fn extend_lease(&self, id: &str, owner: &str, lease_until_ms: i64) -> Result<bool, CatalogError> {
        let done = sqlx::query(
            "UPDATE report_jobs SET lease_until = ? WHERE id = ? AND lease_owner = ? AND state = 'running'",
        )
        .bind(lease_until_ms)
        .bind(id)
        .bind(owner)
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("extend a lease"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends a job; `false` if the worker does not hold its lease any more.
    pub async fn finish_job(
        &self,
        id: &str,
        owner: &str,
        end: &FinishedJob,
        now_ms: i64,
    ) -> Result<bool, CatalogError> {
        let (state, result, error) = match end {
            FinishedJob::Completed(result) => (JobState::Completed, Some(result), None),
            FinishedJob::NoData => (JobState::NoData, None, None),
            FinishedJob::Failed(error) => (JobState::Failed, None, Some(error)),
        };
        let done = sqlx::query(
            "UPDATE report_jobs SET state = ?, result = ?, error = ?, finished_at = ?, lease_owner = NULL, \
             lease_until = NULL WHERE id = ? AND lease_owner = ? AND state = 'running'",
        )
        .bind(state.as_str())
        .bind(result)
        .bind(error)
        .bind(now_ms)
        .bind(id)
        .bind(owner)
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("finish a report"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives back the jobs that this process claimed, so that the next one need not wait for their leases.
    pub async fn release_jobs(&self, owner: &str) -> Result<u64, CatalogError> {
        let done = sqlx::query(
            "UPDATE report_jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL \
             WHERE lease_owner = ? AND state = 'running'",
        )
        .bind(owner)
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("give back reports"))?;
        Ok(done.rows_affected())
    }

    /// Gives back every claimed job, whoever claimed it. For a process that knows that no worker runs beside it.
    pub async fn release_all_jobs(&self) -> Result<u64, CatalogError> {
        let done = sqlx::query(
            "UPDATE report_jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL WHERE state = 'running'",
        )
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("give back reports"))?;
        Ok(done.rows_affected())
    }

    /// How many jobs wait for a worker.
    pub async fn queued_jobs(&self) -> Result<u64, CatalogError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM report_jobs WHERE state = 'queued'")
            .fetch_one(&self.pool)
            .await
            .map_err(CatalogError::database("count reports"))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// How many jobs have lost their worker: their lease ended before they did.
    pub async fn lost_jobs(&self, now_ms: i64) -> Result<u64, CatalogError> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM report_jobs WHERE state = 'running' AND lease_until < ?")
                .bind(now_ms)
                .fetch_one(&self.pool)
                .await
                .map_err(CatalogError::database("count reports"))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Forgets the jobs that ended before an instant.
    pub async fn forget_jobs(&self, finished_before_ms: i64) -> Result<u64, CatalogError> {
        let done = sqlx::query(
            "DELETE FROM report_jobs WHERE state IN ('completed', 'no_data', 'failed') AND finished_at < ?",
        )
        .bind(finished_before_ms)
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("forget reports"))?;
        Ok(done.rows_affected())
    }

    /// All jobs.
    pub async fn jobs(&self) -> Result<Vec<Job>, CatalogError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM report_jobs ORDER BY created_at")))
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list reports"))?;
        rows.iter().map(job).collect()
    }
}

fn job(row: &sqlx::sqlite::SqliteRow) -> Result<Job, CatalogError> {
    Ok(Job {
        id: row.get(0),
        digest: row.get(1),
        request: row.get(2),
        state: JobState::read(&row.get::<String, _>(3))?,
        result: row.get(4),
        error: row.get(5),
        attempts: row.get::<i64, _>(6).try_into().unwrap_or(u32::MAX),
        created_at_ms: row.get(7),
        finished_at_ms: row.get(8),
    })
}
