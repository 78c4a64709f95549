"""What every store promises about what people see of their own sessions, and end themselves."""

from __future__ import annotations

import asyncio
import os

import pytest

from gatepass.domain.identifiers import AccountId, SessionId, uuid7
from gatepass.domain.session import Session, SessionOrigin
from gatepass.usecases.ports import AccountChanged, ListedSession, Opened
from tests.kit.store_world import DAY, HASH, LIMITS, NOW, OTHER_HASH, SECOND, Person, announced, reveal, stored

NOBODY = AccountId(uuid7(NOW, os.urandom(10)))


async def listed(person: Person, limit: int = 100, after: SessionId | None = None) -> list[Session]:
    """A page of a person's living sessions."""
    found = await person.store.sessions.page(
        person.account.id, after, limit, now=NOW + DAY, idle_since=NOW + DAY - LIMITS.idle
    )
    return [each.session for each in found]


async def signs_in_at(person: Person, *seconds: int) -> list[Session]:
    """Sessions opened one after the other."""
    return [await person.signs_in(NOW + second * SECOND) for second in seconds]


# -- page -------------------------------------------------------------------------------------------------------------


async def test_sessions_are_listed_newest_first_and_only_ones_own(ana: Person, ben: Person) -> None:
    first, second, third = await signs_in_at(ana, 1, 2, 3)
    await ben.signs_in(NOW + 2 * SECOND)
    assert await listed(ana) == [third, second, first]


async def test_a_listed_session_is_as_it_stands(ana: Person) -> None:
    (session,) = await signs_in_at(ana, 0)
    await ana.refreshes(session, 0, NOW + SECOND)
    (found,) = await listed(ana)
    assert (found.generation, found.opened_at, found.rotated_at) == (1, NOW, NOW + SECOND)
    assert found.account == ana.account


async def test_a_session_remembers_where_it_came_from(ana: Person) -> None:
    """What is not known is not there."""
    origin = SessionOrigin("2001:db8::7", "Browser/1 ünïcode")
    for where in (origin, SessionOrigin()):
        session = await ana.signs_in()
        await ana.store.sessions.revoke(session.id, NOW)
        session = Session(
            SessionId(uuid7(NOW, os.urandom(10))), ana.account, "gatepass", b"s" * 16, session.generation, NOW, NOW,
            session.ends_at,
        )  # fmt: skip
        assert await ana.store.sessions.open(session, HASH, where) == Opened()
        page = await ana.store.sessions.page(ana.account.id, None, 1, now=NOW, idle_since=NOW - DAY)
        assert list(page) == [ListedSession(session, where)]
        await ana.store.sessions.revoke(session.id, NOW)


async def test_pages_go_on_after_the_last_one_seen_whether_or_not_it_is_there_still(ana: Person) -> None:
    first, second, third = await signs_in_at(ana, 1, 2, 3)
    assert await listed(ana, limit=2) == [third, second]
    await ana.store.sessions.revoke(second.id, NOW + SECOND)
    assert await listed(ana, after=second.id) == [first]
    assert await listed(ana, after=first.id) == []


async def test_what_is_over_is_not_listed(ana: Person) -> None:
    """Revoked, at its absolute end, or idle for too long."""
    revoked, living = await signs_in_at(ana, 1, 2)
    await ana.store.sessions.revoke(revoked.id, NOW + SECOND)
    assert await listed(ana) == [living]
    page = ana.store.sessions.page
    assert not await page(ana.account.id, None, 9, now=living.ends_at, idle_since=NOW - DAY)
    assert not await page(ana.account.id, None, 9, now=NOW + DAY, idle_since=living.rotated_at)


async def test_operators_see_everybodys_sessions(ana: Person, ben: Person) -> None:
    (first,), (second,) = await signs_in_at(ana, 1), await signs_in_at(ben, 2)
    page = await ana.store.sessions.page(None, None, 9, now=NOW + DAY, idle_since=NOW - DAY)
    assert [each.session for each in page] == [second, first]
    page = await ana.store.sessions.page(None, second.id, 9, now=NOW + DAY, idle_since=NOW - DAY)
    assert [each.session for each in page] == [first]


# -- revoke and revoke_all --------------------------------------------------------------------------------------------


