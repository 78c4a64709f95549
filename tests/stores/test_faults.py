"""When the disk, the file or another process does not play along: a fault with a safe message, and healing."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.session import Session
from gatepass.stores.sqlite import SqliteStore, back_up, open_store
from gatepass.usecases.ports import Added, Rotated
from tests.kit.store_world import NOW, SECOND, Person, an_account, enrol, stored


async def limit_pages(store: SqliteStore, pages: int) -> None:
    """SQLite answers with the very SQLITE_FULL that a full disk gives."""
    await store._writer.do(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())


async def fill_up(store: SqliteStore) -> StoreUnavailable:
    for number in range(500):
        try:
            await store.accounts.add(an_account(f"{number}-{'x' * 200}@example.org"), None)
        except StoreUnavailable as fault:
            return fault
    raise AssertionError("never full")


async def test_a_full_disk_is_a_fault_and_the_store_heals_by_itself(store: SqliteStore, ana: Person) -> None:
    session = await ana.signs_in()
    await limit_pages(store, 1)
    fault = await fill_up(store)
    assert "disk is full" in str(fault)
    assert isinstance(fault.__cause__, sqlite3.OperationalError)
    assert fault.__cause__.sqlite_errorcode == sqlite3.SQLITE_FULL
    known = len(await store.accounts.page(None, 1000))
    await limit_pages(store, 2**30)
    assert await store.accounts.add(an_account("new@example.org"), None) == Added()
    assert len(await store.accounts.page(None, 1000)) == known + 1
    assert isinstance(await ana.refreshes(session, 0), Rotated)


async def test_on_a_full_disk_neighbours_that_need_no_room_get_through(store: SqliteStore, ana: Person) -> None:
    session = await ana.signs_in()
    await limit_pages(store, 1)
    await fill_up(store)
    big = an_account(f"big-{'x' * 200}@example.org")
    outcomes = await asyncio.gather(
        ana.refreshes(session, 0), store.accounts.add(big, None), ana.refreshes(session, 1), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Rotated, StoreUnavailable, Rotated]
    assert await store.accounts.find(big.email) is None
    row = await stored(store, session.id)
    assert row is not None
    assert row.generation == 2


@contextmanager
def failing_disk() -> Iterator[None]:
    """The kernel refuses to let any file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_fails_at_commit_fails_everyone_in_it_and_writes_nothing(ana: Person, path: Path) -> None:
    sessions = [await ana.signs_in() for _ in range(20)]
    with failing_disk():
        outcomes = await asyncio.gather(*(ana.refreshes(s, 0) for s in sessions), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    assert {str(outcome) for outcome in outcomes} == {"The disk failed to read or write the database."}
    for session in sessions:
        assert await stored(ana.store, session.id) == session
        assert isinstance(await ana.refreshes(session, 0), Rotated)


async def test_a_backup_onto_a_disk_that_fails_names_the_copy_and_leaves_nothing(ana: Person, path: Path) -> None:
    """It is not the store's disk that the operator has to look at."""
    await ana.signs_in()
    before = {each.name for each in path.parent.iterdir()}
    copy = path.with_name("copy.db")
    with failing_disk(), pytest.raises(StoreUnavailable, match=f"^{re.escape(str(copy))}: The disk"):
        back_up(path, copy)
    with pytest.raises(StoreUnavailable, match=r"cannot be written: File name too long\."):
        back_up(path, path.with_name("x" * 255))
    assert {each.name for each in path.parent.iterdir()} == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs to mount a small disk: run as root, with CAP_SYS_ADMIN")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_on_a_disk_that_is_really_full_nothing_answered_is_lost_and_it_heals(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    store = await open_store(small_disk / "gatepass.db")
    ana = await enrol(store)
    ballast.write_bytes(bytes(100_000))
    answered: list[Session] = []

    async def sign_in_for_ever() -> None:
        while True:
            answered.append(await ana.signs_in())

    with pytest.raises(StoreUnavailable, match="disk is full"):
        await sign_in_for_ever()
    assert answered
    ballast.unlink()
    answered.append(await ana.signs_in())
    for session in answered:
        assert await stored(store, session.id) == session
    await store.close()


async def test_a_lock_that_another_process_keeps_is_a_fault_after_the_timeout(path: Path) -> None:
    store = await open_store(path, busy_timeout=timedelta(milliseconds=50))
    ana = await enrol(store)
    session = await ana.signs_in()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            await ana.refreshes(session, 0)
        assert await store.accounts.find(ana.account.email) is not None
        other.execute("ROLLBACK")
        assert isinstance(await ana.refreshes(session, 0, NOW + SECOND), Rotated)
    finally:
        other.close()
        await store.close()


async def test_a_flood_is_refused_past_the_limit_and_the_rest_is_served(path: Path) -> None:
    store = await open_store(path, queue_limit=20)
    try:
        ana = await enrol(store)
        session = await ana.signs_in()
        outcomes = await asyncio.gather(*(ana.refreshes(session, 0) for _ in range(400)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, StoreUnavailable)]
        assert refused
        assert len([outcome for outcome in outcomes if isinstance(outcome, Rotated)]) == 1
        assert {str(fault) for fault in refused} == {"The store has more waiting than it can do."}
        assert isinstance(await ana.refreshes(session, 1), Rotated)
    finally:
        await store.close()


async def test_the_reading_connection_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable, match="may not be written"):
        await store._reader.do(lambda connection: connection.execute("DELETE FROM accounts"))


async def test_a_failing_read_fails_alone(store: SqliteStore, ana: Person) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise LookupError

    outcomes = await asyncio.gather(
        store.accounts.find(ana.account.email),
        store._reader.do(fail),
        store._reader.do(lambda connection: connection.execute("SELECT * FROM nothing")),
        store.accounts.find(ana.account.email),
        return_exceptions=True,
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["StoredCredentials", "LookupError", "StoreUnavailable", "StoredCredentials"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_file_that_may_not_be_written_says_so(path: Path) -> None:
    await (await open_store(path)).close()
    os.chmod(path, 0o400)  # noqa: PTH101
    with pytest.raises(StoreUnavailable, match="may not be written"):
        await open_store(path)
