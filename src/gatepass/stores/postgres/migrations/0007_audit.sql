-- Entries are numbered from 1 without gaps; each digest covers the entry and the digest before it.
CREATE TABLE audit_entries (
    number     bigint PRIMARY KEY,
    at         timestamptz NOT NULL,
    deed       text NOT NULL,
    result     text NOT NULL,
    reason     text,
    account_id uuid,
    email      text COLLATE "C",
    session_id uuid,
    client_id  text,
    door       text NOT NULL,
    operator   text,
    address    text,
    user_agent text,
    request_id text,
    detail     text,
    digest     bytea NOT NULL CHECK (length(digest) = 32)
);

CREATE INDEX audit_entries_by_account ON audit_entries (account_id, number) WHERE account_id IS NOT NULL;

-- The end of the chain, one row: who adds an entry locks it.
CREATE TABLE audit_last (
    id     integer PRIMARY KEY CHECK (id = 1),
    number bigint NOT NULL,
    digest bytea NOT NULL
) WITH (fillfactor = 10);

INSERT INTO audit_last (id, number, digest) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- One row at most. Entries up to `start_number` were deleted for their age.
CREATE TABLE audit_seal (
    id           integer PRIMARY KEY CHECK (id = 1),
    start_number bigint NOT NULL,
    start_digest bytea NOT NULL,
    end_number   bigint NOT NULL,
    end_digest   bytea NOT NULL,
    mac          bytea NOT NULL
);
