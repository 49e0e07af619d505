//! How much there is of everything, for metrics. Cheap: each question reads an index or one row.

use sqlx::Row;

use crate::{Catalog, CatalogError, JobState};

/// The report jobs of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCount {
    /// The state.
    pub state: JobState,
    /// How many there are.
    pub jobs: u64,
    /// Milliseconds from order to end, of all of them together; 0 for those that have not ended.
    pub taken_ms: u64,
}

/// What is held, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreCounts {
    /// Imports taken over.
    pub imports: u64,
    /// Enrollments known.
    pub enrollments: u64,
    /// Newest lake version taken over; `None` before the first.
    pub revision: Option<u64>,
}

/// Reads an index alone. A job whose clock went back while it ran counts as ended at once.
const JOB_COUNTS: &str = "SELECT state, COUNT(*), SUM(MAX(COALESCE(finished_at - created_at, 0), 0)) \
                          FROM report_jobs GROUP BY state";

impl Catalog {
    /// The report jobs by state; states without jobs are left out.
    pub async fn job_counts(&self) -> Result<Vec<JobCount>, CatalogError> {
        let doing = CatalogError::database("count the reports");
        let rows = sqlx::query(JOB_COUNTS).fetch_all(&self.pool).await.map_err(doing)?;
        let count = |row: &sqlx::sqlite::SqliteRow| {
            let state = JobState::read(&row.get::<String, _>(0))?;
            Ok(JobCount { state, jobs: unsigned(row.get(1)), taken_ms: unsigned(row.get(2)) })
        };
        rows.iter().map(count).collect()
    }

    /// What is held, counted.
    pub async fn store_counts(&self) -> Result<StoreCounts, CatalogError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM imports), (SELECT COUNT(*) FROM enrollments), \
             (SELECT version FROM lake_progress)",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(CatalogError::database("count what is held"))?;
        Ok(StoreCounts {
            imports: unsigned(row.get(0)),
            enrollments: unsigned(row.get(1)),
            revision: row.get::<Option<i64>, _>(2).map(unsigned),
        })
    }
}

/// Counts and versions are never negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;
    use crate::{FinishedJob, NewJob};

    #[tokio::test]
    async fn jobs_are_counted_by_state_from_an_index_alone() {
        // A database in memory is one connection's own.
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        crate::migrate(&pool).await.unwrap();
        let catalog = Catalog { pool, hierarchies: Arc::default(), memory: None };
        assert_eq!(catalog.job_counts().await.unwrap(), []);
        let job =
            |id: &str, created_at_ms| NewJob { id: id.into(), digest: "d".into(), request: "{}".into(), created_at_ms };
        for (id, created_at_ms) in [("a", 1000), ("b", 2000), ("c", 9000)] {
            catalog.add_job(&job(id, created_at_ms)).await.unwrap();
        }
        for end in [FinishedJob::Completed("[]".into()), FinishedJob::NoData] {
            let claimed = catalog.claim_job("w", 2500, i64::MAX).await.unwrap().unwrap();
            assert!(catalog.finish_job(&claimed.id, "w", &end, 2700).await.unwrap());
        }
        catalog.add_finished_job(&job("d", 5000), "[]").await.unwrap();
        let mut counts = catalog.job_counts().await.unwrap();
        let count = |state, jobs, taken_ms| JobCount { state, jobs, taken_ms };
        counts.sort_by_key(|count| count.state.as_str());
        assert_eq!(
            counts,
            [count(JobState::Completed, 2, 1700), count(JobState::NoData, 1, 700), count(JobState::Queued, 1, 0)]
        );
        assert_eq!(catalog.plan(JOB_COUNTS).await, "SCAN report_jobs USING COVERING INDEX report_jobs_by_state");
        // The index must not draw other questions to it.
        let by_digest =
            "SELECT id FROM report_jobs WHERE digest = 'd' AND state = 'completed' ORDER BY finished_at DESC";
        let plan = catalog.plan(by_digest).await;
        assert!(plan.contains("USING INDEX report_jobs_by_digest (digest=? AND state=?)"), "{plan}");
    }

    impl Catalog {
        /// How the database would answer a question, first step.
        async fn plan(&self, question: &str) -> String {
            let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}")));
            plan.fetch_one(&self.pool).await.unwrap().get("detail")
        }
    }
}
