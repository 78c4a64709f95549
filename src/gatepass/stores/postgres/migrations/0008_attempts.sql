-- Attempts to sign in, by what they have in common. `owner` is the pseudonym of an account's name, empty for networks.
-- Rows change at every attempt and no index but the key does: a HOT update.
CREATE TABLE attempts (
    owner     bytea NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    subject   text COLLATE "C" NOT NULL,
    failures  bigint NOT NULL,
    at        timestamptz NOT NULL,
    forget_at timestamptz NOT NULL,
    PRIMARY KEY (owner, kind, subject)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
