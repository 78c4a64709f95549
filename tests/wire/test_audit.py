"""What the audit log says of everything that is done over the whole service. docs/how-to/audit.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gatepass.domain.account import email_address
from gatepass.domain.audit import AuditEvent, Deed, Reason, Result
from gatepass.domain.occasion import Door, Occasion
from gatepass.stores.opening import open_store
from gatepass.usecases.enable_account import EnableAccount
from gatepass.usecases.noted_store import NotedStore
from gatepass.usecases.ports import AuditQuery, Store
from tests.kit.world import Person, Tokens, World

CHANGE = (
    "mutation ($c: String!, $n: String!) "
    "{ gatepass { changePassword(currentPassword: $c, newPassword: $n) { sessions } } }"
)
NEW = "wooden-lantern-quiet-harbour"


@pytest.fixture
async def store(world: World) -> AsyncIterator[Store]:
    """The service's store, as another process has it open."""
    opened = await open_store(world.settings.store_url)
    yield opened
    await opened.close()


async def noted(store: Store, *without: Deed) -> list[AuditEvent]:
    """Everything that was noted since the start, but for the making of keys."""
    found = await store.audit.page(AuditQuery(limit=1000))
    return [each.event for each in found if each.event.deed not in (Deed.KEY_ACTIVATED, *without)]


def words(events: list[AuditEvent]) -> list[tuple[str, str, str | None]]:
    """What, how it ended, and why."""
    return [(event.deed, event.result, event.reason) for event in events]


async def asks(person: Person, tokens: Tokens, query: str, **variables: object) -> None:
    """A request of somebody who is signed in."""
    await person.world.posts(query, variables, bearer=tokens.access)


async def test_a_sign_in_is_noted_with_who_when_and_from_where(world: World, store: Store, ana: Person) -> None:
    """And with the id of its request."""
    answered = await world.client.post(
        "/graphql/",
        json={
            "query": f'mutation {{ signIn(useManagementflow: true, credentials: {{userName: "{ana.email}", '
            f'password: "{ana.password}"}}) {{ accessToken }} }}'
        },
        headers={"user-agent": "Browser/1", "x-request-id": "request-0001"},
    )
    assert "errors" not in answered.json()
    (event,) = await noted(store)
    assert (event.deed, event.result, event.reason) == (Deed.SIGN_IN, Result.DONE, None)
    assert (event.email, event.client_id) == ("ana@example.org", "gatepass")
    assert event.occasion.door == Door.GRAPHQL
    assert event.occasion.request_id == "request-0001"
    assert (event.occasion.origin.address, event.occasion.origin.user_agent) == ("127.0.0.1", "Browser/1")
    assert abs(event.at - world.clock()) < timedelta(seconds=30)


async def test_a_refusal_is_noted_with_its_true_reason(world: World, store: Store, ana: Person) -> None:
    """The caller is told the same each time; a name that nobody has may be a password, and is left out."""
    disabled = Person(world, "ben@example.org", "quite another secret of ben")
    await EnableAccount(store.accounts, world.clock)(disabled.email, enabled=False)
    nobody = Person(world, "correct horse battery staple@example.org", "whatever it is")
    answers = [
        await ana.tries_to_sign_in("a wrong password"),
        await ana.tries_to_sign_in(""),
        await disabled.tries_to_sign_in(),
        await nobody.tries_to_sign_in(),
    ]
    assert len({(answer.status, answer.error["message"]) for answer in answers}) == 1
    events = await noted(store)
    assert [event.reason for event in events] == [
        Reason.WRONG_PASSWORD,
        Reason.WRONG_PASSWORD,
        Reason.DISABLED_ACCOUNT,
        Reason.UNKNOWN_ACCOUNT,
    ]
    assert [event.email for event in events] == ["ana@example.org"] * 2 + ["ben@example.org", None]
    assert {event.result for event in events} == {Result.REFUSED}


async def test_of_refusals_for_their_number_the_first_is_noted(store: Store, ana: Person) -> None:
    """One for each wait, at whatever door, so that hammering fills no log. A name that nobody has is left out."""
    for person in (ana, Person(ana.world, "a password perhaps@example.org", "whatever it is")):
        answers = [await person.tries_to_sign_in("a wrong password") for _ in range(9)]
        assert [answer.code for answer in answers[5:]] == ["RATE_LIMITED"] * 4
    refused = [event for event in await noted(store) if event.reason == Reason.RATE_LIMITED]
    assert [(event.deed, event.result, event.email) for event in refused] == [
        (Deed.SIGN_IN, Result.REFUSED, "ana@example.org"),
        (Deed.SIGN_IN, Result.REFUSED, None),
    ]
    assert {event.detail for event in refused} == {"counter account: 1 s to wait"}
    assert all(event.occasion.request_id and event.occasion.origin.address for event in refused)


