-- Scopes below the enrollment, who may read them, and what was done.

-- Ids for the names of departments and accounts that rows carry without id (DESIGN 4.6). Texts are comparable: lower
-- case, without blanks around them. Departments have no owner.
CREATE TABLE named_ids (
    enrollment TEXT NOT NULL COLLATE NOCASE,
    kind       TEXT NOT NULL CHECK (kind IN ('department', 'account')),
    owner      TEXT NOT NULL,
    name       TEXT NOT NULL,
    origin     TEXT NOT NULL CHECK (origin IN ('mapped', 'generated')),
    id         TEXT NOT NULL,
    PRIMARY KEY (enrollment, kind, owner, name, origin)
) STRICT;
-- A generated id means one name for ever.
CREATE UNIQUE INDEX named_ids_generated ON named_ids (enrollment, kind, id) WHERE origin = 'generated';

-- The hierarchy as its owner states it, as JSON of the ledger crate; one document per enrollment.
CREATE TABLE applied_hierarchies (
    enrollment TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    document   TEXT NOT NULL
) STRICT;

-- Counts the changes of what is known of an enrollment's hierarchy: a process that has it in memory looks here.
CREATE TABLE hierarchy_changes (
    enrollment TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    changes    INTEGER NOT NULL
) STRICT;

-- Switches of an enrollment (SEMANTICS 6.2). Absent: all off.
CREATE TABLE policies (
    enrollment      TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    da_view_charges INTEGER NOT NULL,
    ao_view_charges INTEGER NOT NULL,
    price_hidden    INTEGER NOT NULL
) STRICT;

-- What a key reads of its enrollment: ledger's scope key.
ALTER TABLE keys ADD COLUMN scope TEXT NOT NULL DEFAULT '';
UPDATE keys SET scope = 'billingAccounts/' || lower(enrollment);

-- Roles of subjects and groups of an OpenID Connect issuer.
CREATE TABLE assignments (
    id         TEXT NOT NULL PRIMARY KEY,
    issuer     TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('subject', 'group')),
    principal  TEXT NOT NULL,
    enrollment TEXT NOT NULL COLLATE NOCASE,
    scope      TEXT NOT NULL,
    role       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (issuer, kind, principal, enrollment, scope, role)
) STRICT;

-- What was done and what was refused. Refusals of one minute that are alike are one entry with a count.
CREATE TABLE audit (
    id         INTEGER NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    enrollment TEXT COLLATE NOCASE,
    target     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    times      INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at);

-- Questions of jobs have another form now; whoever waits for one asks again.
DELETE FROM report_jobs;
