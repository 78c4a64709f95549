-- OAuth clients. Their secrets are kept as SHA-256. `scopes` is NULL where a client may have all that an account has.
-- A client that acts for itself has an account with the same id, so that its sessions are like all others.
CREATE TABLE clients (
    id             TEXT PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    authentication TEXT NOT NULL,
    grants         TEXT NOT NULL,
    scopes         TEXT,
    redirect_uris  TEXT NOT NULL,
    is_first_party INTEGER NOT NULL,
    jwks           TEXT NOT NULL,
    secret_digest  BLOB CHECK (length(secret_digest) = 32),
    created_at     INTEGER NOT NULL
) WITHOUT ROWID;

-- Assertions by which clients have proven who they are; each counts once (RFC 7523 §3).
CREATE TABLE client_assertions (
    digest     BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX client_assertions_by_end ON client_assertions (expires_at);
