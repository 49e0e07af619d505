-- The control plane. Instants are milliseconds since 1970-01-01T00:00:00Z, run times microseconds; days are ISO text.
-- Nothing here is a sum of charges: the lake is the truth for charges.

CREATE TABLE enrollments (
    number     TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    name       TEXT,
    currency   TEXT,
    created_at INTEGER NOT NULL
) STRICT;

-- One row per committed import; `version` is the lake version that the commit made.
CREATE TABLE imports (
    id           TEXT NOT NULL PRIMARY KEY,
    version      INTEGER NOT NULL UNIQUE,
    committed_at INTEGER NOT NULL,
    record       TEXT NOT NULL
) STRICT;

-- Commits of the lake that have been taken over, imports or not.
CREATE TABLE lake_progress (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

-- What an import replaced as a whole.
CREATE TABLE import_units (
    import_id  TEXT NOT NULL REFERENCES imports (id),
    position   INTEGER NOT NULL,
    enrollment TEXT NOT NULL COLLATE NOCASE,
    scope      TEXT NOT NULL,
    dataset    TEXT NOT NULL,
    period     TEXT NOT NULL,
    days       TEXT,
    run_time   INTEGER NOT NULL,
    content    TEXT NOT NULL,
    incomplete INTEGER NOT NULL,
    empty      INTEGER NOT NULL,
    PRIMARY KEY (import_id, position)
) STRICT;
CREATE INDEX import_units_by_enrollment ON import_units (enrollment);

-- Later runs that brought the same bytes again: no revision, but the run time counts (DESIGN 4.3).
CREATE TABLE confirmations (
    import_id    TEXT NOT NULL,
    position     INTEGER NOT NULL,
    run_time     INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    PRIMARY KEY (import_id, position, run_time),
    FOREIGN KEY (import_id, position) REFERENCES import_units (import_id, position)
) STRICT;

-- The hierarchy as rows name it. Blank text stands for unknown, so that the key can be unique.
CREATE TABLE places (
    enrollment        TEXT NOT NULL COLLATE NOCASE,
    department_id     TEXT NOT NULL,
    department_name   TEXT NOT NULL,
    account_id        TEXT NOT NULL,
    account_name      TEXT NOT NULL,
    account_owner     TEXT NOT NULL,
    subscription_id   TEXT NOT NULL COLLATE NOCASE,
    subscription_name TEXT NOT NULL,
    learned_at        INTEGER NOT NULL,
    PRIMARY KEY (enrollment, subscription_id, account_id, account_name, account_owner, department_id, department_name,
                 subscription_name)
) STRICT;

CREATE INDEX places_by_subscription ON places (subscription_id);

CREATE TABLE keys (
    id         TEXT NOT NULL PRIMARY KEY,
    enrollment TEXT NOT NULL COLLATE NOCASE,
    slot       TEXT NOT NULL CHECK (slot IN ('primary', 'secondary')),
    role       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE report_jobs (
    id           TEXT NOT NULL PRIMARY KEY,
    -- Digest of the question, the layout and the lake version: equal digests have equal blobs.
    digest       TEXT NOT NULL,
    -- The question and how to answer it, as JSON of the reports crate.
    request      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'no_data', 'failed')),
    -- The finished blobs, as JSON of the reports crate.
    result       TEXT,
    error        TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    lease_owner  TEXT,
    lease_until  INTEGER,
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER
) STRICT;
CREATE INDEX report_jobs_by_state ON report_jobs (state, created_at);
CREATE INDEX report_jobs_by_digest ON report_jobs (digest, state);
