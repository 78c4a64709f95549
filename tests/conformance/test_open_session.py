"""What every store promises about opening a session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from gatepass.domain.account import Scope
from gatepass.domain.rotation import is_over
from gatepass.usecases.ports import AccountChanged, Opened, Rotated, Store
from tests.kit.store_world import (
    HASH,
    LIMITS,
    NOW,
    OTHER_HASH,
    Person,
    a_session,
    an_account,
    announced,
    enrol,
    presents,
    stored,
)

Ending = Callable[[Store, Person], Awaitable[bool]]
ENDINGS: dict[str, Ending] = {
    "disable": lambda store, person: store.accounts.set_enabled(person.account.id, enabled=False, now=NOW),
    "set_password": lambda store, person: store.accounts.set_password(person.account.id, OTHER_HASH, NOW),
    "remove": lambda store, person: store.accounts.remove(person.account.id, NOW),
}


async def test_an_opened_session_is_there_as_it_was_given(ana: Person) -> None:
    session = await ana.signs_in()
    assert await stored(ana.store, session.id) == session


@pytest.mark.parametrize("granted", [(), ("companies:read",), ("companies:read", "gone:since")])
async def test_what_a_client_was_given_is_kept_and_never_more_than_the_account_has(
    ana: Person, granted: tuple[Scope, ...]
) -> None:
    session = replace(a_session(ana.account), granted=granted)
    assert await ana.store.sessions.open(session, HASH) == Opened()
    kept = await stored(ana.store, session.id)
    assert kept == session
    assert kept.scopes == tuple(scope for scope in granted if scope in ana.account.scopes)
    outcome = await ana.store.sessions.rotate(session.id, presents(0, NOW), NOW)
    assert isinstance(outcome, Rotated)
    assert outcome.session.granted == granted


async def test_a_session_of_an_account_without_password_can_be_opened(store: Store) -> None:
    service = await enrol(store, "service@example.org", None)
    session = await service.signs_in()
    assert await stored(store, session.id) == session


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_sign_in_that_comes_after_the_account_changed_does_not_get_through(ana: Person, ending: str) -> None:
    await ENDINGS[ending](ana.store, ana)
    session, outcome = await ana.tries_to_sign_in()
    assert outcome == AccountChanged()
    assert await stored(ana.store, session.id) is None
    assert await announced(ana.store) == set()


async def test_the_hash_that_was_checked_must_still_be_the_one(ana: Person) -> None:
    for wrong in (OTHER_HASH, None):
        session, outcome = await replace(ana, password_hash=wrong).tries_to_sign_in()
        assert outcome == AccountChanged()
        assert await stored(ana.store, session.id) is None


async def test_a_password_set_meanwhile_is_noticed_where_there_was_none(store: Store) -> None:
    service = await enrol(store, "service@example.org", None)
    await store.accounts.set_password(service.account.id, HASH, NOW)
    assert (await service.tries_to_sign_in())[1] == AccountChanged()


async def test_an_account_that_was_never_there_has_no_sessions(store: Store) -> None:
    session = a_session(an_account())
    assert await store.sessions.open(session, HASH) == AccountChanged()
    assert await stored(store, session.id) is None


@pytest.mark.parametrize("ending", ENDINGS)
async def test_sign_ins_that_race_with_the_end_of_access_leave_no_living_session(
    store: Store, elsewhere: Store, ending: str
) -> None:
    """Each of them came before, and was ended and announced, or came after and did not get through."""
    for number in range(8):
        person = await enrol(store, f"{ending}{number}@example.org")
        before = [person.on(s).tries_to_sign_in() for s in (store, elsewhere) for _ in range(5)]
        after = [person.on(s).tries_to_sign_in() for s in (store, elsewhere) for _ in range(5)]
        results = await asyncio.gather(*before, ENDINGS[ending]((store, elsewhere)[number % 2], person), *after)
        refused = await announced(store)
        for session, outcome in (result for result in results if isinstance(result, tuple)):
            row = await stored(store, session.id)
            assert row is None or is_over(row, NOW, LIMITS)
            assert (outcome == Opened()) == (session.id in refused)
