"""What makes PostgreSQL quick: batches, updates that touch no index, sweeps that wait for nobody."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.rotation import Verdict
from gatepass.domain.session import Session, SessionOrigin
from gatepass.stores import postgres
from gatepass.stores.postgres import PostgresStore
from gatepass.usecases.ports import Opened, Rotated
from tests.kit.postgres import Server, shared_server
from tests.kit.store_world import DAY, HASH, HOUR, NOW, Person, a_session, announced, enrol, stored
from tests.kit.waiting import until


@pytest.fixture
def server() -> Server:
    return shared_server()


@pytest.fixture
def schema(server: Server) -> str:
    return server.new_schema()


@pytest.fixture
def url(server: Server, schema: str) -> str:
    return server.url(schema)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    await postgres.upgrade(url)
    store = await postgres.open_store(url)
    yield store
    await store.close()


@pytest.fixture
async def ana(store: PostgresStore) -> Person:
    return await enrol(store)


@pytest.fixture
async def beside(url: str, store: PostgresStore) -> AsyncIterator[asyncpg.Connection]:
    """Another client of the database, that does what it likes."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def test_a_rotation_touches_no_index(ana: Person, server: Server, schema: str) -> None:
    """Every one is a HOT update: the new version of the row is on the same page, and no index points elsewhere."""
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(1000)))
    for generation in range(4):
        random.shuffle(sessions)
        for start in range(0, len(sessions), 50):
            await asyncio.gather(*(ana.refreshes(session, generation) for session in sessions[start : start + 50]))
    await ana.store.close()

    def counted() -> list[int]:
        table = f"schemaname = '{schema}' AND relname = 'sessions'"
        found = server.psql(f"SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE {table}")
        return [int(number) for number in found.split("|")]

    await until(lambda: counted()[0] == 4000, seconds=20)  # they are sent when a connection ends
    assert counted()[1] >= 0.95 * 4000


async def test_what_waits_together_is_a_few_commits(ana: Person, store: PostgresStore, server: Server) -> None:
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(200)))
    batches: list[int] = []
    rotate_some = store.sessions._rotate_some

    async def count(connection, operations):  # type: ignore[no-untyped-def]
        batches.append(len(operations))
        return await rotate_some(connection, operations)

    store.sessions._rotate_some = count  # type: ignore[method-assign]
    await asyncio.gather(*(ana.refreshes(session, 0) for session in sessions))
    assert sum(batches) == 200
    assert len(batches) <= 4


async def test_values_that_the_database_refuses_fail_alone(ana: Person) -> None:
    """A text that PostgreSQL cannot hold, and a key that is there already, among forty others."""
    sessions = [a_session(ana.account) for _ in range(40)]
    twice = await ana.signs_in()
    deeds = [ana.store.sessions.open(session, HASH) for session in sessions]
    deeds.insert(7, ana.store.sessions.open(a_session(ana.account), HASH, SessionOrigin(user_agent="a\x00b")))
    deeds.insert(23, ana.store.sessions.open(twice, HASH))
    outcomes = await asyncio.gather(*deeds, return_exceptions=True)
    assert [place for place, outcome in enumerate(outcomes) if isinstance(outcome, StoreUnavailable)] == [7, 23]
    assert outcomes.count(Opened()) == 40


