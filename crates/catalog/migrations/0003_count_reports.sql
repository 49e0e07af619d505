-- Counting reports and their durations reads this index alone: the rows carry whole requests and results. Not ordered by
-- `finished_at` before `created_at`: the look-up by digest would walk it instead of its own index.
DROP INDEX report_jobs_by_state;
CREATE INDEX report_jobs_by_state ON report_jobs (state, created_at, finished_at);
