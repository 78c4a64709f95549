"""What every store promises when many want the same at once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta

import pytest

from gatepass.domain.rotation import Verdict
from gatepass.domain.session import Session, SessionLimits
from gatepass.usecases.ports import Replayed, Reused, Rotated, Store, Unknown
from tests.kit.store_world import NOW, Person, announced, stored

STRICT = SessionLimits(replay_window=timedelta(0))


def kinds(outcomes: object) -> Counter[str]:
    assert isinstance(outcomes, list)
    return Counter(type(outcome).__name__ for outcome in outcomes)


async def test_of_a_hundred_refreshes_of_one_token_one_rotates_and_all_get_the_same_successor(ana: Person) -> None:
    session = await ana.signs_in()
    outcomes = await asyncio.gather(*(ana.refreshes(session, 0) for _ in range(100)))
    assert kinds(outcomes) == {"Rotated": 1, "Replayed": 99}
    assert {outcome.session.generation for outcome in outcomes if isinstance(outcome, Rotated | Replayed)} == {1}


async def test_of_two_processes_with_one_token_one_rotates(ana: Person, elsewhere: Store) -> None:
    for _ in range(5):
        session = await ana.signs_in()
        people = [ana, ana.on(elsewhere)] * 25
        outcomes = await asyncio.gather(*(person.refreshes(session, 0) for person in people))
        assert kinds(outcomes) == {"Rotated": 1, "Replayed": 49}


async def test_of_many_strict_refreshes_of_one_token_one_rotates_and_the_next_ends_the_session(ana: Person) -> None:
    session = await ana.signs_in()
    outcomes = await asyncio.gather(*(ana.refreshes(session, 0, NOW, STRICT) for _ in range(100)))
    assert kinds(outcomes) == {"Rotated": 1, "Reused": 1, "Unknown": 98}
    assert await announced(ana.store) == {session.id}


async def test_refreshes_of_different_sessions_do_not_disturb_each_other(ana: Person, elsewhere: Store) -> None:
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(100)))
    people = [ana, ana.on(elsewhere)]
    for generation in range(3):
        outcomes = await asyncio.gather(*(people[i % 2].refreshes(s, generation) for i, s in enumerate(sessions)))
        assert kinds(outcomes) == {"Rotated": 100}
    rows = [await stored(ana.store, session.id) for session in sessions]
    assert {row.generation for row in rows if row} == {3}


async def test_a_refresh_that_races_with_a_sign_out_comes_before_it_or_is_refused(
    ana: Person, elsewhere: Store
) -> None:
    there = ana.on(elsewhere)
    for _ in range(10):
        session = await ana.signs_in()
        deeds = [ana.refreshes(session, 0), there.refreshes(session, 0)]
        signing_out = ana.store.sessions.revoke(session.id, NOW)
        order = [*deeds, signing_out]
        random.shuffle(order)
        await asyncio.gather(*order)
        row = await stored(ana.store, session.id)
        assert row is not None
        assert row.revoked_at == NOW
        assert session.id in await announced(elsewhere)
        assert await there.refreshes(session, row.generation) == Unknown()


async def test_a_refresh_that_began_after_the_sign_out_was_answered_never_gets_through(
    ana: Person, elsewhere: Store
) -> None:
    for _ in range(10):
        session = await ana.signs_in()
        await ana.store.sessions.revoke(session.id, NOW)
        outcomes = await asyncio.gather(*(ana.on(elsewhere).refreshes(session, 0) for _ in range(5)))
        assert kinds(outcomes) == {"Unknown": 5}


async def test_of_many_who_end_one_session_one_did_it(ana: Person, elsewhere: Store) -> None:
    session = await ana.signs_in()
    outcomes = await asyncio.gather(
        *(s.sessions.revoke(session.id, NOW) for s in (ana.store, elsewhere) for _ in range(10))
    )
    assert sorted(outcomes) == [False] * 19 + [True]
    page = await ana.store.revocations.since(0, NOW)
    assert len(page.revocations) == 1


async def test_reuse_is_found_once_however_often_the_token_comes_back(ana: Person) -> None:
    session = await ana.signs_in()
    for generation in range(2):
        await ana.refreshes(session, generation)
    outcomes = await asyncio.gather(*(ana.refreshes(session, 0) for _ in range(20)))
    assert kinds(outcomes) == {"Reused": 1, "Unknown": 19}
    assert isinstance(outcomes[0], Reused)


class JudgeFailed(Exception):
    pass


async def test_a_failing_operation_does_not_take_its_neighbours_with_it(ana: Person) -> None:
    """Only its own caller hears of it, and nothing of it is written."""
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(40)))

    def fail(session: Session) -> Verdict:
        raise JudgeFailed(session.id)

    deeds = [
        ana.store.sessions.rotate(session.id, fail, NOW) if number % 10 == 3 else ana.refreshes(session, 0)
        for number, session in enumerate(sessions)
    ]
    outcomes = await asyncio.gather(*deeds, return_exceptions=True)
    for number, (session, outcome) in enumerate(zip(sessions, outcomes, strict=True)):
        fails = number % 10 == 3
        assert isinstance(outcome, JudgeFailed if fails else Rotated)
        row = await stored(ana.store, session.id)
        assert row is not None
        assert row.generation == (0 if fails else 1)
        assert isinstance(await ana.refreshes(session, row.generation), Rotated)


async def test_a_judge_that_fails_alone_fails_alone(ana: Person) -> None:
    session = await ana.signs_in()

    def fail(_: Session) -> Verdict:
        raise JudgeFailed

    with pytest.raises(JudgeFailed):
        await ana.store.sessions.rotate(session.id, fail, NOW)
    assert await stored(ana.store, session.id) == session
