-- Attempts to sign in, by what they have in common. `owner` is the pseudonym of an account's name, empty for networks.
CREATE TABLE attempts (
    owner     BLOB NOT NULL,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    failures  INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, subject)
) WITHOUT ROWID;