async def test_more_than_may_wait_is_refused_at_once(url: str) -> None:
    await postgres.upgrade(url)
    store = await postgres.open_store(url, queue_limit=20)
    ana = await enrol(store)
    outcomes = await asyncio.gather(*(ana.tries_to_sign_in() for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(outcome, StoreUnavailable) for outcome in outcomes) == 30
    assert isinstance(await ana.signs_in(), Session)
    await store.close()


async def test_a_row_that_others_keep_changing_is_rotated_all_the_same(ana: Person, beside: asyncpg.Connection) -> None:
    """After two batches in which somebody else was quicker, the row is locked first."""
    session = await ana.signs_in()
    seen = 0

    async def change(row: Session) -> None:
        await beside.execute("UPDATE sessions SET generation = generation + 1 WHERE id = $1", row.id)

    loop = asyncio.get_running_loop()

    def judge(row: Session) -> Verdict:
        nonlocal seen
        seen += 1
        if seen <= 3:
            # The judge is asked between the read and the write: exactly there somebody comes in between.
            asyncio.run_coroutine_threadsafe(change(row), loop)
        return Verdict.ROTATE

    outcome = await ana.store.sessions.rotate(session.id, judge, NOW)
    assert isinstance(outcome, Rotated)
    row = await stored(ana.store, session.id)
    assert row is not None
    assert row.generation >= outcome.session.generation


async def test_batches_that_meet_on_the_same_rows_do_not_wait_in_a_circle(ana: Person, url: str) -> None:
    """Two processes refresh and revoke the same sessions in opposite orders."""
    elsewhere = await postgres.open_store(url)
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(60)))
    there = ana.on(elsewhere)
    for turn in range(4):
        deeds = [ana.refreshes(session, turn) for session in sessions]
        deeds += [there.refreshes(session, turn) for session in reversed(sessions)]
        assert {type(outcome).__name__ for outcome in await asyncio.gather(*deeds)} == {"Rotated", "Replayed"}
    ends = [ana.store.sessions.revoke(session.id, NOW) for session in sessions]
    ends += [elsewhere.sessions.revoke(session.id, NOW) for session in reversed(sessions)]
    assert sum(await asyncio.gather(*ends)) == 60
    assert await announced(elsewhere) == {session.id for session in sessions}
    await elsewhere.close()


async def test_a_sweep_waits_for_nobody_and_takes_the_rest(ana: Person, beside: asyncpg.Connection) -> None:
    sessions = [await ana.signs_in() for _ in range(10)]
    async with beside.transaction():
        await beside.execute("SELECT FROM sessions WHERE id = $1 FOR UPDATE", sessions[4].id)
        started = time.monotonic()
        assert await ana.store.sessions.sweep(NOW, NOW + HOUR, 100) == 9
        assert time.monotonic() - started < 5
    assert await stored(ana.store, sessions[4].id) == sessions[4]
    assert await ana.store.sessions.sweep(NOW, NOW + HOUR, 100) == 1


async def test_followers_miss_nothing_however_many_revoke_at_once(ana: Person, url: str) -> None:
    """Numbers of the feed become visible in their order, so a cursor never skips one that was committed later."""
    stores = [await postgres.open_store(url) for _ in range(3)]
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(300)))
    told: set[object] = set()
    done = asyncio.Event()

    async def follow() -> None:
        cursor = 0
        while True:
            last = done.is_set()
            page = await ana.store.revocations.since(cursor, NOW)
            cursor = page.cursor
            told.update(revocation.session for revocation in page.revocations)
            if last:
                return
            await asyncio.sleep(0)

    follower = asyncio.create_task(follow())

    async def revoke(number: int, session: Session) -> None:
        await asyncio.sleep(number % 29 / 300)
        await stores[number % 3].sessions.revoke(session.id, NOW)

    await asyncio.gather(*(revoke(number, session) for number, session in enumerate(sessions)))
    done.set()
    await follower
    assert told == {session.id for session in sessions}
    for store in stores:
        await store.close()


# -- through a pooler -------------------------------------------------------------------------------------------------


async def test_through_pgbouncer_nothing_outlives_a_transaction(url: str, beside: asyncpg.Connection) -> None:
    """No prepared statement and no LISTEN stays on a connection that the next client will get."""
    store = await postgres.open_store(f"{url}&pgbouncer=true")
    ana = await enrol(store)
    session = await ana.signs_in()
    assert isinstance(await ana.refreshes(session, 0), Rotated)
    await store.sessions.revoke(session.id, NOW)
    assert await announced(store) == {session.id}
    async with store._pools[0].acquire() as connection:
        assert await connection.fetch("SELECT * FROM pg_prepared_statements") == []
    await store.revocations.news(0.01)
    assert await beside.fetch("SELECT * FROM pg_stat_activity WHERE query LIKE 'LISTEN%'") == []
    await store.sessions.sweep(NOW + DAY, NOW + DAY, 100)
    await store.close()