async def test_nobody_ends_the_session_of_somebody_else(ana: Person, ben: Person) -> None:
    session = await ana.signs_in()
    assert not await ana.store.sessions.revoke(session.id, NOW, of=ben.account.id)
    assert await stored(ana.store, session.id) == session
    assert await announced(ana.store) == set()
    assert await ana.store.sessions.revoke(session.id, NOW, of=ana.account.id)
    assert not await ana.store.sessions.revoke(session.id, NOW, of=ana.account.id)
    assert await announced(ana.store) == {session.id}


async def test_all_sessions_but_one_end(ana: Person, ben: Person) -> None:
    here, *others = await signs_in_at(ana, 1, 2, 3)
    away = await ben.signs_in()
    assert await ana.store.sessions.revoke_all(ana.account.id, NOW, but=here.id) == 2
    assert await announced(ana.store) == {session.id for session in others}
    assert await stored(ana.store, here.id) == here
    assert await stored(ana.store, away.id) == away


async def test_a_session_of_somebody_else_is_no_exception(ana: Person, ben: Person) -> None:
    session, away = await ana.signs_in(), await ben.signs_in()
    assert await ana.store.sessions.revoke_all(ana.account.id, NOW, but=away.id) == 1
    assert await announced(ana.store) == {session.id}


# -- with_id and replace_password -------------------------------------------------------------------------------------


async def test_an_account_is_found_by_its_id(ana: Person, ben: Person) -> None:
    found = await ana.store.accounts.with_id(ana.account.id)
    assert found is not None
    assert (found.account, reveal(found.password_hash)) == (ana.account, HASH.reveal())
    assert await ana.store.accounts.with_id(NOBODY) is None


@pytest.mark.parametrize("ends_others", [True, False])
async def test_a_password_is_replaced_by_who_knows_it(ana: Person, ben: Person, ends_others: bool) -> None:
    """The one that asks goes on; the others do if they may."""
    here, other = await signs_in_at(ana, 1, 2)
    away = await ben.signs_in()
    ended = await ana.store.accounts.replace_password(
        ana.account.id, HASH, OTHER_HASH, NOW, others_of=here.id if ends_others else None
    )
    assert ended == int(ends_others)
    assert await announced(ana.store) == ({other.id} if ends_others else set())
    for session in (here, away):
        assert await stored(ana.store, session.id) == session
    found = await ana.store.accounts.with_id(ana.account.id)
    assert found is not None
    assert reveal(found.password_hash) == OTHER_HASH.reveal()
    untouched = await ana.store.accounts.with_id(ben.account.id)
    assert untouched is not None
    assert reveal(untouched.password_hash) == HASH.reveal()


@pytest.mark.parametrize("meanwhile", ["changed", "disabled", "removed"])
async def test_a_password_that_was_checked_too_early_replaces_nothing(ana: Person, meanwhile: str) -> None:
    """The check and the change are one: nobody undoes a change or an operator's lock."""
    session = await ana.signs_in()
    accounts, account = ana.store.accounts, ana.account.id
    if meanwhile == "changed":
        await accounts.upgrade_hash(account, HASH, OTHER_HASH)
    elif meanwhile == "disabled":
        await accounts.set_enabled(account, enabled=False, now=NOW)
    else:
        await accounts.remove(account, NOW)
    before, refused = await accounts.with_id(account), await announced(ana.store)
    newer = type(HASH)("$argon2id$newer")
    assert await accounts.replace_password(account, HASH, newer, NOW, others_of=session.id) == AccountChanged()
    after = await accounts.with_id(account)
    assert await announced(ana.store) == refused
    if before is None:
        assert after is None
    else:
        assert after is not None
        assert reveal(after.password_hash) == reveal(before.password_hash)


async def test_of_many_who_replace_a_password_at_once_one_does(ana: Person) -> None:
    """The second one's check was of the first one's past."""
    session = await ana.signs_in()
    hashes = [type(HASH)(f"$argon2id$number{number}") for number in range(20)]
    outcomes = await asyncio.gather(
        *(ana.store.accounts.replace_password(ana.account.id, HASH, new, NOW, others_of=session.id) for new in hashes)
    )
    assert sorted(map(repr, outcomes)) == ["0"] + ["AccountChanged()"] * 19
    found = await ana.store.accounts.with_id(ana.account.id)
    assert found is not None
    assert reveal(found.password_hash) == hashes[outcomes.index(0)].reveal()
