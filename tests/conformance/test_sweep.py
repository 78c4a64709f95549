"""What every store promises about deleting what can never matter again."""

from __future__ import annotations

import asyncio

from gatepass.domain.session import Session
from gatepass.usecases.ports import Rotated, Store
from tests.kit.store_world import DAY, HOUR, LIMITS, MINUTE, NOW, SECOND, Person, announced, stored

LATER = NOW + 30 * DAY


async def are_there(store: Store, *sessions: Session) -> list[bool]:
    return [await stored(store, session.id) is not None for session in sessions]


async def test_rows_that_ended_were_revoked_or_idled_go_and_living_ones_stay(ana: Person) -> None:
    ended = await ana.signs_in(NOW - LIMITS.absolute)
    idle = await ana.signs_in(NOW)
    revoked = await ana.signs_in(LATER - DAY)
    alive = await ana.signs_in(LATER - HOUR)
    await ana.refreshes(ended, 0, NOW - LIMITS.absolute)
    await ana.store.sessions.revoke(revoked.id, LATER - DAY)
    assert await ana.store.sessions.sweep(LATER - HOUR, LATER - LIMITS.idle, 100) >= 3
    assert await are_there(ana.store, ended, idle, revoked, alive) == [False, False, False, True]
    assert isinstance(await ana.refreshes(alive, 0, LATER), Rotated)


async def test_rows_at_the_very_moment_stay(ana: Person) -> None:
    """Before means before."""
    session = await ana.signs_in()
    assert await ana.store.sessions.sweep(session.ends_at, session.rotated_at, 100) == 0
    assert await are_there(ana.store, session) == [True]


async def test_a_sweep_deletes_no_more_than_its_limit_and_less_only_at_the_end(ana: Person) -> None:
    old = [await ana.signs_in(NOW) for _ in range(25)]
    young = [await ana.signs_in(LATER) for _ in range(5)]
    sweeps = [await ana.store.sessions.sweep(NOW, LATER - LIMITS.idle, 10) for _ in range(4)]
    assert sweeps == [10, 10, 5, 0]
    assert await are_there(ana.store, *old) == [False] * 25
    assert await are_there(ana.store, *young) == [True] * 5


async def test_what_becomes_old_later_is_found_later(ana: Person) -> None:
    """A sweep may remember where it stopped, but overlooks nothing behind."""
    older = await ana.signs_in(NOW)
    await ana.refreshes(older, 0, NOW + HOUR)
    younger = await ana.signs_in(NOW + SECOND)
    assert await ana.store.sessions.sweep(NOW, NOW + MINUTE, 1) == 1
    assert await are_there(ana.store, older, younger) == [True, False]
    assert await ana.store.sessions.sweep(NOW, NOW + DAY, 1) == 1
    assert await are_there(ana.store, older) == [False]


async def test_old_revocation_entries_go_and_the_sessions_stay_refused_until_then(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.store.sessions.revoke(session.id, NOW)
    while await ana.store.sessions.sweep(NOW + HOUR, NOW - DAY, 100):
        pass
    assert await are_there(ana.store, session) == [False]
    assert await announced(ana.store) == {session.id}
    assert await ana.store.sessions.sweep(NOW + DAY, NOW - DAY, 100) == 1
    assert await announced(ana.store) == set()
    assert await ana.store.sessions.sweep(NOW + DAY, NOW - DAY, 100) == 0


async def test_a_sweep_beside_refreshes_breaks_none(ana: Person, elsewhere: Store) -> None:
    """A session that is refreshed between being looked at and being deleted is alive, and stays."""
    sessions = [await ana.signs_in(NOW) for _ in range(50)]
    refreshes = [ana.on(elsewhere).refreshes(session, 0, NOW + DAY) for session in sessions]
    sweeps = [ana.store.sessions.sweep(NOW, NOW + HOUR, 10) for _ in range(3)]
    outcomes = await asyncio.gather(*refreshes, *sweeps)
    for session, outcome in zip(sessions, outcomes[:50], strict=True):
        row = await stored(ana.store, session.id)
        assert (row is not None) == isinstance(outcome, Rotated)
