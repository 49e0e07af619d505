-- Sheets: prices, and what reservations were bought and how they were used, as other answers of the original say it. Of a
-- unit (enrollment, kind, day, reservation) the newest row is held; earlier ones stay.
CREATE TABLE sheets (
    id                 INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    enrollment         TEXT NOT NULL COLLATE NOCASE,
    kind               TEXT NOT NULL,
    -- ISO day, or the first day of the month.
    day                TEXT NOT NULL,
    -- Of the reservation, in lower case; blank for kinds without.
    reservation_order  TEXT NOT NULL,
    reservation        TEXT NOT NULL,
    row_count          INTEGER NOT NULL,
    -- SHA-256 of the rows, and of the text of the file that they came in first, which is kept beneath sources/.
    content            TEXT NOT NULL,
    source             TEXT NOT NULL,
    -- Whether the answer went on at an address that was not imported.
    incomplete         INTEGER NOT NULL,
    run_time           INTEGER NOT NULL,
    -- The latest run that brought the same rows again.
    confirmed_run_time INTEGER,
    imported_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX sheets_by_unit ON sheets (enrollment, kind, day, reservation_order, reservation, id);

-- The rows of a sheet, a thousand to a page: a JSON list, compressed.
CREATE TABLE sheet_pages (
    sheet INTEGER NOT NULL REFERENCES sheets (id),
    page  INTEGER NOT NULL,
    rows  BLOB NOT NULL,
    PRIMARY KEY (sheet, page)
) STRICT, WITHOUT ROWID;
