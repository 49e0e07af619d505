-- What the caller of a walk through pages was allowed to read when it began: its later pages answer for the same rows,
-- whatever is learned about the hierarchy meanwhile. Named by digest, so that equal walks share a row.
CREATE TABLE page_shares (
    digest  BLOB PRIMARY KEY,
    shares  TEXT NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
