"""What PostgreSQL alone can do to the audit log by a slip, beside what tests/conformance has for both stores."""

from __future__ import annotations

import subprocess

import asyncpg
import pytest

from gatepass.domain.audit import AuditEvent, Deed, Link, Seal
from gatepass.domain.occasion import Door, Occasion
from gatepass.stores import postgres
from gatepass.stores.postgres.connection import Target
from gatepass.stores.tables import TABLES
from tests.kit.postgres import Server, shared_server
from tests.kit.store_world import NOW

EVENT = AuditEvent(Deed.SIGN_IN, NOW, Occasion(Door.SERVER))


@pytest.fixture
def server() -> Server:
    return shared_server()


@pytest.fixture
async def schema(server: Server) -> str:
    """One with a log of three entries, of which the first is old by the seal."""
    name = server.new_schema()
    await postgres.upgrade(server.url(name))
    store = await postgres.open_store(server.url(name))
    for _ in range(3):
        await store.audit.record(EVENT)
    old, digest = server.psql(f"SELECT number, encode(digest, 'hex') FROM {name}.audit_entries LIMIT 1").split("|")
    first, (_, last) = Link(int(old), bytes.fromhex(digest)), await store.audit.ends()
    assert await store.audit.replace_seal(None, Seal(first, last, b"mac"))
    await store.close()
    return name


@pytest.mark.parametrize(
    "slip",
    ["TRUNCATE {0}.audit_entries", "TRUNCATE {0}.accounts, {0}.audit_entries CASCADE", "DELETE FROM {0}.audit_entries"],
)
def test_a_superuser_is_refused_too_and_needs_no_search_path(server: Server, schema: str, slip: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        server.psql(slip.format(schema))
    assert "audit entries are deleted for their age alone" in refused.value.stderr
    assert server.psql(f"SELECT count(*) FROM {schema}.audit_entries") == "2"


def test_a_schema_that_was_renamed_still_knows_what_is_old(server: Server, schema: str) -> None:
    server.psql(f"ALTER SCHEMA {schema} RENAME TO {schema}_later")
    later = f"{schema}_later.audit_entries"
    with pytest.raises(subprocess.CalledProcessError):
        server.psql(f"DELETE FROM {later} WHERE number = 2")
    server.psql(f"UPDATE {schema}_later.audit_seal SET start_number = 2")
    server.psql(f"DELETE FROM {later} WHERE number = 2")
    assert server.psql(f"SELECT number FROM {later}") == "3"


async def test_nobody_adds_an_entry_while_a_copy_fills_the_store(server: Server, schema: str) -> None:
    """Its number would be that of an entry that arrives."""
    connection = await Target.of(server.url(schema)).connect()
    try:
        await connection.execute("SET lock_timeout = 50")
        async with postgres.filling(server.url(schema)) as filling:
            await filling.clear(TABLES[0])
            with pytest.raises(asyncpg.LockNotAvailableError):
                await connection.execute("SELECT number FROM audit_last FOR UPDATE")
    finally:
        await connection.close()
