"""What the audit log says of what OAuth clients and the pages for people do. docs/how-to/audit.md."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.client import BUILT_IN
from gatepass.stores.opening import open_store
from gatepass.usecases.ports import AuditQuery, Store
from tests.kit.oauth_world import Program, program
from tests.kit.world import World
from tests.oauth.test_authorization_code import CALLBACK, asks, redeems, signed_in
from tests.oauth.test_authorization_code import Browser as AuthorizeBrowser
from tests.oauth.test_device_sign_in import START
from tests.oauth.test_device_sign_in import Browser as DeviceBrowser
from tests.oauth.test_token_endpoint import SERVICE


@pytest.fixture
async def store(world: World) -> AsyncIterator[Store]:
    """Yield the service's store, as another process has it open."""
    opened = await open_store(world.settings.store_url)
    yield opened
    await opened.close()


@pytest.fixture
def cli(world: World) -> Program:
    """Return the command line: the client that is always there."""
    return Program(world, BUILT_IN)


async def noted(store: Store) -> list[AuditEvent]:
    """Everything that was noted since the start, but for the making of keys."""
    found = await store.audit.page(AuditQuery(limit=1000))
    return [each.event for each in found if each.event.deed != Deed.KEY_ACTIVATED]


def words(events: list[AuditEvent]) -> list[tuple[str, str, str | None, str | None]]:
    """What, how it ended, why or how, and for which client."""
    return [(event.deed, event.result, event.reason or event.detail, event.client_id) for event in events]


async def test_a_code_and_what_became_of_it_are_noted(world: World, store: Store) -> None:
    """The sign-in when it is traded, and its end when the code comes back: in the transaction of each."""
    web = await program(world, scopes=("read", "write"), redirect_uris=(CALLBACK,))
    code = await signed_in(AuthorizeBrowser(world), web)
    assert (await redeems(web, code)).status == 200
    assert (await redeems(web, code)).error == "invalid_grant"
    events = await noted(store)
    assert words(events) == [
        ("client_allowed", "done", None, web.id),
        ("sign_in", "done", "authorization_code", web.id),
        ("code_reused", "done", "authorization_code", web.id),
    ]
    assert events[0].email == "ana@example.org"
    assert events[1].session == events[2].session is not None
    assert {event.occasion.door for event in events} == {"oauth"}
    assert all(event.occasion.request_id for event in events)


async def test_a_wrong_password_at_the_page_is_noted_with_its_reason(world: World, store: Store) -> None:
    """As at the mutation, and with the request and the browser that it came from."""
    web = await program(world, scopes=("read", "write"), redirect_uris=(CALLBACK,))
    world.client.headers["user-agent"] = "Browser/1"
    browser = AuthorizeBrowser(world)
    await browser.opens(asks(web))
    await browser.signs_in(password="not the right one")
    (event,) = await noted(store)
    assert (event.deed, event.reason, event.email) == ("sign_in", "wrong_password", "ana@example.org")
    assert (event.occasion.origin.user_agent, event.occasion.request_id is None) == ("Browser/1", False)


async def test_a_device_is_noted_when_it_is_let_in_and_when_it_comes(world: World, store: Store, cli: Program) -> None:
    """A wrong password there too."""
    browser = DeviceBrowser(world)
    codes = (await cli.asks(START)).tokens
    await browser.allows(codes["user_code"], password="not the right one")
    await browser.allows(codes["user_code"])
    assert (await cli.polls(codes["device_code"])).status == 200
    assert words(await noted(store)) == [
        ("device_approved", "refused", "wrong_password", None),
        ("device_approved", "done", None, "gatepass"),
        ("sign_in", "done", "device_code", "gatepass"),
    ]


async def test_what_clients_do_for_themselves_and_give_up_is_noted(world: World, store: Store) -> None:
    """Another client's token has no effect, and leaves no entry."""
    robot, other = await program(world, **SERVICE), await program(world, **SERVICE)
    pair = (await robot.gets_tokens_for_itself()).tokens
    await other.asks("/oauth/revoke", token=pair["access_token"])
    await robot.asks("/oauth/revoke", token=pair["access_token"])
    await robot.asks("/oauth/revoke", token=pair["access_token"])
    assert words(await noted(store)) == [
        ("sign_in", "done", "client_credentials", robot.id),
        ("sign_out", "done", None, robot.id),
    ]


async def test_a_device_that_is_not_let_in_is_noted_once(world: World, store: Store, cli: Program) -> None:
    """With the client that asked; of whoever said no nothing is known but from where."""
    browser = DeviceBrowser(world)
    codes = (await cli.asks(START)).tokens
    for _ in range(2):
        await browser.sends(user_code=codes["user_code"], answer="deny")
    (event,) = await noted(store)
    assert words([event]) == [("device_denied", "done", None, "gatepass")]
    assert (event.account, event.occasion.origin.address) == (None, "127.0.0.1")


async def test_somebody_who_guesses_user_codes_is_noted_when_no_more_are_taken(world: World, store: Store) -> None:
    """Once, however long they go on."""
    browser = DeviceBrowser(world)
    for _ in range(20):
        await browser.sends(user_code="BCDF-GHJK", answer="continue")
    (event,) = await noted(store)
    assert (event.deed, event.result, event.reason) == ("device_approved", "refused", "rate_limited")
    assert event.detail == "counter user_code_network: 60 s to wait"