async def test_a_replay_and_a_reuse_are_noted_and_an_ordinary_refresh_is_not(
    world: World, store: Store, ana: Person
) -> None:
    """The reuse in the same transaction as the end of the session."""
    first = await ana.signs_in()
    second = await ana.refreshes(first)
    await ana.refreshes(first)
    third = await ana.refreshes(second)
    assert words(await noted(store, Deed.SIGN_IN)) == [("refresh_replayed", "done", None)]
    world.clock.forward(minutes=5)
    await world.has_taken_in_revocations()
    await ana.tries_to_refresh(first)
    await ana.tries_to_refresh(third)
    events = await noted(store, Deed.SIGN_IN, Deed.REFRESH_REPLAYED)
    assert words(events) == [("refresh_token_reused", "done", None)]
    assert events[0].email == "ana@example.org"
    assert events[0].occasion.request_id is not None


async def test_the_ends_of_sessions_are_noted(store: Store, ana: Person) -> None:
    """Each with the account, and once."""
    first, _, third = [await ana.signs_in() for _ in range(3)]
    await ana.signs_out(first)
    listed = await ana.world.posts("{ gatepass { sessions { id current } } }", bearer=third.access)
    other = next(each["id"] for each in listed.data["gatepass"]["sessions"] if not each["current"])
    revoke = "mutation ($id: ID!) { gatepass { revokeSession(id: $id) { sessions } } }"
    await asks(ana, third, revoke, id=other)
    await asks(ana, third, revoke, id=other)
    await ana.signs_out(third, everywhere=True)
    events = await noted(store, Deed.SIGN_IN)
    assert words(events) == [
        ("sign_out", "done", None),
        ("session_revoked", "done", None),
        ("sign_out_everywhere", "done", None),
    ]
    assert {event.account for event in events} == {(await noted(store))[0].account}
    assert str(events[1].session) == other
    assert events[2].detail == "sessions ended: 1"


async def test_changes_of_a_password_are_noted_and_so_are_tries(store: Store, ana: Person) -> None:
    """A wrong current password is an attempt."""
    tokens = await ana.signs_in()
    await asks(ana, tokens, CHANGE, c="a wrong password", n=NEW)
    await asks(ana, tokens, CHANGE, c=ana.password, n=NEW)
    events = await noted(store, Deed.SIGN_IN)
    assert words(events) == [
        ("password_changed", "refused", "wrong_password"),
        ("password_changed", "done", None),
    ]


async def test_what_an_operator_does_is_noted_with_who_it_was(world: World, store: Store, ana: Person) -> None:
    """Whatever is done through the store of the command line leaves a note by itself."""
    operators = NotedStore(store, Occasion(Door.COMMAND_LINE, operator="root"), world.clock)
    found = await store.accounts.find(email_address(ana.email))
    assert found is not None
    account, now = found.account.id, world.clock()
    await ana.signs_in()
    await operators.sessions.revoke_all(account, now)
    await operators.sessions.revoke_all(account, now)
    await operators.accounts.set_enabled(account, enabled=False, now=now)
    await operators.accounts.set_enabled(account, enabled=True, now=now)
    await operators.accounts.remove(account, now)
    await operators.accounts.remove(account, now)
    events = await noted(store, Deed.SIGN_IN)
    assert [event.deed for event in events] == [
        Deed.SIGN_OUT_EVERYWHERE,
        Deed.ACCOUNT_DISABLED,
        Deed.ACCOUNT_ENABLED,
        Deed.ACCOUNT_REMOVED,
    ]
    assert {(event.email, event.occasion.operator) for event in events} == {("ana@example.org", "root")}


async def test_the_first_keys_are_noted_as_the_servers_own_doing(store: Store) -> None:
    """Key administration, also where nobody sat at a keyboard."""
    found = await store.audit.page(AuditQuery(limit=9, deed=Deed.KEY_ACTIVATED))
    assert {entry.event.occasion.door for entry in found} == {Door.SERVER}
    assert any("access key" in (entry.event.detail or "") for entry in found)


async def test_no_entry_holds_a_secret(world: World, store: Store, ana: Person) -> None:
    """Not the password, not a token, not what was tried."""
    tokens = await ana.signs_in()
    await ana.tries_to_sign_in("a wrong password that is nearly right")
    await asks(ana, tokens, CHANGE, c=ana.password, n=NEW)
    text = repr(await store.audit.page(AuditQuery(limit=1000)))
    for secret in (ana.password, NEW, "nearly right", tokens.access, tokens.refresh):
        assert secret not in text
