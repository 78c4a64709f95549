"""`gatepass { … }` over the whole service: who is signed in, where, and what they do. docs/flows/own-account.md."""

from __future__ import annotations

from typing import Any

import pytest

from gatepass.stores.opening import open_store
from gatepass.usecases.enable_account import EnableAccount
from tests.kit.world import Answered, Person, Tokens, World

SESSIONS = "{ gatepass { sessions { id current lastUsedAt address userAgent client } } }"
REVOKE = "mutation ($id: ID!) { gatepass { revokeSession(id: $id) { sessions } } }"
OUT = "mutation ($but: Boolean! = false) { gatepass { signOutEverywhere(exceptThis: $but) { sessions } } }"
CHANGE = (
    "mutation ($c: String!, $n: String!, $e: Boolean! = true)"
    " { gatepass { changePassword(currentPassword: $c, newPassword: $n, endOtherSessions: $e) { sessions } } }"
)
NEW = "wooden-lantern-quiet-harbour"


async def asks(person: Person, tokens: Tokens, query: str, **variables: object) -> Answered:
    """A request of somebody who is signed in."""
    return await person.world.posts(query, variables, bearer=tokens.access)


async def sees(person: Person, tokens: Tokens) -> list[dict[str, object]]:
    """Their sessions."""
    found: list[dict[str, object]] = (await asks(person, tokens, SESSIONS)).data["gatepass"]["sessions"]
    return found


async def test_people_see_their_own_sign_ins_and_where_they_came_from(world: World, ana: Person, ben: Person) -> None:
    """Newest first, the current one marked, and nobody else's."""
    world.client.headers["user-agent"] = "Phone/1"
    there = await ana.signs_in()
    world.client.headers["user-agent"] = "Browser/2"
    here = await ana.signs_in()
    await ben.signs_in()
    found = await sees(ana, here)
    assert [(each["userAgent"], each["current"]) for each in found] == [("Browser/2", True), ("Phone/1", False)]
    assert {each["address"] for each in found} == {"127.0.0.1"}
    assert [each["current"] for each in await sees(ana, there)] == [False, True]


async def test_a_refresh_is_what_last_used_means(world: World, ana: Person) -> None:
    """Queries in between are not recorded: that would be a write for each."""
    tokens = await ana.signs_in()
    (before,) = await sees(ana, tokens)
    world.clock.forward(minutes=10)
    await world.has_taken_in_revocations()
    (asked,) = await sees(ana, tokens)
    (after,) = await sees(ana, await ana.refreshes(tokens))
    assert before["lastUsedAt"] == asked["lastUsedAt"] != after["lastUsedAt"]
    assert before["id"] == after["id"]


async def test_idle_sign_ins_are_not_shown(world: World, ana: Person) -> None:
    """What cannot be refreshed any more is over."""
    await ana.signs_in()
    world.clock.forward(seconds=world.settings.session_idle_seconds)
    await world.has_taken_in_revocations()
    assert [each["current"] for each in await sees(ana, await ana.signs_in())] == [True]


async def test_a_lost_phone_is_signed_out_from_elsewhere(world: World, ana: Person) -> None:
    """One session ends, in refresh and access."""
    lost = await ana.signs_in()
    here = await ana.signs_in()
    gone = next(each["id"] for each in await sees(ana, here) if not each["current"])
    assert (await asks(ana, here, REVOKE, id=gone)).data["gatepass"]["revokeSession"]["sessions"] == 1
    assert (await asks(ana, here, REVOKE, id=gone)).data["gatepass"]["revokeSession"]["sessions"] == 0
    assert (await ana.tries_to_refresh(lost)).code == "INVALID_REFRESH_TOKEN"
    await world.has_taken_in_revocations()
    assert (await ana.asks_who_they_are(lost)).status == 401
    assert (await ana.asks_who_they_are(here)).status == 200
    assert len(await sees(ana, here)) == 1


async def test_nobody_revokes_what_is_not_theirs(ana: Person, ben: Person) -> None:
    """The answer is that of an id that does not exist."""
    mine, theirs = await ana.signs_in(), await ben.signs_in()
    ((session),) = await sees(ben, theirs)
    assert (await asks(ana, mine, REVOKE, id=session["id"])).data["gatepass"]["revokeSession"]["sessions"] == 0
    await ben.refreshes(theirs)


