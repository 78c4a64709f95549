"""What every store promises about ending sessions and the feed that tells of it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY
from gatepass.domain.identifiers import SessionId, uuid7
from gatepass.domain.session import Session
from gatepass.usecases.ports import Revocation, Store
from tests.kit.store_world import DAY, HOUR, LIMITS, MINUTE, NOW, OTHER_HASH, SECOND, Person, Place, announced, stored

LIFE = MAX_ACCESS_TTL + MAX_LEEWAY


async def test_a_session_ends_once(ana: Person) -> None:
    session, other = await ana.signs_in(), await ana.signs_in()
    assert await ana.store.sessions.revoke(session.id, NOW + SECOND)
    assert not await ana.store.sessions.revoke(session.id, NOW + MINUTE)
    row = await stored(ana.store, session.id)
    assert row is not None
    assert row.revoked_at == NOW + SECOND
    assert await stored(ana.store, other.id) == other


async def test_a_session_that_is_not_there_cannot_end(store: Store) -> None:
    assert not await store.sessions.revoke(SessionId(uuid7(NOW, os.urandom(10))), NOW)
    assert await announced(store) == set()


async def test_a_session_past_its_end_and_its_last_access_token_has_ended_already(ana: Person) -> None:
    session = await ana.signs_in()
    assert not await ana.store.sessions.revoke(session.id, session.ends_at + LIFE)
    assert await ana.store.sessions.revoke_all(ana.account.id, session.ends_at + LIFE) == 0
    assert await stored(ana.store, session.id) == session


async def test_signing_out_of_a_session_just_past_its_end_still_ends_its_access_tokens(ana: Person) -> None:
    session = await ana.signs_in()
    for generation in range(8):
        await ana.refreshes(session, generation, NOW + generation * 11 * DAY)
    await ana.refreshes(session, 8, session.ends_at - SECOND)
    assert await ana.store.sessions.revoke(session.id, session.ends_at + MINUTE)
    assert await announced(ana.store, session.ends_at + MINUTE) == {session.id}


async def test_signing_out_everywhere_ends_all_of_ones_own_sessions(ana: Person, ben: Person) -> None:
    sessions = [await ana.signs_in() for _ in range(3)]
    other = await ben.signs_in()
    await ana.store.sessions.revoke(sessions[0].id, NOW)
    assert await ana.store.sessions.revoke_all(ana.account.id, NOW) == 2
    assert await ana.store.sessions.revoke_all(ana.account.id, NOW) == 0
    assert await announced(ana.store) == {session.id for session in sessions}
    assert await stored(ana.store, other.id) == other


async def test_an_entry_holds_until_the_last_access_token_has_expired(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.store.sessions.revoke(session.id, NOW + MINUTE)
    page = await ana.store.revocations.since(0, NOW + MINUTE)
    (entry,) = page.revocations
    assert entry.session == session.id
    assert NOW + LIFE <= entry.until <= NOW + MINUTE + LIFE


async def test_an_entry_holds_until_the_last_access_token_of_a_replay_has_expired(ana: Person) -> None:
    """A replay answers with a fresh access token without moving `rotated_at`."""
    session = await ana.signs_in()
    await ana.refreshes(session, 0)
    replayed = NOW + LIMITS.replay_window
    await ana.refreshes(session, 0, replayed)
    last_moment = replayed + LIFE - SECOND
    await ana.store.sessions.revoke(session.id, last_moment)
    assert await announced(ana.store, last_moment) == {session.id}


async def test_after_a_clock_that_jumped_back_an_entry_still_outlives_the_tokens(ana: Person) -> None:
    session = await ana.signs_in(NOW + HOUR)
    await ana.store.sessions.revoke(session.id, NOW)
    (entry,) = (await ana.store.revocations.since(0, NOW)).revocations
    assert entry.until >= NOW + HOUR + LIFE


async def test_a_session_whose_access_tokens_are_long_dead_is_not_announced(ana: Person) -> None:
    session = await ana.signs_in()
    assert await ana.store.sessions.revoke(session.id, NOW + DAY)
    assert await announced(ana.store, NOW + DAY) == set()


async def test_a_cursor_leads_on_from_where_the_last_page_ended(ana: Person) -> None:
    first, second = await ana.signs_in(), await ana.signs_in()
    empty = await ana.store.revocations.since(0, NOW)
    assert list(empty.revocations) == []
    await ana.store.sessions.revoke(first.id, NOW)
    one = await ana.store.revocations.since(empty.cursor, NOW)
    assert [entry.session for entry in one.revocations] == [first.id]
    assert list((await ana.store.revocations.since(one.cursor, NOW)).revocations) == []
    await ana.store.sessions.revoke(second.id, NOW)
    two = await ana.store.revocations.since(one.cursor, NOW)
    assert [entry.session for entry in two.revocations] == [second.id]
    assert await announced(ana.store) == {first.id, second.id}


async def test_expired_entries_are_not_told(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.store.sessions.revoke(session.id, NOW)
    assert await announced(ana.store, NOW + LIFE - SECOND) == {session.id}
    assert await announced(ana.store, NOW + LIFE) == set()


async def test_another_process_hears_of_it_at_once(ana: Person, elsewhere: Store) -> None:
    cursor = (await elsewhere.revocations.since(0, NOW)).cursor
    for _ in range(5):
        session = await ana.signs_in()
        assert list((await elsewhere.revocations.since(cursor, NOW)).revocations) == []
        await ana.store.sessions.revoke(session.id, NOW)
        page = await elsewhere.revocations.since(cursor, NOW)
        assert [entry.session for entry in page.revocations] == [session.id]
        cursor = page.cursor


ENDINGS: dict[str, Callable[[Person, Session], Awaitable[object]]] = {
    "revoke": lambda ana, session: ana.store.sessions.revoke(session.id, NOW),
    "revoke_all": lambda ana, session: ana.store.sessions.revoke_all(ana.account.id, NOW),
    "reuse": lambda ana, session: ana.refreshes(session, 0),
    "disable": lambda ana, session: ana.store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW),
    "set_password": lambda ana, session: ana.store.accounts.set_password(ana.account.id, OTHER_HASH, NOW),
    "remove": lambda ana, session: ana.store.accounts.remove(ana.account.id, NOW),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_every_way_to_end_a_session_is_told_to_every_process(ana: Person, elsewhere: Store, ending: str) -> None:
    session = await ana.signs_in()
    for generation in range(2):
        await ana.refreshes(session, generation)
    await ENDINGS[ending](ana, session)
    for view in (ana.store, elsewhere):
        assert await announced(view) == {session.id}


async def test_refreshes_are_not_news(ana: Person, elsewhere: Store) -> None:
    session = await ana.signs_in()
    cursor = (await elsewhere.revocations.since(0, NOW)).cursor
    await ana.refreshes(session, 0)
    page = await elsewhere.revocations.since(cursor, NOW)
    assert (list(page.revocations), page.cursor) == ([], cursor)


async def test_a_cursor_stays_good_over_sweeps_and_restarts(ana: Person, place: Place) -> None:
    first, second = await ana.signs_in(), await ana.signs_in()
    await ana.store.sessions.revoke(first.id, NOW)
    cursor = (await ana.store.revocations.since(0, NOW)).cursor
    while await ana.store.sessions.sweep(NOW + DAY, NOW - DAY, 100):
        pass
    await ana.store.close()
    again = await place.open()
    try:
        await again.sessions.revoke(second.id, NOW)
        page = await again.revocations.since(cursor, NOW)
        assert page.revocations == [Revocation(second.id, NOW + LIFE)]
        assert page.cursor > cursor
    finally:
        await again.close()


async def test_times_of_the_feed_are_aware(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.store.sessions.revoke(session.id, NOW)
    (entry,) = (await ana.store.revocations.since(0, NOW)).revocations
    assert entry.until.utcoffset() == timedelta(0)
