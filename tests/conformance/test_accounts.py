"""What every store promises about accounts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import AccountId, uuid7
from gatepass.stores import postgres, sqlite
from gatepass.usecases.ports import Added, EmailTaken, Store, Unknown
from tests.kit.store_world import (
    DAY,
    HASH,
    NOW,
    OTHER_HASH,
    SECOND,
    Person,
    an_account,
    announced,
    enrol,
    reveal,
    stored,
)

NOBODY = AccountId(uuid7(NOW, os.urandom(10)))


async def hash_of(person: Person) -> str | None:
    found = await person.store.accounts.find(person.account.email)
    assert found is not None
    return reveal(found.password_hash)


async def test_an_added_account_is_found_by_its_address_as_it_was_given(store: Store) -> None:
    account = replace(an_account("zoë@example.org"), disabled_at=NOW + SECOND / 1000)
    assert await store.accounts.add(account, HASH) == Added()
    found = await store.accounts.find(account.email)
    assert found is not None
    assert found.account == account
    assert found.account.created_at.tzinfo == NOW.tzinfo
    assert reveal(found.password_hash) == HASH.reveal()


async def test_an_account_can_have_no_password_and_no_scope(store: Store) -> None:
    account = replace(an_account(), scopes=())
    await store.accounts.add(account, None)
    found = await store.accounts.find(account.email)
    assert found is not None
    assert found.account == account
    assert found.password_hash is None


async def test_an_address_that_nobody_has_is_not_found(store: Store) -> None:
    await enrol(store, "ana@example.org")
    assert await store.accounts.find(EmailAddress("ana@example.or")) is None


async def test_a_row_is_read_whoever_is_asked_for(store: Store, ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """It took an unknown name three hundredths less to be refused, and a million questions tell that."""
    read: list[object] = []
    for room in (sqlite.rows, postgres.rows):

        def counted(row: tuple[object, ...], account: Callable[..., Account] = room.account) -> Account:
            read.append(row)
            return account(row)

        monkeypatch.setattr(room, "account", counted)
    assert await store.accounts.find(EmailAddress("who@example.org")) is None
    assert len(read) == 1
    assert await store.accounts.find(ana.account.email) is not None
    assert len(read) == 2


async def test_a_taken_address_is_not_given_again(store: Store, ana: Person) -> None:
    assert await store.accounts.add(an_account("ana@example.org"), OTHER_HASH) == EmailTaken()
    found = await store.accounts.find(ana.account.email)
    assert found is not None
    assert found.account == ana.account
    assert reveal(found.password_hash) == HASH.reveal()


async def test_of_many_who_add_one_address_at_once_one_gets_it(store: Store, elsewhere: Store) -> None:
    outcomes = await asyncio.gather(
        *(s.accounts.add(an_account("ana@example.org"), HASH) for s in (store, elsewhere) for _ in range(20))
    )
    assert sorted(map(repr, outcomes)) == ["Added()"] + ["EmailTaken()"] * 39


async def test_pages_follow_the_order_of_addresses_by_code_point(store: Store) -> None:
    addresses = ["a@x.org", "a_b@x.org", "ab@x.org", "b@x.org", "é@x.org", "日本@x.org"]
    for address in reversed(addresses):
        await enrol(store, address)
    assert [account.email for account in await store.accounts.page(None, 100)] == sorted(addresses)
    first = await store.accounts.page(None, 4)
    second = await store.accounts.page(first[-1].email, 4)
    assert [account.email for account in (*first, *second)] == sorted(addresses)
    assert list(await store.accounts.page(second[-1].email, 4)) == []


async def test_a_page_starts_after_an_address_whether_or_not_someone_has_it(store: Store, ben: Person) -> None:
    assert [a.email for a in await store.accounts.page(EmailAddress("ana@example.org"), 1)] == [ben.account.email]


async def test_a_new_password_ends_every_session_of_the_account_and_no_other(ana: Person, ben: Person) -> None:
    sessions = [await ana.signs_in(), await ana.signs_in()]
    other = await ben.signs_in()
    assert await ana.store.accounts.set_password(ana.account.id, OTHER_HASH, NOW + SECOND)
    assert await hash_of(ana) == OTHER_HASH.reveal()
    for session in sessions:
        row = await stored(ana.store, session.id)
        assert row is not None
        assert row.revoked_at == NOW + SECOND
        assert await ana.refreshes(session, 0, NOW + SECOND) == Unknown()
    assert await announced(ana.store) == {session.id for session in sessions}
    assert await stored(ana.store, other.id) == other


async def test_a_hash_is_upgraded_while_the_sessions_live_on(ana: Person) -> None:
    session = await ana.signs_in()
    assert await ana.store.accounts.upgrade_hash(ana.account.id, HASH, OTHER_HASH)
    assert await hash_of(ana) == OTHER_HASH.reveal()
    assert await stored(ana.store, session.id) == session
    assert await announced(ana.store) == set()


async def test_a_hash_that_changed_meanwhile_is_not_overwritten(ana: Person) -> None:
    await ana.store.accounts.set_password(ana.account.id, OTHER_HASH, NOW)
    assert not await ana.store.accounts.upgrade_hash(ana.account.id, HASH, HASH)
    assert await hash_of(ana) == OTHER_HASH.reveal()


async def test_of_two_upgrades_at_once_one_gets_through(ana: Person, elsewhere: Store) -> None:
    upgrades = [s.accounts.upgrade_hash(ana.account.id, HASH, OTHER_HASH) for s in (ana.store, elsewhere)]
    assert sorted(await asyncio.gather(*upgrades)) == [False, True]


async def test_disabling_ends_every_session_at_once(ana: Person, ben: Person) -> None:
    session, other = await ana.signs_in(), await ben.signs_in()
    assert await ana.store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW + SECOND)
    found = await ana.store.accounts.find(ana.account.email)
    assert found is not None
    assert found.account == replace(ana.account, disabled_at=NOW + SECOND)
    assert await ana.refreshes(session, 0, NOW + SECOND) == Unknown()
    assert await announced(ana.store) == {session.id}
    assert await stored(ana.store, other.id) == other


async def test_disabling_again_keeps_the_first_time(ana: Person) -> None:
    for days in range(2):
        assert await ana.store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW + days * DAY)
    found = await ana.store.accounts.find(ana.account.email)
    assert found is not None
    assert found.account.disabled_at == NOW


async def test_enabling_lets_in_again_but_revives_no_session(ana: Person) -> None:
    old = await ana.signs_in()
    await ana.store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW)
    assert await ana.store.accounts.set_enabled(ana.account.id, enabled=True, now=NOW)
    assert await ana.refreshes(old, 0) == Unknown()
    new = await ana.signs_in()
    assert await stored(ana.store, new.id) == new
    found = await ana.store.accounts.find(ana.account.email)
    assert found is not None
    assert found.account == ana.account


async def test_a_removed_account_is_gone_with_its_sessions(ana: Person, ben: Person) -> None:
    session, other = await ana.signs_in(), await ben.signs_in()
    assert await ana.store.accounts.remove(ana.account.id, NOW)
    assert await ana.store.accounts.find(ana.account.email) is None
    assert await stored(ana.store, session.id) is None
    assert await announced(ana.store) == {session.id}
    assert await stored(ana.store, other.id) == other
    assert not await ana.store.accounts.remove(ana.account.id, NOW)


async def test_the_address_of_a_removed_account_can_be_used_again(ana: Person) -> None:
    await ana.store.accounts.remove(ana.account.id, NOW)
    again = await enrol(ana.store, ana.account.email)
    found = await ana.store.accounts.find(ana.account.email)
    assert found is not None
    assert found.account.id == again.account.id != ana.account.id


@pytest.mark.parametrize("deed", ["set_password", "upgrade_hash", "disable", "enable", "remove"])
async def test_an_account_that_is_not_there_is_said_to_be_not_there(ana: Person, deed: str) -> None:
    session = await ana.signs_in()
    accounts = ana.store.accounts
    answer = await {
        "set_password": lambda: accounts.set_password(NOBODY, OTHER_HASH, NOW),
        "upgrade_hash": lambda: accounts.upgrade_hash(NOBODY, HASH, OTHER_HASH),
        "disable": lambda: accounts.set_enabled(NOBODY, enabled=False, now=NOW),
        "enable": lambda: accounts.set_enabled(NOBODY, enabled=True, now=NOW),
        "remove": lambda: accounts.remove(NOBODY, NOW),
    }[deed]()
    assert answer is False
    assert await stored(ana.store, session.id) == session
    assert await hash_of(ana) == HASH.reveal()
    assert await announced(ana.store) == set()
