"""The schema is applied once and recorded, and what is not ours is left alone."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.sqlite import migrations, open_store
from gatepass.stores.sqlite.connection import BUSY_TIMEOUT, connect_for_writing, create_privately
from gatepass.stores.sqlite.migrations import APPLICATION_ID, Migration
from tests.kit.store_world import enrol

NEXT = migrations.known()[-1].version + 1
NEXT_STEP = Migration(
    NEXT, f"{NEXT:04}_next", "-- it; grows\nCREATE TABLE more (a);\n\nINSERT INTO more\n VALUES (';');\n"
)
BROKEN_STEP = Migration(NEXT, f"{NEXT:04}_broken", "CREATE TABLE more (a);\nCREATE TABLE more (b);\n")


def run_sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement)]


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    create_privately(path)
    with closing(connect_for_writing(path, "FULL", BUSY_TIMEOUT)) as connection:
        yield connection


def content(path: Path) -> bytes:
    return path.read_bytes()


async def made(path: Path) -> Path:
    await (await open_store(path)).close()
    return path


async def test_a_new_file_is_for_its_owner_only_and_so_are_its_companions(path: Path) -> None:
    store = await open_store(path)
    try:
        await enrol(store)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert modes == {"gatepass.db": 0o600, "gatepass.db-wal": 0o600, "gatepass.db-shm": 0o600}
    finally:
        await store.close()
    assert [file.name for file in path.parent.iterdir()] == ["gatepass.db"]


async def test_the_file_says_whose_it_is(path: Path) -> None:
    await made(path)
    assert run_sql(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert content(path)[68:72] == b"GPAS"


def read_pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


async def test_every_connection_is_set_for_durability(path: Path) -> None:
    store = await open_store(path)
    try:
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "mmap_size": 0}
        for pragma, value in wanted.items():
            assert await store._writer.do(partial(read_pragma, name=pragma)) == value
    finally:
        await store.close()


async def test_each_migration_is_recorded_with_its_checksum(path: Path) -> None:
    await made(path)
    recorded = run_sql(path, "SELECT version, name, checksum FROM migrations ORDER BY version")
    assert recorded == [(m.version, m.name, m.checksum) for m in migrations.known()]
    numbers = [m.version for m in migrations.known()]
    assert numbers == sorted(set(numbers))


async def test_opening_again_writes_nothing(path: Path) -> None:
    before = content(await made(path))
    assert content(await made(path)) == before


def test_an_older_file_gets_what_it_lacks(path: Path, connection: sqlite3.Connection) -> None:
    migrations.migrate(connection, path, BUSY_TIMEOUT, migrations.known())
    newer = [*migrations.known(), NEXT_STEP]
    with pytest.raises(StoreUnavailable, match=rf"lacks the migration {NEXT_STEP.name}\. Restart Gatepass"):
        migrations.check(connection, path, newer)
    migrations.migrate(connection, path, BUSY_TIMEOUT, newer)
    migrations.check(connection, path, newer)
    assert connection.execute("SELECT a FROM more").fetchall() == [(";",)]


def test_a_migration_that_fails_leaves_nothing_of_itself(path: Path, connection: sqlite3.Connection) -> None:
    migrations.migrate(connection, path, BUSY_TIMEOUT, migrations.known())
    with pytest.raises(sqlite3.OperationalError):
        migrations.migrate(connection, path, BUSY_TIMEOUT, [*migrations.known(), BROKEN_STEP])
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    migrations.check(connection, path, migrations.known())


async def refused(path: Path, match: str) -> None:
    before = content(path)
    with pytest.raises(StoreUnavailable, match=match) as caught:
        await open_store(path)
    assert str(path) in str(caught.value)
    assert content(path) == before


async def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    run_sql(path, "CREATE TABLE theirs (a)")
    await refused(path, "database of another program")
    assert run_sql(path, "PRAGMA journal_mode") == [("delete",)]


async def test_an_empty_database_that_another_program_claimed_is_refused(path: Path) -> None:
    run_sql(path, "PRAGMA application_id = 4711", "CREATE TABLE theirs (a)", "DROP TABLE theirs")
    await refused(path, "database of another program")


@pytest.fixture
def diary(path: Path) -> Path:
    path.write_text("Dear diary, " * 100)
    return path


async def test_a_file_that_is_no_database_is_refused(diary: Path) -> None:
    await refused(diary, "is not an SQLite database")


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    await made(path)
    run_sql(path, "INSERT INTO migrations (version, name, checksum) VALUES (99, '0099_later', 'x')")
    await refused(path, r"newer Gatepass \(0099_later\)\. Upgrade")


async def test_a_file_made_from_other_migrations_is_refused(path: Path) -> None:
    await made(path)
    run_sql(path, "UPDATE migrations SET checksum = 'x' WHERE version = 1")
    await refused(path, "another 0001_initial")


async def test_a_store_that_was_upgraded_under_its_feet_fails_its_check(path: Path) -> None:
    store = await open_store(path)
    try:
        await store.check()
        run_sql(path, "INSERT INTO migrations (version, name, checksum) VALUES (99, '0099_later', 'x')")
        with pytest.raises(StoreUnavailable, match="newer Gatepass"):
            await store.check()
    finally:
        await store.close()


async def test_a_folder_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await open_store(path / "nowhere" / "gatepass.db")
    with pytest.raises(StoreUnavailable, match="is a folder"):
        await open_store(path.parent)


OPEN_EACH_WHEN_TOLD = """
import asyncio, sys
from pathlib import Path
from gatepass.stores.sqlite import open_store

async def open_and_close(path):
    store = await open_store(path)
    await store.check()
    await store.close()

print("ready", flush=True)
for line in sys.stdin:
    asyncio.run(open_and_close(Path(line.strip())))
    print("done", flush=True)
"""


def test_processes_that_open_a_fresh_file_at_once_migrate_it_once(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", OPEN_EACH_WHEN_TOLD]
    openers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        assert [hear(opener) for opener in openers] == ["ready"] * 4
        for attempt in range(30):
            path = tmp_path / f"{attempt}.db"
            for opener in openers:
                tell(opener, path)
            assert [hear(opener) for opener in openers] == ["done"] * 4
            assert run_sql(path, "SELECT count(*) FROM migrations") == [(len(migrations.known()),)]
    finally:
        for opener in openers:
            opener.communicate(timeout=30)
    assert [opener.returncode for opener in openers] == [0] * 4


def hear(opener: subprocess.Popen[str]) -> str:
    assert opener.stdout is not None
    return opener.stdout.readline().strip()


def tell(opener: subprocess.Popen[str], path: Path) -> None:
    assert opener.stdin is not None
    opener.stdin.write(f"{path}\n")
    opener.stdin.flush()
