"""`/oauth/revoke`. RFC 7009."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatepass.domain.client import BUILT_IN, ClientAuthentication, GrantType
from tests.kit.oauth_world import Program, program
from tests.kit.world import Person, World

Rows = Callable[[], dict[str, Any]]
REVOKE = "/oauth/revoke"


@pytest.fixture
def cli(world: World) -> Program:
    """Return the client that signIn is."""
    return Program(world, BUILT_IN)


@pytest.mark.parametrize("which", ["access", "refresh"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "saml", None])
async def test_either_token_ends_the_sign_in(
    world: World, ana: Person, cli: Program, which: str, hint: str | None
) -> None:
    """Refresh at once, access within a second; the others of the account live on. The hint may be wrong (§2.1)."""
    tokens, others = await ana.signs_in(), await ana.signs_in()
    hinted = {"token_type_hint": hint} if hint else {}
    answer = await cli.asks(REVOKE, token=getattr(tokens, which), **hinted)
    assert (answer.status, answer.body) == (200, {})
    assert (await ana.tries_to_refresh(tokens)).code == "INVALID_REFRESH_TOKEN"
    await world.has_taken_in_revocations()
    assert (await ana.asks_who_they_are(tokens)).status == 401
    assert (await ana.asks_who_they_are(others)).status == 200
    assert (await ana.tries_to_refresh(others)).status == 200


async def test_a_spent_refresh_token_ends_its_sign_in_too(world: World, ana: Person, cli: Program) -> None:
    """Its client wants out, and may have lost the answer with the next one."""
    first = await ana.signs_in()
    second = await ana.refreshes(first)
    world.clock.forward(seconds=90)
    assert (await cli.asks(REVOKE, token=first.refresh)).status == 200
    assert (await ana.tries_to_refresh(second)).code == "INVALID_REFRESH_TOKEN"


async def test_another_clients_token_is_200_and_nothing_happens(world: World, ana: Person, rows: Rows) -> None:
    """§2.1."""
    tokens, other = await ana.signs_in(), await program(world)
    before = rows()
    for token in (tokens.access, tokens.refresh):
        answer = await other.asks(REVOKE, token=token)
        assert (answer.status, answer.body) == (200, {})
    assert rows() == before
    assert (await ana.asks_who_they_are(tokens)).status == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "gpr_" + "A" * 76, "gpc_x", "\U0001f511", "x" * 20_000])
async def test_what_is_no_token_is_200_too(cli: Program, token: str, rows: Rows) -> None:
    """§2.2: the client's aim, that it is not good, is reached."""
    before = rows()
    assert (await cli.asks(REVOKE, token=token)).status == 200
    assert rows() == before


async def test_what_has_ended_already_stays_as_it_is(ana: Person, cli: Program, rows: Rows) -> None:
    tokens = await ana.signs_in()
    await cli.asks(REVOKE, token=tokens.refresh)
    before = rows()
    for token in (tokens.access, tokens.refresh):
        assert (await cli.asks(REVOKE, token=token)).status == 200
    assert rows() == before


async def test_an_expired_access_token_ends_nothing(world: World, ana: Person, cli: Program) -> None:
    tokens = await ana.signs_in()
    world.clock.forward(hours=2)
    assert (await cli.asks(REVOKE, token=tokens.access)).status == 200
    assert (await ana.tries_to_refresh(tokens)).status == 200


async def test_a_service_ends_one_of_its_tokens_and_keeps_the_others(world: World) -> None:
    service = await program(world, grants=frozenset({GrantType.CLIENT_CREDENTIALS}), redirect_uris=(), scopes=("read",))
    one, two = [(await service.gets_tokens_for_itself()).tokens["access_token"] for _ in range(2)]
    assert (await service.asks(REVOKE, token=one)).status == 200
    await world.has_taken_in_revocations()
    assert [(await world.posts("{ me { subject } }", bearer=each)).status for each in (one, two)] == [401, 200]


async def test_who_asks_has_to_say_so(world: World, ana: Person, rows: Rows) -> None:
    """§2.1: as at the token endpoint."""
    tokens, web = await ana.signs_in(), await program(world)
    before = rows()
    for client in (Program(world, web.client), Program(world, BUILT_IN, web.secret)):
        answer = await client.asks(REVOKE, token=tokens.access)
        assert (answer.status, answer.error) == (401, "invalid_client")
    assert (await web.asks(REVOKE)).error == "invalid_request"
    assert rows() == before


async def test_a_public_client_gives_up_its_own(world: World, ana: Person) -> None:
    public = await program(world, authentication=ClientAuthentication.NONE)
    assert (await public.asks(REVOKE, token="x")).status == 200
