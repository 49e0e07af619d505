-- The files behind the first one that rows of a sheet came in: SHA-256 of their texts, which are kept beneath sources/.
CREATE TABLE sheet_sources (
    sheet  INTEGER NOT NULL REFERENCES sheets (id),
    source TEXT NOT NULL,
    PRIMARY KEY (sheet, source)
) STRICT, WITHOUT ROWID;
