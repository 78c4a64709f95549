"""PostgreSQL's tables: made by command only, once, and never guessed at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores import postgres
from gatepass.stores.postgres import migrations
from gatepass.stores.postgres.connection import Target
from gatepass.stores.postgres.migrations import Migration
from tests.kit.postgres import ROLE, Server, shared_server

NEXT = Migration(
    migrations.known()[-1].version + 1, "9999_next", "CREATE TABLE more (a text); INSERT INTO more VALUES (';')"
)
BROKEN = Migration(migrations.known()[-1].version + 1, "9999_broken", "CREATE TABLE more (a text); SELECT nothing")


@pytest.fixture
def server() -> Server:
    return shared_server()


async def migrate(url: str, known: Sequence[Migration]) -> Sequence[str]:
    connection = await Target.of(url).connect()
    try:
        return await migrations.migrate(connection, known)
    finally:
        await connection.close()


async def test_an_empty_schema_gets_everything_once(server: Server) -> None:
    url, names = server.new_url(), [migration.name for migration in migrations.known()]
    assert await postgres.schema_status(url) == postgres.SchemaStatus([], names)
    assert list(await postgres.upgrade(url)) == names
    assert list(await postgres.upgrade(url)) == []
    assert await postgres.schema_status(url) == postgres.SchemaStatus(names, [])
    await (await postgres.open_store(url)).close()


async def test_of_several_that_upgrade_at_once_one_does_it(server: Server) -> None:
    url = server.new_url()
    applied = await asyncio.gather(*(postgres.upgrade(url) for _ in range(6)))
    assert sorted(map(len, applied)) == [0] * 5 + [len(migrations.known())]


async def test_each_migration_is_recorded_with_its_checksum(server: Server) -> None:
    schema = server.new_schema()
    await postgres.upgrade(server.url(schema))
    recorded = server.psql(f"SELECT version, name, checksum FROM {schema}.migrations ORDER BY version").splitlines()
    assert recorded == [f"{m.version}|{m.name}|{m.checksum}" for m in migrations.known()]


async def test_a_store_without_tables_says_which_command_makes_them(server: Server) -> None:
    with pytest.raises(StoreUnavailable, match=r"no tables of Gatepass in the database\. Run 'gatepass db upgrade'"):
        await postgres.open_store(server.new_url())


async def test_an_older_one_says_which_command_helps_and_gets_what_it_lacks(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_url()
    await postgres.upgrade(url)
    store = await postgres.open_store(url)
    newer = [*migrations.known(), NEXT]
    monkeypatch.setattr(migrations, "known", lambda: newer)
    with pytest.raises(StoreUnavailable, match=r"lacks the migration 9999_next\. Run 'gatepass db upgrade'"):
        await postgres.open_store(url)
    with pytest.raises(StoreUnavailable, match="lacks the migration"):
        await store.check()
    assert list(await postgres.upgrade(url)) == [NEXT.name]
    await store.check()
    await store.close()


async def test_one_that_a_newer_version_has_upgraded_is_refused(server: Server) -> None:
    url = server.new_url()
    await migrate(url, [*migrations.known(), NEXT])
    for deed in (postgres.open_store, postgres.upgrade, postgres.schema_status):
        with pytest.raises(StoreUnavailable, match=r"upgraded by a newer Gatepass \(9999_next\)\. Upgrade this one"):
            await deed(url)


async def test_one_that_was_made_from_other_migrations_is_refused(server: Server) -> None:
    schema = server.new_schema()
    await postgres.upgrade(server.url(schema))
    server.psql(f"UPDATE {schema}.migrations SET checksum = 'x'")
    for deed in (postgres.open_store, postgres.upgrade, postgres.schema_status):
        with pytest.raises(StoreUnavailable, match="made with another 0001_initial"):
            await deed(server.url(schema))


async def test_a_migration_that_fails_leaves_nothing_of_itself(server: Server) -> None:
    schema = server.new_schema()
    url = server.url(schema)
    await postgres.upgrade(url)
    with pytest.raises(Exception, match="nothing"):
        await migrate(url, [*migrations.known(), BROKEN])
    assert server.psql(f"SELECT to_regclass('{schema}.more')") == ""
    await (await postgres.open_store(url)).close()


async def test_tables_of_another_program_are_left_alone(server: Server) -> None:
    schema = server.new_schema()
    server.psql(f"CREATE TABLE {schema}.accounts (id int)")
    with pytest.raises(StoreUnavailable, match="has a table accounts that Gatepass did not make"):
        await postgres.upgrade(server.url(schema))
    assert server.psql(f"SELECT to_regclass('{schema}.migrations')") == ""


async def test_a_role_without_a_schema_is_told_what_to_make(server: Server) -> None:
    with pytest.raises(StoreUnavailable, match=r"no schema to work in.*CREATE SCHEMA AUTHORIZATION"):
        await postgres.upgrade(server.url("nowhere"))
    server.psql("CREATE SCHEMA of_somebody_else")
    server.psql(f"GRANT USAGE ON SCHEMA of_somebody_else TO {ROLE}")
    with pytest.raises(StoreUnavailable, match=r"may not do that\. It must own its schema"):
        await postgres.upgrade(server.url("of_somebody_else"))


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("&synchronous_commit=off", "synchronous_commit is off"),
        ("&default_transaction_isolation=serializable", "default_transaction_isolation is serializable"),
        ("&no_such_setting=1", "knows no such setting"),
        ("&pgbouncer=maybe", "pgbouncer must be true or false"),
        ("&sslmode=verify-full", "cannot be used|TLS to the database failed|reached"),
    ],
)
async def test_what_would_break_a_promise_is_refused(server: Server, parameter: str, message: str) -> None:
    """An answered rotation must survive power loss; statements count on seeing what was committed before them."""
    url = server.new_url()
    await postgres.upgrade(url)
    with pytest.raises(StoreUnavailable, match=message):
        await postgres.open_store(url + parameter)


async def test_what_cannot_be_reached_is_said_without_the_address(server: Server) -> None:
    url = server.new_url()
    wrong = [
        (url.replace(str(server.port), "1"), "cannot be reached"),
        (url.replace(f"//{ROLE}@", "//nobody:hunter2@"), "refuses the user, the password"),
        (re.sub(r"/\w+\?", "/nowhere?", url), "does not exist"),
    ]
    for address, message in wrong:
        with pytest.raises(StoreUnavailable, match=message) as refused:
            await postgres.open_store(address)
        assert not {"hunter2", "127.0.0.1"} & set(re.split(r"[^\w.]+", str(refused.value)))
