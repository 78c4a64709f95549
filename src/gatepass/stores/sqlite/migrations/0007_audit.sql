-- Entries are numbered from 1 without gaps; each digest covers the entry and the digest before it.
CREATE TABLE audit_entries (
    number     INTEGER PRIMARY KEY NOT NULL,
    at         INTEGER NOT NULL,
    deed       TEXT NOT NULL,
    result     TEXT NOT NULL,
    reason     TEXT,
    account_id BLOB,
    email      TEXT,
    session_id BLOB,
    client_id  TEXT,
    door       TEXT NOT NULL,
    operator   TEXT,
    address    TEXT,
    user_agent TEXT,
    request_id TEXT,
    detail     TEXT,
    digest     BLOB NOT NULL CHECK (length(digest) = 32)
);

CREATE INDEX audit_entries_by_account ON audit_entries (account_id, number) WHERE account_id IS NOT NULL;

-- One row at most. Entries up to `start_number` were deleted for their age.
CREATE TABLE audit_seal (
    id           INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    start_number INTEGER NOT NULL,
    start_digest BLOB NOT NULL,
    end_number   INTEGER NOT NULL,
    end_digest   BLOB NOT NULL,
    mac          BLOB NOT NULL
);

-- Against slips. Who can write to this file can remove these as well; the seal is for them.
CREATE TRIGGER audit_entries_stay_as_they_are BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never changed');
END;

CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit_entries
WHEN old.number > coalesce((SELECT start_number FROM audit_seal), 0)
BEGIN
    SELECT RAISE(ABORT, 'audit entries are deleted for their age alone');
END;
