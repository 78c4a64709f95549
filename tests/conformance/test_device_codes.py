"""What every store promises about device sign-in. RFC 8628 §3."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gatepass.domain.device_code import POLL_INTERVAL, SLOW_DOWN_BY, Approval, DeviceCode, Wait
from gatepass.domain.one_time_code import NoSession
from gatepass.usecases.ports import (
    AccountChanged,
    CodeKept,
    CodeReused,
    NotRedeemed,
    Redeemed,
    Store,
    Unknown,
    UserCodeTaken,
)
from tests.kit.code_world import CLIENT, DEVICE_TTL, ORIGIN, READ, a_device, approval, poll
from tests.kit.store_world import DAY, HASH, NOW, OTHER_HASH, SECOND, Person, announced, stored

END = NOW + DEVICE_TTL
Ending = Callable[[Store, Person], Awaitable[object]]
ENDINGS: dict[str, Ending] = {
    "disable": lambda store, person: store.accounts.set_enabled(person.account.id, enabled=False, now=NOW),
    "set_password": lambda store, person: store.accounts.set_password(person.account.id, OTHER_HASH, NOW),
    "remove": lambda store, person: store.accounts.remove(person.account.id, NOW),
    "sign_out_everywhere": lambda store, person: store.sessions.revoke_all(person.account.id, NOW),
}


async def asked(store: Store) -> DeviceCode:
    code = a_device()
    assert await store.device_codes.add(code, ORIGIN) == CodeKept()
    return code


async def approved(person: Person) -> DeviceCode:
    code = await asked(person.store)
    assert await approve(person, code) == CodeKept()
    return code


async def approve(person: Person, code: DeviceCode) -> CodeKept | AccountChanged | Unknown:
    return await person.store.device_codes.approve(code.user_code_digest, approval(person), HASH, NOW)


async def test_what_a_device_asks_for_is_found_by_its_user_code(store: Store) -> None:
    code = await asked(store)
    assert await store.device_codes.find(code.user_code_digest, NOW) == code
    assert await store.device_codes.find(a_device().user_code_digest, NOW) is None


async def test_no_two_devices_show_one_user_code(store: Store) -> None:
    code = await asked(store)
    second = replace(a_device(), user_code_digest=code.user_code_digest)
    assert await store.device_codes.add(second, ORIGIN) == UserCodeTaken()
    assert await poll(store, second) == Unknown()
    assert await store.device_codes.find(code.user_code_digest, NOW) == code


async def test_a_yes_is_traded_for_the_session_that_was_made_for_it(ana: Person) -> None:
    code = await approved(ana)
    outcome = await poll(ana.store, code, NOW + SECOND)
    assert isinstance(outcome, Redeemed)
    assert await stored(ana.store, outcome.session.id) == outcome.session
    assert (outcome.session.client_id, outcome.session.granted) == (CLIENT, READ)
    assert (outcome.session.opened_at, outcome.session.rotated_at) == (NOW, NOW + SECOND)


async def test_a_no_is_a_no(ana: Person) -> None:
    code = await asked(ana.store)
    assert await ana.store.device_codes.deny(code.user_code_digest, NOW) == CodeKept()
    assert await poll(ana.store, code) == NotRedeemed(NoSession.DENIED)
    assert await approve(ana, code) == Unknown()
    assert await poll(ana.store, code) == NotRedeemed(NoSession.DENIED)


async def test_one_answer_counts_and_it_is_the_first(ana: Person) -> None:
    code = await approved(ana)
    assert await ana.store.device_codes.find(code.user_code_digest, NOW) is None
    assert await ana.store.device_codes.deny(code.user_code_digest, NOW) == Unknown()
    assert await approve(ana, code) == Unknown()
    assert isinstance(await poll(ana.store, code), Redeemed)


async def test_of_many_answers_at_once_one_counts(ana: Person, ben: Person, elsewhere: Store) -> None:
    code = await asked(ana.store)
    people = [ana, ben.on(elsewhere)] * 10
    outcomes = await asyncio.gather(*(approve(person, code) for person in people))
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"CodeKept": 1, "Unknown": 19}
    winner = people[outcomes.index(CodeKept())]
    outcome = await poll(ana.store, code)
    assert isinstance(outcome, Redeemed)
    assert outcome.session.account == winner.account


async def test_who_waits_is_told_the_interval_and_who_asks_too_early_a_longer_one(store: Store) -> None:
    """Five seconds more each time, for this and all that follows. RFC 8628 §3.5."""
    code = await asked(store)
    longer = POLL_INTERVAL + SLOW_DOWN_BY
    assert await poll(store, code, NOW) == Wait(POLL_INTERVAL, too_early=False)
    assert await poll(store, code, NOW + POLL_INTERVAL) == Wait(POLL_INTERVAL, too_early=False)
    assert await poll(store, code, NOW + POLL_INTERVAL + SECOND) == Wait(longer, too_early=True)
    early = NOW + POLL_INTERVAL + SECOND + POLL_INTERVAL
    assert await poll(store, code, early) == Wait(longer + SLOW_DOWN_BY, too_early=True)
    assert await poll(store, code, early + longer + SLOW_DOWN_BY) == Wait(longer + SLOW_DOWN_BY, too_early=False)


async def test_a_device_is_told_the_answer_however_early_it_asks(ana: Person) -> None:
    code = await asked(ana.store)
    await poll(ana.store, code, NOW)
    await approve(ana, code)
    assert isinstance(await poll(ana.store, code, NOW), Redeemed)


async def test_nothing_is_answered_or_given_after_the_end(ana: Person) -> None:
    """Neither an answer nor an approval that nobody fetched."""
    code, late = await asked(ana.store), await approved(ana)
    devices = ana.store.device_codes
    assert await devices.find(code.user_code_digest, END - timedelta(microseconds=1)) == code
    assert await devices.find(code.user_code_digest, END) is None
    assert await devices.approve(code.user_code_digest, approval(ana), HASH, END) == Unknown()
    assert await devices.deny(code.user_code_digest, END) == Unknown()
    for each in (code, late):
        assert await poll(ana.store, each, END) == NotRedeemed(NoSession.EXPIRED)


async def test_another_client_learns_and_spends_nothing(ana: Person) -> None:
    code = await approved(ana)
    assert await poll(ana.store, code, client_id="another") == NotRedeemed(NoSession.REFUSE)
    assert isinstance(await poll(ana.store, code), Redeemed)


async def test_of_many_polls_at_once_one_gets_a_session_and_the_others_end_it(ana: Person, elsewhere: Store) -> None:
    """Two hold one device code: what it gave is revoked."""
    code = await approved(ana)
    outcomes = await asyncio.gather(*(poll(store, code) for store in (ana.store, elsewhere) * 10))
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Redeemed": 1, "CodeReused": 19}
    (session,) = [outcome.session for outcome in outcomes if isinstance(outcome, Redeemed)]
    assert await poll(ana.store, code, END + DAY) == CodeReused(session.id)
    assert await announced(ana.store) == {session.id}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_ends_an_accounts_sessions_ends_its_open_approvals(ana: Person, ben: Person, ending: str) -> None:
    code, other = await approved(ana), await approved(ben)
    await ENDINGS[ending](ana.store, ana)
    assert await poll(ana.store, code) == Unknown()
    assert isinstance(await poll(ben.store, other), Redeemed)


@pytest.mark.parametrize("ending", ["disable", "set_password", "remove"])
async def test_a_yes_that_comes_after_the_account_changed_does_not_count(ana: Person, ben: Person, ending: str) -> None:
    """What was asked for stays unanswered; somebody else may say yes."""
    code = await asked(ana.store)
    await ENDINGS[ending](ana.store, ana)
    assert await approve(ana, code) == AccountChanged()
    assert await poll(ana.store, code) == Wait(POLL_INTERVAL, too_early=False)
    assert await approve(ben, code) == CodeKept()


async def test_the_sweep_takes_what_gave_no_session(ana: Person) -> None:
    code, denied, used = await asked(ana.store), await asked(ana.store), await approved(ana)
    await ana.store.device_codes.deny(denied.user_code_digest, NOW)
    given = await poll(ana.store, used)
    assert isinstance(given, Redeemed)
    assert await ana.store.device_codes.sweep(END, 100) == 0
    assert await ana.store.device_codes.sweep(END + SECOND, 100) == 2
    assert await poll(ana.store, code) == await poll(ana.store, denied) == Unknown()
    assert await poll(ana.store, used) == CodeReused(given.session.id)
    await ana.store.sessions.sweep(NOW + DAY, NOW + DAY, 100)
    assert await poll(ana.store, used) == Unknown()


async def test_who_may_have_everything_gets_everything(ana: Person) -> None:
    """No list of scopes is not an empty list."""
    code = replace(a_device(), scopes=None)
    assert await ana.store.device_codes.add(code, ORIGIN) == CodeKept()
    assert await ana.store.device_codes.find(code.user_code_digest, NOW) == code
    given = Approval(ana.account, None, NOW)
    assert await ana.store.device_codes.approve(code.user_code_digest, given, HASH, NOW) == CodeKept()
    outcome = await poll(ana.store, code)
    assert isinstance(outcome, Redeemed)
    assert (outcome.session.granted, outcome.session.scopes) == (None, ana.account.scopes)


async def test_who_may_have_nothing_gets_nothing(ana: Person) -> None:
    code = replace(a_device(), scopes=())
    await ana.store.device_codes.add(code, ORIGIN)
    await ana.store.device_codes.approve(code.user_code_digest, Approval(ana.account, (), NOW), HASH, NOW)
    outcome = await poll(ana.store, code)
    assert isinstance(outcome, Redeemed)
    assert outcome.session.scopes == ()
