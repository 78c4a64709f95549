"""What every store promises about the audit log: what is noted with a deed, and the chain of all that was noted."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from gatepass.domain.account import EmailAddress
from gatepass.domain.audit import ORIGIN, AuditEvent, Deed, Link, Reason, Result, Seal, following
from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.rotation import Verdict
from gatepass.domain.session import Session, SessionOrigin
from gatepass.usecases.ports import (
    AccountChanged,
    AuditEntry,
    AuditQuery,
    Opened,
    Replayed,
    Reused,
    Rotation,
    Store,
)
from tests.kit.store_world import (
    HASH,
    MINUTE,
    NOW,
    OTHER_HASH,
    SECOND,
    Person,
    Place,
    a_session,
    an_account,
    presents,
    stored,
)

OCCASION = Occasion(Door.GRAPHQL, SessionOrigin("192.0.2.7", "Browser/1 ünïcode"), "request-0001")
EVENT = AuditEvent(Deed.SIGN_IN, NOW, OCCASION)


async def entries(store: Store) -> list[AuditEntry]:
    """All of them, oldest first, found to be a chain."""
    found = list(await store.audit.page(AuditQuery(limit=1000)))
    link = ORIGIN
    for entry in found:
        link = following(link, entry.event)
        assert entry.link == link
    assert (await store.audit.ends())[1] == link
    return found


async def deeds(store: Store) -> list[Deed]:
    """What was noted."""
    return [entry.event.deed for entry in await entries(store)]


# -- entries ----------------------------------------------------------------------------------------------------------


async def test_an_entry_is_kept_as_it_was_given(store: Store, ana: Person) -> None:
    """Every part of it, and what is not known as not known."""
    session = await ana.signs_in()
    full = AuditEvent(
        deed=Deed.SESSION_REVOKED,
        at=NOW,
        occasion=Occasion(Door.COMMAND_LINE, SessionOrigin("2001:db8::1", "日本/1"), "r" * 64, "root"),
        result=Result.REFUSED,
        reason=Reason.WRONG_PASSWORD,
        account=ana.account.id,
        email=ana.account.email,
        session=session.id,
        client_id="reports",
        detail="3 sessions",
    )
    bare = AuditEvent(Deed.SIGN_IN, NOW + SECOND, Occasion(Door.SERVER))
    await store.audit.record(full)
    await store.audit.record(bare)
    assert [entry.event for entry in await entries(store)] == [full, bare]


async def test_numbers_have_no_gaps_however_many_write(store: Store, elsewhere: Store) -> None:
    """Two processes, many at once."""
    await asyncio.gather(*(s.audit.record(EVENT) for s in (store, elsewhere) for _ in range(30)))
    assert [entry.link.number for entry in await entries(store)] == list(range(1, 61))


async def test_an_operation_that_fails_leaves_no_gap_and_no_entry(store: Store, ana: Person) -> None:
    """Its neighbours of the same commit are run again, and the chain with them."""
    session = await ana.signs_in()

    def fails(_: object) -> AuditEvent:
        raise ZeroDivisionError

    good = [store.audit.record(EVENT) for _ in range(5)]
    bad = store.sessions.revoke_all(ana.account.id, NOW, note=fails)
    outcomes = await asyncio.gather(*good, bad, *(store.audit.record(EVENT) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] in ([ZeroDivisionError], [StoreUnavailable])
    assert [entry.link.number for entry in await entries(store)] == list(range(1, 11))
    assert await stored(store, session.id) == session


# -- with a deed ------------------------------------------------------------------------------------------------------


async def test_a_deed_and_its_entry_are_one(store: Store, ana: Person) -> None:
    """The note sees the outcome; where it makes no entry, there is none."""
    session = a_session(ana.account)

    def note(outcome: Opened | AccountChanged) -> AuditEvent | None:
        return replace(EVENT, session=session.id) if isinstance(outcome, Opened) else None

    assert await store.sessions.open(session, OTHER_HASH, note=note) == AccountChanged()
    assert await entries(store) == []
    assert await store.sessions.open(session, HASH, note=note) == Opened()
    (entry,) = await entries(store)
    assert entry.event.session == session.id


async def test_rotations_are_noted_by_their_outcome(store: Store, ana: Person) -> None:
    """A replay and a reuse in one commit with what they are; an ordinary rotation as its note wants it."""
    session = await ana.signs_in()

    def note(outcome: Rotation) -> AuditEvent | None:
        match outcome:
            case Replayed():
                return replace(EVENT, deed=Deed.REFRESH_REPLAYED)
            case Reused(ended):
                return replace(EVENT, deed=Deed.REFRESH_TOKEN_REUSED, session=ended.id)
            case _:
                return None

    async def refreshes(generation: int, after: timedelta) -> None:
        await store.sessions.rotate(session.id, presents(generation, NOW + after), NOW + after, note=note)

    await refreshes(0, SECOND)
    await refreshes(0, 2 * SECOND)
    await refreshes(1, 3 * SECOND)
    assert await deeds(store) == [Deed.REFRESH_REPLAYED]
    await refreshes(0, 4 * MINUTE)
    await refreshes(2, 5 * MINUTE)
    assert await deeds(store) == [Deed.REFRESH_REPLAYED, Deed.REFRESH_TOKEN_REUSED]
    assert (await entries(store))[-1].event.session == session.id


async def test_many_rotations_and_replays_at_once_are_noted_once_each(store: Store, ana: Person) -> None:
    """Of a batch as of one alone."""
    session = await ana.signs_in()

    def note(outcome: Rotation) -> AuditEvent | None:
        return replace(EVENT, deed=Deed.REFRESH_REPLAYED) if isinstance(outcome, Replayed) else None

    judge = presents(0, NOW + SECOND)
    outcomes = await asyncio.gather(
        *(store.sessions.rotate(session.id, judge, NOW + SECOND, note=note) for _ in range(20))
    )
    replays = sum(isinstance(outcome, Replayed) for outcome in outcomes)
    assert replays == 19
    assert len(await entries(store)) == replays


Does = Callable[[Store, Person, Session, Callable[[object], AuditEvent]], Awaitable[object]]
DEEDS: dict[str, Does] = {
    "revoke": lambda s, _, session, note: s.sessions.revoke(session.id, NOW, note=note),
    "revoke of": lambda s, ana, session, note: s.sessions.revoke(session.id, NOW, of=ana.account.id, note=note),
    "revoke all": lambda s, ana, _, note: s.sessions.revoke_all(ana.account.id, NOW, note=note),
    "add": lambda s, _, __, note: s.accounts.add(an_account("eve@example.org"), None, note=note),
    "set password": lambda s, ana, _, note: s.accounts.set_password(ana.account.id, OTHER_HASH, NOW, note=note),
    "replace password": lambda s, ana, session, note: s.accounts.replace_password(
        ana.account.id, HASH, OTHER_HASH, NOW, others_of=session.id, note=note
    ),
    "disable": lambda s, ana, _, note: s.accounts.set_enabled(ana.account.id, enabled=False, now=NOW, note=note),
    "enable": lambda s, ana, _, note: s.accounts.set_enabled(ana.account.id, enabled=True, now=NOW, note=note),
    "remove": lambda s, ana, _, note: s.accounts.remove(ana.account.id, NOW, note=note),
}


@pytest.mark.parametrize("deed", DEEDS)
async def test_the_note_of_a_deed_sees_its_outcome(store: Store, ana: Person, deed: str) -> None:
    """Once where it is done once, and written with it."""
    session = await ana.signs_in()
    seen: list[object] = []

    def note(outcome: object) -> AuditEvent:
        seen.append(outcome)
        return replace(EVENT, detail=repr(outcome))

    outcome = await DEEDS[deed](store, ana, session, note)
    assert seen[-1] == outcome
    (entry,) = await entries(store)
    assert entry.event.detail == repr(outcome)


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_deed_whose_note_fails_is_not_done(store: Store, ana: Person, deed: str) -> None:
    """What cannot be noted does not happen: fails closed."""
    session = await ana.signs_in()

    def fails(_: object) -> AuditEvent:
        raise ZeroDivisionError

    with pytest.raises((ZeroDivisionError, StoreUnavailable)):
        await DEEDS[deed](store, ana, session, fails)
    assert await stored(store, session.id) == session
    assert await store.accounts.find(EmailAddress("eve@example.org")) is None
    found = await store.accounts.with_id(ana.account.id)
    assert found is not None
    assert found.account == ana.account
    assert await entries(store) == []


async def test_a_judge_that_refuses_writes_nothing(store: Store, ana: Person) -> None:
    """Nor does its note, where it makes nothing of that."""
    session = await ana.signs_in()
    await store.sessions.rotate(session.id, lambda _: Verdict.REFUSE, NOW, note=lambda _: None)
    assert await entries(store) == []


# -- pages ------------------------------------------------------------------------------------------------------------


async def test_pages_can_be_narrowed(store: Store, ana: Person, ben: Person) -> None:
    """By time, account, kind and place; both ways."""
    wanted = (
        AuditEvent(Deed.SIGN_IN, NOW, OCCASION, account=ana.account.id, email=ana.account.email),
        AuditEvent(Deed.SIGN_OUT, NOW + SECOND, OCCASION, account=ana.account.id),
        AuditEvent(Deed.SIGN_IN, NOW + MINUTE, OCCASION, account=ben.account.id, email=ben.account.email),
    )
    for event in wanted:
        await store.audit.record(event)

    async def numbers(query: AuditQuery) -> list[int]:
        return [entry.link.number for entry in await store.audit.page(query)]

    assert await numbers(AuditQuery(limit=2)) == [1, 2]
    assert await numbers(AuditQuery(limit=2, after=2)) == [3]
    assert await numbers(AuditQuery(limit=2, newest_first=True)) == [3, 2]
    assert await numbers(AuditQuery(limit=2, newest_first=True, before=3)) == [2, 1]
    assert await numbers(AuditQuery(limit=9, since=NOW + SECOND)) == [2, 3]
    assert await numbers(AuditQuery(limit=9, account=ana.account.id)) == [1, 2]
    assert await numbers(AuditQuery(limit=9, account=ana.account.email)) == [1]
    assert await numbers(AuditQuery(limit=9, deed=Deed.SIGN_IN, account=ben.account.id)) == [3]


# -- the seal ---------------------------------------------------------------------------------------------------------


def a_seal(start: Link, end: Link, mac: bytes = b"mac") -> Seal:
    """A seal; what its MAC is worth is nothing to a store."""
    return Seal(start, end, mac)


async def test_a_seal_takes_the_place_of_the_one_before(store: Store, elsewhere: Store) -> None:
    """Of several processes one gets through, and only at an end that the chain has."""
    assert await store.audit.ends() == (None, ORIGIN)
    await store.audit.record(EVENT)
    await store.audit.record(EVENT)
    first, second = [entry.link for entry in await entries(store)]
    assert not await store.audit.replace_seal(None, a_seal(ORIGIN, Link(2, bytes(32))))
    assert not await store.audit.replace_seal(None, a_seal(ORIGIN, Link(3, second.digest)))
    outcomes = await asyncio.gather(
        *(s.audit.replace_seal(None, a_seal(ORIGIN, first, bytes([n]))) for n, s in enumerate((store, elsewhere) * 3))
    )
    assert sorted(outcomes) == [False] * 5 + [True]
    was, _ = await store.audit.ends()
    assert await store.audit.replace_seal(was, a_seal(ORIGIN, second))
    assert await elsewhere.audit.ends() == (a_seal(ORIGIN, second), second)


async def test_entries_go_only_from_the_start_and_the_chain_goes_on(store: Store) -> None:
    """Also when all of them have gone."""
    for _ in range(3):
        await store.audit.record(EVENT)
    links = [entry.link for entry in await entries(store)]
    was = a_seal(ORIGIN, links[2])
    assert await store.audit.replace_seal(None, was)
    assert await store.audit.replace_seal(was, a_seal(links[1], links[2]))
    assert [entry.link for entry in await store.audit.page(AuditQuery(limit=9))] == [links[2]]
    was = a_seal(links[1], links[2])
    assert await store.audit.replace_seal(was, a_seal(links[2], links[2]))
    assert await store.audit.ends() == (a_seal(links[2], links[2]), links[2])
    assert await store.audit.replace_seal(a_seal(links[2], links[2]), a_seal(links[2], links[2], b"other"))
    await store.audit.record(EVENT)
    (entry,) = await store.audit.page(AuditQuery(limit=9))
    assert entry.link == following(links[2], EVENT)


SLIPS = (
    "UPDATE audit_entries SET detail = 'x' WHERE number = 2",
    "DELETE FROM audit_entries",
    "DELETE FROM audit_entries WHERE number = 2",
)


@pytest.mark.parametrize("slip", SLIPS)
async def test_the_database_itself_refuses_slips(store: Store, place: Place, slip: str) -> None:
    """Whoever opens it with a tool changes no entry by mistake, and deletes none but those that are old by the seal."""
    for _ in range(3):
        await store.audit.record(EVENT)
    links = [entry.link for entry in await entries(store)]
    with pytest.raises((sqlite3.IntegrityError, asyncpg.RaiseError), match="audit entries are"):
        await place.sql(slip)
    assert [entry.link for entry in await entries(store)] == links
    assert await store.audit.replace_seal(None, a_seal(links[0], links[2]))
    with pytest.raises((sqlite3.IntegrityError, asyncpg.RaiseError), match="audit entries are"):
        await place.sql(slip)
    assert [entry.link for entry in await store.audit.page(AuditQuery(limit=9))] == links[1:]
