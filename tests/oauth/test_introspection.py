"""`/oauth/introspect`. RFC 7662."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatepass.domain.client import BUILT_IN, ClientAuthentication
from tests.kit.oauth_world import Program, program
from tests.kit.world import Person, World

Rows = Callable[[], dict[str, Any]]
INTROSPECT = "/oauth/introspect"


@pytest.fixture
async def api(world: World) -> Program:
    """Return a client that proves who it is."""
    return await program(world)


async def test_an_access_token_says_what_stands_in_it(world: World, ana: Person, api: Program, rows: Rows) -> None:
    """§2.2: whichever client got it."""
    tokens = await ana.signs_in()
    before = rows()
    said = (await api.asks(INTROSPECT, token=tokens.access, token_type_hint="refresh_token")).tokens
    me = (await world.posts("{ me { subject session } }", bearer=tokens.access)).data["me"]
    assert set(said) == {
        *("active", "token_type", "iss", "sub", "aud", "client_id", "scope", "sid", "jti", "iat", "exp", "auth_time")
    }
    assert (said["active"], said["token_type"], said["client_id"]) == (True, "Bearer", "gatepass")
    assert (said["sub"], said["sid"], said["scope"]) == (me["subject"], me["session"], "read write")
    assert (said["iss"], said["aud"]) == ("http://gatepass.test", "http://gatepass.test/graphql")
    assert said["exp"] - said["iat"] == 3600
    assert rows() == before


async def test_a_refresh_token_says_something_to_its_client_alone(
    world: World, ana: Person, api: Program, rows: Rows
) -> None:
    """It is for this server, so to every other client it is inactive. Asking does not use it up."""
    from tests.oauth.test_authorization_code import Browser, redeems, signed_in

    web = await program(world, scopes=("read",))
    pair = (await redeems(web, await signed_in(Browser(world), web))).tokens
    before = rows()
    said = (await web.asks(INTROSPECT, token=pair["refresh_token"])).tokens
    assert (said["active"], said["client_id"], said["scope"]) == (True, web.id, "read")
    assert said["exp"] > said["iat"]
    assert (await api.asks(INTROSPECT, token=pair["refresh_token"])).tokens == {"active": False}
    assert rows() == before
    assert (await web.refreshes(pair["refresh_token"])).status == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "gpr_" + "A" * 76, "gpc_x", "\U0001f511", "x" * 20_000])
async def test_what_is_no_token_is_inactive_and_nothing_else_is_said(api: Program, token: str, rows: Rows) -> None:
    before = rows()
    answer = await api.asks(INTROSPECT, token=token)
    assert (answer.status, answer.body) == (200, {"active": False})
    assert rows() == before


async def test_what_has_ended_is_inactive(world: World, ana: Person, api: Program) -> None:
    """Signed out, expired, disabled: nobody learns which."""
    out, old = await ana.signs_in(), await ana.signs_in()
    await ana.signs_out(out)
    await world.has_taken_in_revocations()
    assert (await api.asks(INTROSPECT, token=out.access)).body == {"active": False}
    world.clock.forward(hours=1)
    assert (await api.asks(INTROSPECT, token=old.access)).body == {"active": False}


async def test_a_spent_refresh_token_is_inactive(world: World) -> None:
    """Outside of the replay window; within it, it is as good as its successor. Asking for it revokes nothing."""
    from tests.oauth.test_authorization_code import Browser, redeems, signed_in

    web = await program(world, scopes=("read",))
    first = (await redeems(web, await signed_in(Browser(world), web))).tokens["refresh_token"]
    second = (await web.refreshes(first)).tokens["refresh_token"]
    assert (await web.asks(INTROSPECT, token=first)).tokens["active"] is True
    world.clock.forward(seconds=61)
    assert (await web.asks(INTROSPECT, token=first)).body == {"active": False}
    assert (await web.asks(INTROSPECT, token=second)).tokens["active"] is True


async def test_it_is_for_clients_that_prove_who_they_are(world: World, ana: Person) -> None:
    """§2.1; anybody could try tokens otherwise (§4)."""
    tokens, public = await ana.signs_in(), await program(world, authentication=ClientAuthentication.NONE)
    for client in (public, Program(world, BUILT_IN)):
        answer = await client.asks(INTROSPECT, token=tokens.access)
        assert (answer.status, answer.error) == (400, "unauthorized_client")
    unproven = await Program(world, (await program(world)).client).asks(INTROSPECT, token=tokens.access)
    assert (unproven.status, unproven.error) == (401, "invalid_client")
