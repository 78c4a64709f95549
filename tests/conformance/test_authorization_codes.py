"""What every store promises about authorization codes. RFC 6749 §4.1.2, §10.5."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gatepass.domain.authorization_code import AUTHORIZATION_CODE_TTL, AuthorizationCode
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.session import Session
from gatepass.usecases.ports import AccountChanged, CodeKept, CodeReused, NotRedeemed, Redeemed, Rotated, Store, Unknown
from tests.kit.code_world import CALLBACK, CLIENT, ORIGIN, READ, a_code, redeem
from tests.kit.store_world import DAY, HASH, MINUTE, NOW, OTHER_HASH, SECOND, Person, announced, stored

LATER = NOW + 20 * SECOND
Ending = Callable[[Store, Person], Awaitable[object]]
ENDINGS: dict[str, Ending] = {
    "disable": lambda store, person: store.accounts.set_enabled(person.account.id, enabled=False, now=NOW),
    "set_password": lambda store, person: store.accounts.set_password(person.account.id, OTHER_HASH, NOW),
    "remove": lambda store, person: store.accounts.remove(person.account.id, NOW),
    "sign_out_everywhere": lambda store, person: store.sessions.revoke_all(person.account.id, NOW),
}


async def issued(person: Person) -> AuthorizationCode:
    code = a_code(person)
    assert await person.store.authorization_codes.add(code, person.password_hash, ORIGIN) == CodeKept()
    return code


async def test_a_code_is_traded_for_the_session_that_was_made_for_it(ana: Person) -> None:
    """It belongs to the client, has what was granted, and can be refreshed."""
    outcome = await redeem(ana.store, await issued(ana), LATER)
    assert isinstance(outcome, Redeemed)
    assert await stored(ana.store, outcome.session.id) == outcome.session
    assert (outcome.session.client_id, outcome.session.granted) == (CLIENT, READ)
    assert (outcome.session.opened_at, outcome.session.rotated_at) == (NOW, LATER)
    assert isinstance(await ana.refreshes(outcome.session, 0, LATER), Rotated)


async def test_the_judge_sees_the_code_as_it_was_given(ana: Person) -> None:
    code = await issued(ana)
    seen: list[AuthorizationCode] = []

    def look(stored_code: AuthorizationCode) -> Session | NoSession:
        seen.append(stored_code)
        return NoSession.REFUSE

    assert await ana.store.authorization_codes.redeem(code.digest, look, NOW) == NotRedeemed(NoSession.REFUSE)
    assert seen[-1] == code


async def test_a_second_use_ends_what_the_first_one_gave(ana: Person) -> None:
    """Also long after the code's minute, for the client or the thief may still refresh."""
    code = await issued(ana)
    first = await redeem(ana.store, code)
    assert isinstance(first, Redeemed)
    assert await redeem(ana.store, code, NOW + 5 * MINUTE) == CodeReused(first.session.id)
    ended = await stored(ana.store, first.session.id)
    assert ended is not None
    assert ended.revoked_at == NOW + 5 * MINUTE
    assert await announced(ana.store) == {first.session.id}
    assert await redeem(ana.store, code, NOW + 6 * MINUTE) == CodeReused(first.session.id)
    assert await stored(ana.store, first.session.id) == ended


@pytest.mark.parametrize(
    "differing",
    [{"client_id": "another"}, {"redirect_uri": f"{CALLBACK}/"}, {"verifier": "x" * 43}, {"verifier": ""}],
)
async def test_what_does_not_fit_is_refused_and_spends_nothing(ana: Person, differing: dict[str, str]) -> None:
    """Client, redirect URI and verifier are those of the request; whoever has not all of them cannot spoil the code."""
    code = await issued(ana)
    assert await redeem(ana.store, code, NOW, **differing) == NotRedeemed(NoSession.REFUSE)
    assert isinstance(await redeem(ana.store, code), Redeemed)


async def test_another_clients_attempt_ends_nothing(ana: Person) -> None:
    code = await issued(ana)
    first = await redeem(ana.store, code)
    assert isinstance(first, Redeemed)
    assert await redeem(ana.store, code, client_id="another") == NotRedeemed(NoSession.REFUSE)
    assert await stored(ana.store, first.session.id) == first.session


async def test_a_code_is_good_for_a_minute(ana: Person) -> None:
    in_time, late = await issued(ana), await issued(ana)
    end = NOW + AUTHORIZATION_CODE_TTL
    assert await redeem(ana.store, late, end) == NotRedeemed(NoSession.REFUSE)
    assert isinstance(await redeem(ana.store, in_time, end - timedelta(microseconds=1)), Redeemed)


async def test_nobody_knows_a_code_that_was_never_there(ana: Person) -> None:
    assert await redeem(ana.store, a_code(ana)) == Unknown()


