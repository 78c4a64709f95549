-- Codes are kept as their SHA-256. One that was traded names its session and goes with it: a second attempt ends it.
-- `scopes` and `granted` are what a client may have at most, NULL for all that the account has.
CREATE TABLE authorization_codes (
    digest           BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    account_id       BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id        TEXT NOT NULL,
    redirect_uri     TEXT NOT NULL,
    challenge        TEXT NOT NULL,
    scopes           TEXT,
    authenticated_at INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    address          TEXT,
    user_agent       TEXT,
    session_id       BLOB REFERENCES sessions (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX authorization_codes_by_account ON authorization_codes (account_id);
CREATE INDEX authorization_codes_by_session ON authorization_codes (session_id);
CREATE INDEX authorization_codes_open ON authorization_codes (expires_at) WHERE session_id IS NULL;

-- `is_approved` is empty until somebody answers; the approver's columns are empty until they say yes.
CREATE TABLE device_codes (
    digest           BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    user_code_digest BLOB NOT NULL UNIQUE CHECK (length(user_code_digest) = 32),
    client_id        TEXT NOT NULL,
    scopes           TEXT,
    expires_at       INTEGER NOT NULL,
    interval         INTEGER NOT NULL,
    polled_at        INTEGER,
    address          TEXT,
    user_agent       TEXT,
    is_approved      INTEGER,
    account_id       BLOB REFERENCES accounts (id) ON DELETE CASCADE,
    granted          TEXT,
    authenticated_at INTEGER,
    session_id       BLOB REFERENCES sessions (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX device_codes_by_account ON device_codes (account_id);
CREATE INDEX device_codes_by_session ON device_codes (session_id);
CREATE INDEX device_codes_open ON device_codes (expires_at) WHERE session_id IS NULL;
