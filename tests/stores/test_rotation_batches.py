"""Rotations that wait together are read and written together, and nobody can tell."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gatepass.domain.identifiers import Generation, SessionId, uuid7
from gatepass.domain.rotation import Judge, Verdict
from gatepass.domain.session import Session
from gatepass.stores.sqlite import SqliteStore
from gatepass.stores.sqlite.rotation import Rotate
from gatepass.usecases.ports import Replayed, Reused, Rotated, Rotation, Unknown
from tests.kit.store_world import MINUTE, NOW, SECOND, Person, announced, presents, stored


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rotations each batch had."""
    sizes: list[int] = []
    together = Rotate.together

    def counted(connection: sqlite3.Connection, operations: Sequence[Rotate]) -> list[Rotation]:
        sizes.append(len(operations))
        return together(connection, operations)

    monkeypatch.setattr(Rotate, "together", staticmethod(counted))
    return sizes


def refuses_to_judge(_: Session) -> Verdict:
    raise ZeroDivisionError


async def together(ana: Person, *asked: tuple[SessionId, Judge]) -> list[Rotation | BaseException]:
    """Presented in one turn of the event loop, each a second after the one before."""
    rotate = ana.store.sessions.rotate
    waiting = [rotate(session, judge, NOW + number * SECOND) for number, (session, judge) in enumerate(asked)]
    return await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 200])
async def test_a_batch_of_any_size_is_one(ana: Person, batches: list[int], count: int) -> None:
    """Each session moves on, those that are not there do not, and the outcomes are in order."""
    sessions = [await ana.signs_in() for _ in range(count)]
    batches.clear()
    stranger = SessionId(uuid7(NOW, os.urandom(10)))
    outcomes = await together(ana, (stranger, presents(0, NOW)), *((s.id, presents(0, NOW)) for s in sessions))
    assert batches == [count + 1]
    assert outcomes[0] == Unknown()
    assert outcomes[1:] == [
        Rotated(replace(session, generation=Generation(1), rotated_at=NOW + number * SECOND))
        for number, session in enumerate(sessions, start=1)
    ]
    for outcome in outcomes[1:]:
        assert isinstance(outcome, Rotated)
        assert await stored(ana.store, outcome.session.id) == outcome.session


async def test_two_of_one_session_see_each_other(ana: Person, batches: list[int]) -> None:
    """A double click: the second gets the first one's successor again. Then the successor moves the session on."""
    session = await ana.signs_in()
    outcomes = await together(ana, *((session.id, presents(generation, NOW + SECOND)) for generation in (0, 0, 1)))
    assert batches == [3]
    first = replace(session, generation=Generation(1), rotated_at=NOW)
    last = replace(session, generation=Generation(2), rotated_at=NOW + 2 * SECOND)
    assert outcomes == [Rotated(first), Replayed(first), Rotated(last)]
    assert await stored(ana.store, session.id) == last


async def test_reuse_ends_a_session_within_its_batch(ana: Person, batches: list[int]) -> None:
    """Whoever comes behind the thief in the same batch is refused already, and the generation before stays written."""
    session, other = await ana.signs_in(), await ana.signs_in()
    late = NOW + 5 * MINUTE
    outcomes = await together(
        ana,
        (session.id, presents(0, NOW)),
        (session.id, presents(0, late)),
        (session.id, presents(1, late)),
        (other.id, presents(0, NOW)),
    )
    moved = replace(session, generation=Generation(1), rotated_at=NOW)
    ended = replace(moved, revoked_at=NOW + SECOND)
    assert outcomes[:3] == [Rotated(moved), Reused(ended), Unknown()]
    assert isinstance(outcomes[3], Rotated)
    assert await stored(ana.store, session.id) == ended
    assert await announced(ana.store) == {session.id}


async def test_a_judge_that_fails_fails_alone(ana: Person, batches: list[int]) -> None:
    """Its neighbours are done without it."""
    sessions = [await ana.signs_in() for _ in range(5)]
    judges = [presents(0, NOW)] * 3 + [refuses_to_judge] + [presents(0, NOW)]
    outcomes = await together(ana, *zip([s.id for s in sessions], judges, strict=True))
    assert [type(outcome) for outcome in outcomes] == [Rotated, Rotated, Rotated, ZeroDivisionError, Rotated]
    assert await stored(ana.store, sessions[3].id) == sessions[3]


async def test_other_operations_keep_their_place_among_them(store: SqliteStore, ana: Person) -> None:
    """A sign-out between two refreshes comes between them."""
    session = await ana.signs_in()
    before, _, behind = await asyncio.gather(
        store.sessions.rotate(session.id, presents(0, NOW), NOW),
        store.sessions.revoke(session.id, NOW),
        store.sessions.rotate(session.id, presents(1, NOW), NOW),
    )
    assert isinstance(before, Rotated)
    assert behind == Unknown()