@pytest.mark.parametrize(("but_here", "ended"), [(True, 2), (False, 3)])
async def test_signing_out_everywhere_keeps_this_one_if_wanted(ana: Person, but_here: bool, ended: int) -> None:
    """`exceptThis`."""
    here, *others = [await ana.signs_in() for _ in range(3)]
    answered = await asks(ana, here, OUT, but=but_here)
    assert answered.data["gatepass"]["signOutEverywhere"]["sessions"] == ended
    for tokens in others:
        assert (await ana.tries_to_refresh(tokens)).code == "INVALID_REFRESH_TOKEN"
    kept = await ana.tries_to_refresh(here)
    assert ("errors" not in kept.body) is but_here


@pytest.mark.parametrize("ends_others", [True, False])
async def test_a_changed_password_is_the_only_one_from_then_on(world: World, ana: Person, ends_others: bool) -> None:
    """The sign-in that asks goes on; the others end unless they may go on too."""
    other, here = await ana.signs_in(), await ana.signs_in()
    answered = await asks(ana, here, CHANGE, c=ana.password, n=NEW, e=ends_others)
    assert answered.data["gatepass"]["changePassword"]["sessions"] == int(ends_others)
    assert (await ana.tries_to_sign_in()).code == "INVALID_CREDENTIALS"
    assert "errors" not in (await ana.tries_to_sign_in(NEW)).body
    assert ("errors" in (await ana.tries_to_refresh(other)).body) is ends_others
    await ana.refreshes(here)
    await world.has_taken_in_revocations()
    assert (await ana.asks_who_they_are(here)).status == 200


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("not my password", NEW, "INVALID_CREDENTIALS"),
        ("", NEW, "INVALID_CREDENTIALS"),
        ("a long enough secret of ana", "short", "BAD_USER_INPUT"),
        ("a long enough secret of ana", "ana@example.org", "BAD_USER_INPUT"),
        ("a long enough secret of ana", "password1234", "BAD_USER_INPUT"),
        ("a long enough secret of ana", "a long enough secret of ana", "BAD_USER_INPUT"),
    ],
)
async def test_a_refused_change_changes_nothing(ana: Person, current: str, new: str, code: str) -> None:
    """The old password still signs in, and every session goes on."""
    other, here = await ana.signs_in(), await ana.signs_in()
    assert (await asks(ana, here, CHANGE, c=current, n=new)).code == code
    await ana.refreshes(other)
    await ana.signs_in()


async def test_a_token_that_was_given_to_a_client_does_not_reach_the_account(world: World, ana: Person) -> None:
    """Whoever lets an application in to the API has not let it in to the account: RFC 9700 §2.3."""
    tokens = await ana.signs_in()
    authenticate: Any = world.app._service.authenticate  # type: ignore[union-attr]
    await ana.asks_who_they_are(tokens)
    (verified,) = authenticate.authenticate._verified.values()
    object.__setattr__(verified.caller, "client_id", "reports")
    for query in (SESSIONS, "{ gatepass { account { email } } }", OUT):
        assert (await asks(ana, tokens, query)).code == "FORBIDDEN"
    assert (await asks(ana, tokens, REVOKE, id="0198c0de-0000-7000-8000-000000000000")).code == "FORBIDDEN"
    assert (await asks(ana, tokens, CHANGE, c=ana.password, n=NEW)).code == "FORBIDDEN"
    everywhere = await asks(ana, tokens, "mutation { signOut(everywhere: true) { sessions } }")
    assert everywhere.code == "FORBIDDEN"
    await ana.refreshes(tokens)
    assert await ana.signs_out(tokens) == 1


async def test_who_was_disabled_just_now_sees_nothing(world: World, ana: Person) -> None:
    """The store is asked about the account, also within the second that revocation may take."""
    tokens = await ana.signs_in()
    query = "{ gatepass { account { email scopes } } }"
    shown = (await asks(ana, tokens, query)).data["gatepass"]["account"]
    assert shown == {"email": "ana@example.org", "scopes": ["read", "write"]}
    store = await open_store(world.settings.store_url)
    await EnableAccount(store.accounts, world.clock)(ana.email, enabled=False)
    await store.close()
    assert (await asks(ana, tokens, query)).status == 401
    assert (await asks(ana, tokens, CHANGE, c=ana.password, n=NEW)).status == 401
