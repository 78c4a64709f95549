"""
What networks, machines and administrators do to a database.

Nothing answered is lost, nothing unanswered is half written, and everything goes on without a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.session import Session
from gatepass.stores import postgres
from gatepass.stores.postgres import PostgresStore
from gatepass.stores.postgres.faults import store_unavailable
from gatepass.usecases.ports import Replayed, Rotated, Unknown
from tests.kit.fault_proxy import FaultProxy, Loss, fault_proxy
from tests.kit.postgres import own_server, shared_server
from tests.kit.store_world import HASH, MINUTE, NOW, Person, a_session, announced, enrol, stored
from tests.kit.waiting import until

_SAID = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_LEAVE = b"E" + (len(_SAID) + 4).to_bytes(4, "big") + _SAID
"""`ErrorResponse` of PostgreSQL's protocol 3.0, as a server sends it that is stopped."""


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    with fault_proxy(shared_server().port) as proxy:
        yield proxy


@pytest.fixture
def schema() -> str:
    return shared_server().new_schema()


@pytest.fixture
async def steady(schema: str) -> AsyncIterator[PostgresStore]:
    """The store over a network that works, to see what is true."""
    url = shared_server().url(schema)
    await postgres.upgrade(url)
    store = await postgres.open_store(url)
    yield store
    await store.close()


@pytest.fixture
async def store(schema: str, steady: PostgresStore, proxy: FaultProxy) -> AsyncIterator[PostgresStore]:
    """The store over a network that fails."""
    store = await postgres.open_store(shared_server().url(schema, port=proxy.port), hot_connections=1)
    yield store
    await store.close()


@pytest.fixture
async def ana(store: PostgresStore, steady: PostgresStore) -> Person:
    """Someone with an account and a sign-in; the connections have done all of it before."""
    ana = (await enrol(steady)).on(store)
    for _ in range(2):
        session = await ana.signs_in()
        await ana.refreshes(session, 0)
        await store.sessions.revoke(session.id, NOW)
    return ana


# -- a connection that is cut -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("request_number", [1, 2])
async def test_a_refresh_that_is_cut_off_says_so_or_tells_the_truth_and_can_be_tried_again(
    ana: Person, steady: PostgresStore, proxy: FaultProxy, request_number: int, loss: Loss
) -> None:
    """What was only read is read again. Where the write's answer was lost, the same token gets its successor again."""
    session = await ana.signs_in()
    proxy.cut_at(request_number, loss)
    try:
        outcome = await ana.refreshes(session, 0)
    except StoreUnavailable:
        outcome = None
    row = await stored(steady, session.id)
    assert row is not None
    if outcome is not None:
        assert outcome == Rotated(row)
    is_done = request_number == 2 and loss is Loss.ANSWER
    assert (outcome is None) == (request_number == 2)
    assert row.generation == (1 if is_done or outcome is not None else 0)
    again = await ana.refreshes(session, 0, NOW + MINUTE / 2)
    assert isinstance(again, Replayed if row.generation else Rotated)
    assert again.session.generation == 1
    assert isinstance(await ana.refreshes(session, 1, NOW + MINUTE), Rotated)


@pytest.mark.parametrize("loss", Loss)
async def test_a_sign_in_that_is_cut_off_is_there_as_a_whole_or_not_at_all(
    ana: Person, steady: PostgresStore, proxy: FaultProxy, loss: Loss
) -> None:
    session = a_session(ana.account)
    proxy.cut_at(1, loss)
    with pytest.raises(StoreUnavailable):
        await ana.store.sessions.open(session, HASH)
    assert await stored(steady, session.id) == (session if loss is Loss.ANSWER else None)
    assert isinstance(await ana.signs_in(), Session)


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("request_number", [1, 2, 3, 4])
async def test_a_sign_out_that_is_cut_off_is_never_done_by_half(
    ana: Person, steady: PostgresStore, proxy: FaultProxy, request_number: int, loss: Loss
) -> None:
    """The session has ended and everybody is told, or neither; trying again ends it."""
    session = await ana.signs_in()
    before = await announced(steady)
    proxy.cut_at(request_number, loss)
    with pytest.raises(StoreUnavailable):
        await ana.store.sessions.revoke(session.id, NOW)
    row = await stored(steady, session.id)
    assert row is not None
    is_told = session.id in (await announced(steady)) - before
    assert (row.revoked_at == NOW) == is_told == (request_number == 4 and loss is Loss.ANSWER)
    assert await ana.store.sessions.revoke(session.id, NOW) != is_told
    assert session.id in await announced(steady)


@pytest.mark.parametrize("request_number", [1, 2, 3, 4, 5, 6, 7])
async def test_a_disable_that_is_cut_off_leaves_no_living_session_behind(
    ana: Person, steady: PostgresStore, proxy: FaultProxy, request_number: int
) -> None:
    session = await ana.signs_in()
    await ana.store.accounts.set_enabled(ana.account.id, enabled=True, now=NOW)
    proxy.cut_at(request_number, Loss.ANSWER)
    with contextlib.suppress(StoreUnavailable):
        await ana.store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW)
    found = await steady.accounts.find(ana.account.email)
    row = await stored(steady, session.id)
    assert found is not None
    assert row is not None
    assert found.account.enabled == (row.revoked_at is None) == (session.id not in await announced(steady))
    assert await ana.store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW)
    assert await ana.refreshes(session, 0) == Unknown()


