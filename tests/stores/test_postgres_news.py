"""Revocations are told at once, and found all the same where nobody tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gatepass.stores import postgres
from gatepass.stores.postgres import PostgresStore
from tests.kit.fault_proxy import FaultProxy, fault_proxy
from tests.kit.postgres import shared_server
from tests.kit.store_world import NOW, Person, enrol

LONG = 20.0


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    with fault_proxy(shared_server().port) as proxy:
        yield proxy


@pytest.fixture
async def ana() -> AsyncIterator[Person]:
    url = shared_server().new_url()
    await postgres.upgrade(url)
    store = await postgres.open_store(url)
    yield await enrol(store)
    await store.close()


@pytest.fixture
async def follower(ana: Person, proxy: FaultProxy) -> AsyncIterator[PostgresStore]:
    """Another process, behind a network that can fail."""
    assert isinstance(ana.store, PostgresStore)
    dsn = ana.store._reader._target.dsn
    store = await postgres.open_store(dsn.replace(str(shared_server().port), str(proxy.port)))
    yield store
    await store.close()


async def is_listening(store: PostgresStore) -> None:
    """Its first news is that it listens."""
    started = time.monotonic()
    await store.revocations.news(LONG)
    assert time.monotonic() - started < LONG / 2


async def revoked_after(ana: Person, follower: PostgresStore, at_most: float) -> float:
    """How long it takes the follower to hear of a revocation."""
    session = await ana.signs_in()
    cursor = (await follower.revocations.since(0, NOW)).cursor
    waiting = asyncio.create_task(follower.revocations.news(at_most))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    await ana.store.sessions.revoke(session.id, NOW)
    await waiting
    found = [each.session for each in (await follower.revocations.since(cursor, NOW)).revocations]
    assert found == [session.id]
    return time.monotonic() - started


async def test_a_revocation_wakes_every_other_process(ana: Person, follower: PostgresStore) -> None:
    await is_listening(follower)
    assert await revoked_after(ana, follower, LONG) < LONG / 2


async def test_news_that_come_while_the_last_are_read_are_not_slept_over(ana: Person, follower: PostgresStore) -> None:
    await is_listening(follower)
    await ana.store.sessions.revoke((await ana.signs_in()).id, NOW)
    await asyncio.sleep(0.3)
    started = time.monotonic()
    await follower.revocations.news(LONG)
    assert time.monotonic() - started < LONG / 2


async def test_a_connection_that_was_cut_listens_again_by_itself(
    ana: Person, follower: PostgresStore, proxy: FaultProxy
) -> None:
    await is_listening(follower)
    proxy.cut()
    await is_listening(follower)
    assert await revoked_after(ana, follower, LONG) < LONG / 2


async def test_where_nobody_can_tell_the_poll_finds_it_within_its_time(
    ana: Person, follower: PostgresStore, proxy: FaultProxy
) -> None:
    await is_listening(follower)
    await follower._listener.close()
    follower._listener._connect = None
    assert await revoked_after(ana, follower, 0.25) < 1
