-- Native enrollments: what their operators state, which usage was taken, which periods were billed. Instants named
-- `received_at` and `as_of` are microseconds since 1970-01-01T00:00:00Z.

-- An enrollment is native or mirrored, never both.
CREATE TABLE native_enrollments (
    enrollment TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    since      INTEGER NOT NULL
) STRICT;

-- What operators stated, in the order of its arrival; only ever added to.
CREATE TABLE native_inputs (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    enrollment  TEXT NOT NULL COLLATE NOCASE,
    kind        TEXT NOT NULL CHECK (kind IN ('enrollment', 'order', 'priceSheet')),
    -- The comparable id of an order; blank for others.
    name        TEXT NOT NULL,
    -- The document as JSON; of a price sheet the periods that it prices, its text being kept beneath sources/.
    document    TEXT NOT NULL,
    -- SHA-256 of the document, or of a price sheet's text.
    content     TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX native_inputs_by_enrollment ON native_inputs (enrollment, kind, received_at, id);
CREATE UNIQUE INDEX native_inputs_orders ON native_inputs (enrollment, name) WHERE kind = 'order';

-- Commits of the usage table that have been taken over.
CREATE TABLE usage_progress (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

-- Batches of usage. `version` is the version of the usage table that the commit made.
CREATE TABLE usage_batches (
    enrollment   TEXT NOT NULL COLLATE NOCASE,
    batch        TEXT NOT NULL,
    version      INTEGER NOT NULL UNIQUE,
    content      TEXT NOT NULL,
    received_at  INTEGER NOT NULL,
    accepted     INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    -- The whole record of the commit, as JSON.
    record       TEXT NOT NULL,
    PRIMARY KEY (enrollment, batch)
) STRICT;

-- Through which period an enrollment takes no more input: closed, or opened again. The newest version counts.
CREATE TABLE native_boundaries (
    version    INTEGER NOT NULL PRIMARY KEY,
    enrollment TEXT NOT NULL COLLATE NOCASE,
    -- The last closed period; null: none is.
    through    TEXT,
    actor      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX native_boundaries_by_enrollment ON native_boundaries (enrollment, version);

-- Periods as runs billed them. `version` is the version of the lake that holds the charges; the newest counts.
CREATE TABLE billed_periods (
    enrollment TEXT NOT NULL COLLATE NOCASE,
    period     TEXT NOT NULL,
    version    INTEGER NOT NULL,
    as_of      INTEGER NOT NULL,
    is_final   INTEGER NOT NULL,
    -- Identifies everything that the period was billed from.
    content    TEXT NOT NULL,
    -- What the next period begins from, usage that is held back, who opened the period again: JSON.
    book       TEXT NOT NULL,
    held_back  TEXT NOT NULL,
    reopened   TEXT,
    billed_at  INTEGER NOT NULL,
    PRIMARY KEY (enrollment, period, version)
) STRICT, WITHOUT ROWID;
