"""A copy notices who else is at work on its two stores: what they are told meanwhile would be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores import copying, sqlite
from gatepass.stores.opening import open_store, room_of, upgrade
from gatepass.stores.tables import TABLES
from tests.kit.postgres import servers_are, shared_server

KINDS = ("sqlite", "postgres")


class Serving:
    """Another process that is at work on a store."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.kit.serving_child", url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._says("there")

    def lets_somebody_sign_in(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self._says("signed in")

    def _says(self, wanted: str) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == f"{wanted}\n"

    def stops(self) -> None:
        self.process.communicate(timeout=30)


@contextmanager
def serving(url: str) -> Iterator[Serving]:
    server = Serving(url)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


@pytest.fixture
async def urls(tmp_path: Path) -> dict[str, str]:
    """A store of each kind, with its tables."""
    urls = {"sqlite": f"sqlite:///{tmp_path / 'a.db'}", "postgres": shared_server().new_url()}
    for url in urls.values():
        await upgrade(url)
    return urls


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder to which every user may come."""
    folder = Path(tempfile.mkdtemp(prefix="gatepass-open-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


async def copy(
    source: str, target: str, *, replaces: bool = False, rehearses: bool = False
) -> tuple[dict[str, int], Sequence[str]]:
    """How many rows arrived in each table, and the warnings."""
    warnings: list[str] = []
    arrived = await copying.copy(
        source, target, replaces=replaces, rehearses=rehearses, progress=lambda *_: None, warn=warnings.append
    )
    return {each.table: each.rows for each in arrived}, warnings


async def gone(url: str) -> None:
    """PostgreSQL has to read of the end of a connection; SQLite's locks go with the process."""
    if not url.startswith("sqlite:"):
        await servers_are(0, url)


def other(kind: str) -> str:
    return next(each for each in KINDS if each != kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_source_in_use_is_refused_and_its_server_notices_nothing(urls: dict[str, str], kind: str) -> None:
    source, target = urls[kind], urls[other(kind)]
    with serving(source) as server:
        server.lets_somebody_sign_in()
        for _ in range(3):
            with pytest.raises(
                StoreUnavailable, match=r"The source is in use by .*Stop its servers first.*--rehearsal"
            ):
                await copy(source, target)
            server.lets_somebody_sign_in()
        server.stops()
    await gone(urls[kind])
    arrived, _ = await copy(source, target)  # the target is as it was: there is nothing to replace
    assert arrived["sessions"] == 4


@pytest.mark.parametrize("kind", KINDS)
async def test_a_rehearsal_copies_while_the_server_goes_on_and_the_move_replaces_it(
    urls: dict[str, str], kind: str
) -> None:
    source, target = urls[kind], urls[other(kind)]
    with serving(source) as server:
        server.lets_somebody_sign_in()
        assert await copy(source, target, rehearses=True) == ({**_nothing(), "accounts": 1, "sessions": 1}, [])
        server.lets_somebody_sign_in()
        server.stops()
    await gone(urls[kind])
    arrived, _ = await copy(source, target, replaces=True)
    assert arrived["sessions"] == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_was_killed_is_in_nobodys_way(urls: dict[str, str], kind: str) -> None:
    with serving(urls[kind]) as server:
        server.lets_somebody_sign_in()
    await gone(urls[kind])
    arrived, _ = await copy(urls[kind], urls[other(kind)])
    assert arrived["sessions"] == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_target_in_use_is_refused_also_where_it_may_be_replaced(urls: dict[str, str], kind: str) -> None:
    """A server would go on with keys and sessions in its memory that its store has no more."""
    source, target = urls[other(kind)], urls[kind]
    with serving(target) as server:
        for rehearses in (True, False):
            with pytest.raises(StoreUnavailable, match=r"The target is in use by .*Stop its servers first"):
                await copy(source, target, replaces=True, rehearses=rehearses)
        server.lets_somebody_sign_in()
        server.stops()
    await gone(urls[kind])
    arrived, _ = await copy(source, target, replaces=True)
    assert arrived["sessions"] == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_no_server_starts_on_a_store_that_is_being_copied(urls: dict[str, str], kind: str) -> None:
    """It would not be seen any more, and what it were told would not come along."""
    room, where = room_of(urls[kind])
    patience = {"busy_timeout": timedelta(0)} if kind == "sqlite" else {}
    async with room.reading(where, alone=True):
        with pytest.raises(StoreUnavailable, match=r"stayed locked by another process|being copied by 'gatepass db"):
            await room.open_store(where, **patience)
    await (await open_store(urls[kind])).close()


async def test_servers_are_counted_with_the_addresses_that_they_are_connected_from(urls: dict[str, str]) -> None:
    source = urls["postgres"]
    with serving(source):
        store = await open_store(source)
        await store.revocations.news(0)
        try:
            with pytest.raises(
                StoreUnavailable, match=r"in use by (a|2) server process(es)?, connected from 127\.0\.0\.1\."
            ):
                await copy(source, urls["sqlite"])
        finally:
            await store.close()


async def test_servers_on_another_schema_of_the_database_are_not_in_the_way(urls: dict[str, str]) -> None:
    """The same role may have several schemas, each named by its URL. It is said: a pooler may have hidden a server."""
    elsewhere = shared_server().new_url()
    await upgrade(elsewhere)
    with serving(elsewhere):
        _, warnings = await copy(urls["postgres"], urls["sqlite"])
    assert [warning.partition(":")[0] for warning in warnings] == [
        "The database has other sessions of this role and application_name"
    ]


async def test_what_a_pooler_hides_is_said(urls: dict[str, str]) -> None:
    _, warnings = await copy(f"{urls['postgres']}&pgbouncer=true", urls["sqlite"])
    assert warnings == ["Servers cannot be seen through PgBouncer."]


async def test_one_store_by_two_names_is_said_to_be_one(urls: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "b.db").symlink_to(tmp_path / "a.db")
    with pytest.raises(StoreUnavailable, match="are the same store"):
        await copy(urls["sqlite"], f"sqlite:///{tmp_path / 'b.db'}")
    with pytest.raises(StoreUnavailable, match="or this one, if both URLs name the same store"):
        await copy(urls["postgres"], urls["postgres"].replace("127.0.0.1", "localhost"), replaces=True)


async def test_a_file_that_is_looked_at_is_left_as_it_was(urls: dict[str, str], tmp_path: Path) -> None:
    """Its bytes, and no file beside it."""
    before = content(tmp_path)
    assert list(before) == ["a.db"]
    await copy(urls["sqlite"], urls["postgres"])
    assert content(tmp_path) == before


async def test_of_a_file_that_may_not_be_written_it_is_said_that_nobody_knows(open_folder: Path) -> None:
    file = open_folder / "a.db"
    await sqlite.upgrade(file)
    file.chmod(0o444)
    with _as_nobody_in_particular():
        async with sqlite.reading(file, alone=True) as snapshot:
            assert snapshot.doubt == "The file may not be written by you: whether others have it open cannot be seen."
            assert await snapshot.count(TABLES[0]) == 0


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _nothing() -> dict[str, int]:
    return dict.fromkeys((table.name for table in TABLES), 0)


@contextmanager
def _as_nobody_in_particular() -> Iterator[None]:
    """Root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
