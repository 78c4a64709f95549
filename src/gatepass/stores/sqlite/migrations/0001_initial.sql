-- Times are microseconds since 1970-01-01 UTC. Identifiers are the 16 bytes of a UUID.
-- No STRICT, no RETURNING: SQLite 3.34 of long-lived distributions shall do.

CREATE TABLE accounts (
    id            BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    email         TEXT NOT NULL UNIQUE,
    scopes        TEXT NOT NULL,
    password_hash TEXT,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER
) WITHOUT ROWID;

-- The key is time-ordered (UUIDv7), so new sessions land side by side. A rotation changes no indexed column.
CREATE TABLE sessions (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES accounts (id),
    client_id  TEXT NOT NULL,
    salt       BLOB NOT NULL,
    generation INTEGER NOT NULL,
    opened_at  INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;

CREATE INDEX sessions_by_account ON sessions (account_id);

-- AUTOINCREMENT: a number never comes back after a sweep, so a cursor never skips an entry.
CREATE TABLE revocations (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id BLOB NOT NULL,
    until      INTEGER NOT NULL
);

CREATE TABLE sealed_keys (
    id         TEXT PRIMARY KEY NOT NULL,
    use        TEXT NOT NULL,
    algorithm  TEXT NOT NULL,
    state      TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX sealed_keys_one_active ON sealed_keys (use) WHERE state = 'active';