async def test_of_many_who_redeem_one_code_one_gets_a_session_and_the_others_end_it(
    ana: Person, elsewhere: Store
) -> None:
    """Exactly one session is made, whoever asks in whichever process, and it does not survive the second one."""
    for _ in range(5):
        code = await issued(ana)
        outcomes = await asyncio.gather(*(redeem(store, code) for store in (ana.store, elsewhere) * 20))
        assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Redeemed": 1, "CodeReused": 39}
        (session,) = [outcome.session for outcome in outcomes if isinstance(outcome, Redeemed)]
        assert {outcome.session for outcome in outcomes if isinstance(outcome, CodeReused)} == {session.id}
        row = await stored(ana.store, session.id)
        assert row is not None
        assert row.revoked_at == NOW


async def test_a_judge_that_fails_spends_nothing(ana: Person) -> None:
    code = await issued(ana)

    def fail(_: AuthorizationCode) -> Session | NoSession:
        raise LookupError

    with pytest.raises(LookupError):
        await ana.store.authorization_codes.redeem(code.digest, fail, NOW)
    assert isinstance(await redeem(ana.store, code), Redeemed)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_ends_an_accounts_sessions_ends_its_open_codes(ana: Person, ben: Person, ending: str) -> None:
    """A code asked for with the old password is worth nothing after the change."""
    code, other = await issued(ana), await issued(ben)
    await ENDINGS[ending](ana.store, ana)
    assert await redeem(ana.store, code) == Unknown()
    assert isinstance(await redeem(ben.store, other), Redeemed)


@pytest.mark.parametrize("ending", ["disable", "set_password", "remove"])
async def test_a_code_that_comes_after_the_account_changed_is_not_kept(ana: Person, ending: str) -> None:
    await ENDINGS[ending](ana.store, ana)
    code = a_code(ana)
    assert await ana.store.authorization_codes.add(code, HASH, ORIGIN) == AccountChanged()
    assert await redeem(ana.store, code) == Unknown()


async def test_codes_that_race_with_a_change_of_the_password_give_no_living_session(
    ana: Person, elsewhere: Store
) -> None:
    """Each came before, and was ended, or after, and was not kept; a session that was made meanwhile is revoked."""
    hashes = [HASH, OTHER_HASH]
    for turn in range(6):
        old, new = hashes[turn % 2], hashes[1 - turn % 2]
        kept = [await issued(replace(ana, password_hash=old)) for _ in range(4)]
        fresh = [a_code(ana) for _ in range(4)]
        deeds: list[Awaitable[object]] = [redeem(elsewhere, code) for code in kept]
        deeds += [elsewhere.authorization_codes.add(code, old, ORIGIN) for code in fresh]
        deeds.insert(turn, ana.store.accounts.set_password(ana.account.id, new, NOW))
        outcomes = await asyncio.gather(*deeds)
        for outcome in outcomes:
            if isinstance(outcome, Redeemed):
                row = await stored(ana.store, outcome.session.id)
                assert row is not None
                assert row.revoked_at == NOW
        for code in fresh:
            assert await redeem(ana.store, code) == Unknown()


async def test_the_sweep_takes_what_nobody_redeemed_and_leaves_what_may_come_back(ana: Person) -> None:
    """A redeemed code stays as long as its session: until then a second use must be noticed."""
    used, unused, fresh = await issued(ana), await issued(ana), await issued(ana)
    first = await redeem(ana.store, used)
    assert isinstance(first, Redeemed)
    expired = NOW + AUTHORIZATION_CODE_TTL
    assert await ana.store.authorization_codes.sweep(expired, 100) == 0
    assert await ana.store.authorization_codes.sweep(expired + SECOND, 1) == 1
    assert await ana.store.authorization_codes.sweep(expired + SECOND, 100) == 1
    for code in (unused, fresh):
        assert await redeem(ana.store, code) == Unknown()
    assert await redeem(ana.store, used) == CodeReused(first.session.id)


async def test_a_redeemed_code_goes_with_its_session(ana: Person) -> None:
    code = await issued(ana)
    first = await redeem(ana.store, code)
    assert isinstance(first, Redeemed)
    await ana.store.sessions.revoke(first.session.id, NOW)
    await ana.store.sessions.sweep(NOW + DAY, NOW + DAY, 100)
    assert await stored(ana.store, first.session.id) is None
    assert await redeem(ana.store, code) == Unknown()


@pytest.mark.parametrize("granted", [None, ()], ids=["everything", "nothing"])
async def test_a_code_for_everything_is_none_for_nothing(ana: Person, granted: tuple[()] | None) -> None:
    """No list of scopes is not an empty list."""
    code = replace(a_code(ana), granted=granted)
    assert await ana.store.authorization_codes.add(code, HASH, ORIGIN) == CodeKept()
    outcome = await redeem(ana.store, code)
    assert isinstance(outcome, Redeemed)
    assert outcome.session.scopes == (ana.account.scopes if granted is None else ())