async def test_all_connections_are_cut_and_the_next_question_is_answered(ana: Person, proxy: FaultProxy) -> None:
    session = await ana.signs_in()
    proxy.cut()
    assert await ana.store.accounts.find(ana.account.email) is not None
    assert isinstance(await ana.refreshes(session, 0), Rotated)


async def test_a_server_that_takes_its_leave_and_has_not_hung_up_yet_is_a_store_that_is_away(
    ana: Person, proxy: FaultProxy
) -> None:
    """In asyncpg such a connection is in a state that has no name; that was an error that nobody expected."""
    email = ana.account.email
    await asyncio.gather(*(ana.store.accounts.find(email) for _ in range(5)))  # on connections of their own
    found = []
    proxy.say(_LEAVE)
    await asyncio.sleep(0.02)  # until it is read; where it is not yet, the question is answered with it
    for _ in range(20):
        with contextlib.suppress(StoreUnavailable):
            found.append(await ana.store.accounts.find(email))
    assert found
    assert None not in found


async def test_while_nobody_can_connect_everything_fails_soon_and_then_goes_on(ana: Person, proxy: FaultProxy) -> None:
    session = await ana.signs_in()
    proxy.refuse(refuses=True)
    proxy.cut()
    deeds: list[Callable[[], Awaitable[object]]] = [
        lambda: ana.refreshes(session, 0),
        ana.tries_to_sign_in,
        lambda: ana.store.revocations.since(0, NOW),
        lambda: ana.store.accounts.find(ana.account.email),
        lambda: ana.store.accounts.set_enabled(ana.account.id, enabled=True, now=NOW),
        ana.store.check,
    ]
    started = time.monotonic()
    for deed in deeds:
        with pytest.raises(StoreUnavailable):
            await deed()
    assert time.monotonic() - started < 5
    proxy.refuse(refuses=False)
    assert isinstance(await ana.refreshes(session, 0), Rotated)


async def test_half_a_second_of_latency_makes_it_slow_and_nothing_else(ana: Person, proxy: FaultProxy) -> None:
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(100)))
    proxy.delay(0.25)  # there, and back
    started = time.monotonic()
    outcomes = await asyncio.gather(*(ana.refreshes(session, 0) for session in sessions))
    assert all(isinstance(outcome, Rotated) for outcome in outcomes)
    assert time.monotonic() - started < 10
    proxy.delay(0)


# -- a database that fails --------------------------------------------------------------------------------------------


async def test_after_the_database_was_killed_everything_answered_is_there_and_it_goes_on() -> None:
    """SIGKILL to every process of it while many refresh; the same store object works again once it is back."""
    with own_server() as server:
        url = server.new_url()
        await postgres.upgrade(url)
        store = await postgres.open_store(url)
        ana = await enrol(store)
        sessions = [await ana.signs_in() for _ in range(20)]
        answered = dict.fromkeys((session.id for session in sessions), 0)
        failures = 0
        is_over = asyncio.Event()

        async def refresh(session: Session) -> None:
            nonlocal failures
            while not is_over.is_set():
                generation = answered[session.id]
                try:
                    outcome = await ana.refreshes(session, generation)
                except StoreUnavailable:
                    failures += 1
                    await asyncio.sleep(0.02)
                else:
                    assert isinstance(outcome, Rotated | Replayed)
                    answered[session.id] = outcome.session.generation

        refreshing = [asyncio.create_task(refresh(session)) for session in sessions]
        await asyncio.sleep(0.5)
        server.kill()
        await until(lambda: failures, seconds=20)
        held = dict(answered)
        await asyncio.to_thread(server.start)
        for session in sessions:
            row = await stored(store, session.id)
            assert row is not None
            assert row.generation >= held[session.id]
        deadline = time.monotonic() + 20
        while any(answered[key] <= held[key] for key in held):
            assert time.monotonic() < deadline, "not every session goes on"
            await asyncio.sleep(0.05)
        is_over.set()
        await asyncio.gather(*refreshing)
        assert await announced(store) == set()
        await store.close()


async def test_a_read_only_database_is_read_and_says_so_to_who_wants_to_write(
    schema: str, steady: PostgresStore
) -> None:
    """After a failover, say, to a standby."""
    ana = await enrol(steady)
    session = await ana.signs_in()
    url = shared_server().url(schema, parameters="&default_transaction_read_only=on")
    store = await postgres.open_store(url)
    try:
        assert await store.accounts.find(ana.account.email) is not None
        for deed in (ana.on(store).refreshes(session, 0), store.sessions.revoke(session.id, NOW), store.check()):
            with pytest.raises(StoreUnavailable, match="read-only"):
                await deed
    finally:
        await store.close()
    assert await stored(steady, session.id) == session


async def test_a_server_that_is_told_to_drop_its_clients_is_used_again(ana: Person, schema: str) -> None:
    """As administrators do before an upgrade, and as idle limits do."""
    session = await ana.signs_in()
    shared_server().psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gatepass' AND state = 'idle'"
    )
    await asyncio.sleep(0.1)
    moved = await ana.refreshes(session, 0)
    assert moved == Rotated(replace(session, generation=moved.session.generation, rotated_at=NOW))  # type: ignore[union-attr]


def test_a_balancer_without_a_database_behind_it_is_not_taken_for_one_without_tls() -> None:
    """It hangs up at asyncpg's question for TLS, which also a URL that says nothing of TLS makes it ask."""
    hung_up, refused = ConnectionError("unexpected connection_lost() call"), ConnectionError("rejected SSL upgrade")
    assert str(store_unavailable(hung_up)).startswith("The database hung up before a connection was made.")
    assert str(store_unavailable(refused)).startswith("The database does not begin TLS")
