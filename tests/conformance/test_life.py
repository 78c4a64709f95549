"""What every store promises about its own life: opened, shared, closed, opened again."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.identifiers import Generation
from gatepass.usecases.ports import Opened, Rotated, Store
from tests.kit.store_world import HASH, MINUTE, NOW, Person, Place, a_session, an_account, announced, enrol, stored


async def test_everything_is_there_after_a_restart(ana: Person, place: Place) -> None:
    session, ended = await ana.signs_in(), await ana.signs_in()
    await ana.refreshes(session, 0, NOW + MINUTE)
    await ana.store.sessions.revoke(ended.id, NOW)
    await ana.store.close()
    again = await place.open()
    try:
        assert await stored(again, session.id) == replace(session, generation=Generation(1), rotated_at=NOW + MINUTE)
        found = await again.accounts.find(ana.account.email)
        assert found is not None
        assert found.account == ana.account
        assert await announced(again) == {ended.id}
        assert isinstance(await ana.on(again).refreshes(session, 1, NOW + MINUTE), Rotated)
    finally:
        await again.close()


async def test_what_one_process_wrote_another_reads_at_once(ana: Person, elsewhere: Store) -> None:
    session = await ana.signs_in()
    assert await elsewhere.accounts.find(ana.account.email) is not None
    assert await stored(elsewhere, session.id) == session


async def test_closing_finishes_what_waits(ana: Person, place: Place) -> None:
    sessions = [a_session(ana.account) for _ in range(200)]
    waiting = [asyncio.ensure_future(ana.store.sessions.open(session, HASH)) for session in sessions]
    await asyncio.sleep(0)
    await ana.store.close()
    assert await asyncio.gather(*waiting) == [Opened()] * 200
    again = await place.open()
    try:
        assert await stored(again, sessions[-1].id) == sessions[-1]
    finally:
        await again.close()


async def test_a_closed_store_refuses_and_closing_again_is_fine(ana: Person) -> None:
    session = await ana.signs_in()
    await ana.store.close()
    await ana.store.close()
    for deed in (
        lambda: ana.refreshes(session, 0),
        lambda: ana.store.accounts.find(ana.account.email),
        lambda: ana.store.accounts.add(an_account("new@example.org"), None),
        lambda: ana.store.revocations.since(0, NOW),
        ana.store.keys.all,
        ana.store.check,
    ):
        with pytest.raises(StoreUnavailable):
            await deed()


async def test_a_healthy_store_passes_its_check(store: Store) -> None:
    await store.check()


async def test_a_caller_that_gives_up_breaks_nothing(ana: Person) -> None:
    """Each refresh of a cancelled caller is done or not done, and everyone else is answered."""
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(60)))
    callers = [asyncio.ensure_future(ana.refreshes(session, 0)) for session in sessions]
    await asyncio.sleep(0)
    for caller in callers[::3]:
        caller.cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    for number, (session, outcome) in enumerate(zip(sessions, outcomes, strict=True)):
        assert isinstance(outcome, asyncio.CancelledError if number % 3 == 0 else Rotated)
        row = await stored(ana.store, session.id)
        assert row is not None
        assert row.generation in ({0, 1} if number % 3 == 0 else {1})
        assert isinstance(await ana.refreshes(session, row.generation), Rotated)


async def test_several_event_loops_in_several_threads_share_one_store(store: Store) -> None:
    people = [await enrol(store, f"{number}@example.org") for number in range(4)]
    generations: list[int] = []

    async def refresh_often(person: Person) -> None:
        sessions = await asyncio.gather(*(person.signs_in() for _ in range(10)))
        for generation in range(5):
            await asyncio.gather(*(person.refreshes(session, generation) for session in sessions))
        rows = [await stored(store, session.id) for session in sessions]
        generations.extend(row.generation for row in rows if row)

    threads = [threading.Thread(target=lambda p=person: asyncio.run(refresh_often(p))) for person in people]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    assert generations == [5] * 40
