-- Balance summaries of mirrored billing periods. Of an enrollment and a period the newest row is held; earlier ones stay.
-- Amounts are decimal text as the source gave it, within the document.
CREATE TABLE balances (
    id                 INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    enrollment         TEXT NOT NULL COLLATE NOCASE,
    period             TEXT NOT NULL,
    -- The summary, as JSON of the ledger crate.
    document           TEXT NOT NULL,
    -- SHA-256 of the summary's own text, and of the file that it came in, which is kept beneath sources/.
    content            TEXT NOT NULL,
    source             TEXT NOT NULL,
    run_time           INTEGER NOT NULL,
    -- The latest run that brought the same bytes again.
    confirmed_run_time INTEGER,
    imported_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX balances_by_period ON balances (enrollment, period, id);
