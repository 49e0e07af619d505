-- What rows taught about the hierarchy counts for as long as anything of their import is held: a corrected export must
-- not leave behind what only the faulty one said.
CREATE TABLE places_by_import (
    version           INTEGER NOT NULL,
    enrollment        TEXT NOT NULL COLLATE NOCASE,
    department_id     TEXT NOT NULL,
    department_name   TEXT NOT NULL,
    account_id        TEXT NOT NULL,
    account_name      TEXT NOT NULL,
    account_owner     TEXT NOT NULL,
    subscription_id   TEXT NOT NULL COLLATE NOCASE,
    subscription_name TEXT NOT NULL,
    PRIMARY KEY (enrollment, version, subscription_id, account_id, account_name, account_owner, department_id,
                 department_name, subscription_name)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO places_by_import
SELECT i.version,
       json_extract(e.value, '$.number'),
       COALESCE(json_extract(p.value, '$.departmentId'), ''),
       COALESCE(json_extract(p.value, '$.departmentName'), ''),
       COALESCE(json_extract(p.value, '$.accountId'), ''),
       COALESCE(json_extract(p.value, '$.accountName'), ''),
       COALESCE(json_extract(p.value, '$.accountOwner'), ''),
       COALESCE(json_extract(p.value, '$.subscriptionId'), ''),
       COALESCE(json_extract(p.value, '$.subscriptionName'), '')
FROM imports i, json_each(i.record, '$.enrollments') e, json_each(e.value, '$.places') p;

DROP TABLE places;
ALTER TABLE places_by_import RENAME TO places;
