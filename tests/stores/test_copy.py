"""Everything moves from one store to another, and back, and nobody is signed out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatepass.domain.audit import AuditEvent, Deed, following
from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.identifiers import KeyId
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.stores import copying, postgres
from gatepass.stores.opening import open_store, room_of
from gatepass.stores.sqlite import migrations
from gatepass.stores.tables import TABLES
from gatepass.usecases.ports import Opened, Rotated, Store
from tests.kit.code_world import ORIGIN, a_code, a_device, approval, poll, redeem
from tests.kit.postgres import shared_server
from tests.kit.store_world import HASH, HOUR, MINUTE, NOW, Person, a_session, announced, enrol, stored

KEY = SealedKey(
    KeyId("k1"), KeyUse.ACCESS, Algorithm.ES256, KeyState.ACTIVE, b"\x00\xff" * 30, '{"kty":"EC"}', NOW, NOW
)


def quietly(table: str, done: int, total: int) -> None:
    assert done <= total


def unheard(doubt: str) -> None:
    assert doubt


async def copy(
    source: str, target: str, *, replaces: bool = False, rehearses: bool = False
) -> dict[str, copying.Copied]:
    arrived = await copying.copy(source, target, replaces=replaces, rehearses=rehearses, progress=quietly, warn=unheard)
    return {each.table: each for each in arrived}


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


@pytest.fixture
async def postgres_url() -> str:
    url = shared_server().new_url()
    await postgres.upgrade(url)
    return url


async def filled(store: Store) -> Person:
    """A store with something in every table, also what is empty or odd in it."""
    ana = await enrol(store, "zoë@example.org")
    await enrol(store, "ben@example.org", None)
    for number in range(30):
        session = await ana.signs_in(NOW + number * MINUTE)
        await ana.refreshes(session, 0, NOW + HOUR + timedelta(microseconds=number))
    granted = replace(a_session(ana.account), granted=())
    assert await store.sessions.open(granted, HASH, ORIGIN) == Opened()
    ended = await ana.signs_in()
    await store.sessions.revoke(ended.id, NOW)
    await store.keys.add_first(KEY)
    code, open_code, device = a_code(ana), a_code(ana), a_device()
    await store.authorization_codes.add(code, HASH, ORIGIN)
    await store.authorization_codes.add(replace(open_code, granted=None), HASH, ORIGIN)
    await redeem(store, code)
    await store.device_codes.add(device, ORIGIN)
    await store.device_codes.add(a_device(), ORIGIN)
    await poll(store, device)
    await store.device_codes.approve(device.user_code_digest, approval(ana), HASH, NOW)
    await store.client_assertions.spend(b"\x01" * 32, NOW)
    for number in range(3):
        account = ana.account.id if number else None
        await store.audit.record(AuditEvent(Deed.SIGN_IN, NOW, Occasion(Door.SERVER), account=account))
    return ana


async def test_what_went_to_postgresql_and_back_is_what_it_was(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """The digests are of the rows as they travel: they agree over all three stores."""
    store = await open_store(sqlite_url)
    await filled(store)
    await store.close()
    there = await copy(sqlite_url, postgres_url)
    back = await copy(postgres_url, f"sqlite:///{tmp_path / 'b.db'}")
    assert there == back
    assert {name for name, copied in there.items() if copied.rows == 0} == {"clients", "attempts", "audit_seal"}
    assert there["sessions"].rows == 33


async def test_nobody_is_signed_out(sqlite_url: str, postgres_url: str) -> None:
    store = await open_store(sqlite_url)
    ana = await filled(store)
    session = await ana.signs_in()
    await ana.refreshes(session, 0, NOW + MINUTE)
    revoked = await announced(store)
    before = await stored(store, session.id)
    await store.close()
    await copy(sqlite_url, postgres_url)
    moved = await open_store(postgres_url)
    try:
        assert await stored(moved, session.id) == before
        assert isinstance(await ana.on(moved).refreshes(session, 1, NOW + MINUTE), Rotated)
        assert await announced(moved) == revoked
        assert list(await moved.keys.all()) == [KEY]
        found = await moved.accounts.find(ana.account.email)
        assert found is not None
        assert found.account == ana.account
        _, last = await moved.audit.ends()
        await moved.audit.record(AuditEvent(Deed.SIGN_OUT, NOW, Occasion(Door.SERVER)))
        assert (await moved.audit.ends())[1] == following(last, AuditEvent(Deed.SIGN_OUT, NOW, Occasion(Door.SERVER)))
        assert last.number == 3
        # The feed goes on behind what came along.
        cursor = (await moved.revocations.since(0, NOW)).cursor
        await moved.sessions.revoke(session.id, NOW)
        assert [each.session for each in (await moved.revocations.since(cursor, NOW)).revocations] == [session.id]
    finally:
        await moved.close()


async def test_a_target_in_use_is_replaced_only_on_demand(sqlite_url: str, postgres_url: str) -> None:
    """Run again after more has happened at the source, it brings exactly what is there then."""
    store = await open_store(sqlite_url)
    ana = await filled(store)
    await copy(sqlite_url, postgres_url, rehearses=True)
    with pytest.raises(StoreUnavailable, match=r"The target is not empty: it has 2 accounts\. Say --replace"):
        await copy(sqlite_url, postgres_url, rehearses=True)
    await store.accounts.remove(ana.account.id, NOW)
    await store.close()
    again = await copy(sqlite_url, postgres_url, replaces=True)
    assert (again["accounts"].rows, again["sessions"].rows) == (1, 0)


async def test_a_copy_that_is_interrupted_leaves_the_target_as_it_was(sqlite_url: str, postgres_url: str) -> None:
    store = await open_store(sqlite_url)
    await filled(store)
    await store.close()
    before = await copy(sqlite_url, postgres_url)

    def interrupt(table: str, done: int, total: int) -> None:
        if table == "sessions" and done:
            raise KeyboardInterrupt

    assert await copy(postgres_url, sqlite_url, replaces=True) == before
    for source, target in ((sqlite_url, postgres_url), (postgres_url, sqlite_url)):
        with pytest.raises(KeyboardInterrupt):
            await copying.copy(source, target, replaces=True, rehearses=False, progress=interrupt, warn=unheard)
    assert await copy(sqlite_url, postgres_url, replaces=True) == before


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_happens_meanwhile_does_not_come_along(sqlite_url: str, postgres_url: str, kind: str) -> None:
    """The copy is of one moment: no session without its account."""
    url = {"sqlite": sqlite_url, "postgres": postgres_url}[kind]
    store = await open_store(url)
    room, where = room_of(url)
    snapshot: copying.Snapshot
    async with room.reading(where, alone=False) as snapshot:
        await (await enrol(store)).signs_in()
        assert [await snapshot.count(table) for table in TABLES] == [0] * len(TABLES)
    await store.close()


async def test_a_store_without_tables_is_no_target(sqlite_url: str) -> None:
    await (await open_store(sqlite_url)).close()
    with pytest.raises(StoreUnavailable, match="Run 'gatepass db upgrade' first"):
        await copy(sqlite_url, shared_server().new_url())
    with pytest.raises(StoreUnavailable, match="are the same store"):
        await copy(sqlite_url, sqlite_url)


async def test_what_cannot_be_opened_is_said_to_be_the_source_or_the_target(sqlite_url: str, tmp_path: Path) -> None:
    """And a file that was never a store is no source."""
    away = "postgresql://gatepass@127.0.0.1:1/gatepass"
    await (await open_store(sqlite_url)).close()
    with pytest.raises(StoreUnavailable, match=r"The target cannot be used\. The database cannot be reached"):
        await copy(sqlite_url, away)
    with pytest.raises(StoreUnavailable, match=r"The source cannot be used\. The database cannot be reached"):
        await copy(away, sqlite_url)
    for script, message in (
        ("", r"The source cannot be used\. There are no tables of Gatepass in "),
        ("CREATE TABLE notes (text)", "is a database of another program"),
    ):
        with closing(sqlite3.connect(tmp_path / "odd.db")) as connection:
            connection.execute(script)
        with pytest.raises(StoreUnavailable, match=message):
            await copy(f"sqlite:///{tmp_path / 'odd.db'}", sqlite_url)


async def test_an_older_file_is_no_source_and_the_command_that_helps_is_named(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await open_store(sqlite_url)).close()
    known = migrations.known()
    later = migrations.Migration(known[-1].version + 1, "9999_later", "CREATE TABLE later (a TEXT);\n")
    monkeypatch.setattr(migrations, "known", lambda: (*known, later))
    with pytest.raises(StoreUnavailable, match=r"lacks the migration 9999_later\. Run 'gatepass db upgrade' on it"):
        await copy(sqlite_url, f"sqlite:///{tmp_path / 'b.db'}")
    assert not (tmp_path / "b.db").exists()


async def test_no_table_and_no_column_is_forgotten(sqlite_url: str, postgres_url: str) -> None:
    """Whoever adds one to the migrations adds it to `gatepass.stores.tables` too."""
    await (await open_store(sqlite_url)).close()
    wanted = {table.name: set(table.names) for table in TABLES}
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        in_sqlite = {
            name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            for name in names
            if name != "migrations" and not name.startswith("sqlite_")
        }
    schema = postgres_url.rpartition("=")[2]
    lines = shared_server().psql(
        f"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '{schema}'"
    )
    in_postgres: dict[str, set[str]] = {}
    for line in lines.splitlines():
        table, column = line.split("|")
        in_postgres.setdefault(table, set()).add(column)
    # The end of the audit log is made from its entries.
    del in_postgres["migrations"], in_postgres["audit_last"]
    assert in_sqlite == wanted
    assert in_postgres == wanted
