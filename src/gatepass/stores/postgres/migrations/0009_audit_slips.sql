-- Against slips, as in SQLite. Whoever owns these tables can remove this as well; the seal is for them.
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', tg_argv[0];
END $$;

-- Once for a statement, not for each row: months of entries go at once. The schema is named, because a tool may come
-- with another search_path than the role's.
CREATE FUNCTION audit_refuses_unless_old() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_old bigint;
BEGIN
    EXECUTE format('SELECT start_number FROM %I.audit_seal', tg_table_schema) INTO last_old;
    IF EXISTS (SELECT FROM gone WHERE number > coalesce(last_old, 0)) THEN
        RAISE EXCEPTION '%', tg_argv[0];
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_entries_stay_as_they_are BEFORE UPDATE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_refuses('audit entries are never changed');

CREATE TRIGGER audit_entries_stay AFTER DELETE ON audit_entries REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses_unless_old('audit entries are deleted for their age alone');

CREATE TRIGGER audit_entries_stay_together BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses('audit entries are deleted for their age alone');
