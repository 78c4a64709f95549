-- When a key came into its present state. The keys that are there have been active since they were made.
ALTER TABLE sealed_keys ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE sealed_keys SET since = created_at;

CREATE UNIQUE INDEX sealed_keys_one_next ON sealed_keys (use) WHERE state = 'next';
