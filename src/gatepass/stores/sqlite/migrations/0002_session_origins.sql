-- What a client was given, where that is less than the account's own scopes (NULL: all of them), and from where.
ALTER TABLE sessions ADD COLUMN scopes TEXT;
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN user_agent TEXT;

-- A client's sessions end with it. The built-in client has nearly all sessions and never ends: it stays out.
CREATE INDEX sessions_by_client ON sessions (client_id) WHERE client_id <> 'gatepass';
