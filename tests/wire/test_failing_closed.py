"""What is broken refuses: a table of faults and doors. Never 200 for what needs the broken part, no trace, no hang."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

import gatepass.app.ground
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.errors import HashingFailed
from gatepass.stores.opening import open_store
from tests.kit.me_app import MeApp
from tests.kit.processes import free_port
from tests.kit.world import REFRESH, SIGN_IN, SIGN_OUT, Person, Tokens, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD

Answer = tuple[int, str]
FINE: Final = (200, "OK")
INTERNAL: Final = (500, "INTERNAL")
GRAPHQL: Final = {"Accept": "application/graphql-response+json"}


class Site:
    """A running service with somebody signed in, and the store that it has open."""

    def __init__(self, world: World, tokens: Tokens, stores: list[Any]) -> None:
        self.world = world
        self.tokens = tokens
        self.stores = stores


async def _store_gone(site: Site, _monkeypatch: pytest.MonkeyPatch) -> None:
    for store in site.stores:
        await store.close()
    await asyncio.sleep(0.6)  # until what was revoked is not known any more


async def _hash_workers_gone(_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def verify(*_: object) -> bool:
        raise HashingFailed("the worker died")

    monkeypatch.setattr(PasswordPool, "verify", verify)


async def _nothing(_site: Site, _monkeypatch: pytest.MonkeyPatch) -> None:
    """The upstream was never there."""


async def graphql(site: Site, query: str, variables: dict[str, object], *, bearer: bool = False) -> Answer:
    token = site.tokens.access if bearer else None
    answered = await site.world.posts(query, variables, bearer=token, headers=GRAPHQL)
    return answered.status, answered.code if "errors" in answered.body else "OK"


def _code(response: httpx2.Response) -> Answer:
    try:
        body = response.json()
    except ValueError:
        return response.status_code, "OK"
    errors = body.get("errors") if isinstance(body, dict) else None
    return response.status_code, errors[0]["extensions"]["code"] if errors else "OK"


async def get(site: Site, path: str) -> Answer:
    headers = {"Authorization": f"Bearer {site.tokens.access}"} if path == "/authz" else {}
    response = await site.world.client.get(path, headers=headers)
    assert "Traceback" not in response.text
    return _code(response)


DOORS: dict[str, Callable[[Site], Awaitable[Answer]]] = {
    "signIn": lambda site: graphql(site, SIGN_IN, {"userName": "ana@example.org", "password": ANA_PASSWORD}),
    "a query": lambda site: graphql(site, "{ hello }", {}, bearer=True),
    "/authz": lambda site: get(site, "/authz"),
    "signInRefresh": lambda site: graphql(site, REFRESH, {"token": site.tokens.refresh}),
    "signOut": lambda site: graphql(site, SIGN_OUT, {"everywhere": False}, bearer=True),
    "/readyz": lambda site: get(site, "/readyz"),
    "/livez": lambda site: get(site, "/livez"),
    "/metrics": lambda site: get(site, "/metrics"),
    "JWKS": lambda site: get(site, "/.well-known/jwks.json"),
}
SERVICE: dict[str, Answer] = {"/livez": FINE, "/metrics": FINE, "JWKS": FINE}
TABLE: dict[str, tuple[Callable[[Site, pytest.MonkeyPatch], Awaitable[None]], dict[str, Answer]]] = {
    "store gone": (
        _store_gone,
        {
            **SERVICE,
            "signIn": INTERNAL,
            "a query": INTERNAL,
            "/authz": (403, "INTERNAL"),  # proxies know no other refusal than 401 and 403
            "signInRefresh": INTERNAL,
            "signOut": INTERNAL,
            "/readyz": (503, "OK"),
        },
    ),
    "hash workers gone": (
        _hash_workers_gone,
        {
            **SERVICE,
            "signIn": INTERNAL,
            "a query": FINE,
            "/authz": FINE,
            "signInRefresh": FINE,
            "signOut": FINE,
            "/readyz": FINE,
        },
    ),
    "upstream gone": (
        _nothing,
        {
            **SERVICE,
            "signIn": FINE,
            "a query": (502, "UPSTREAM_UNAVAILABLE"),
            "/authz": FINE,
            "signInRefresh": FINE,
            "signOut": FINE,
            "/readyz": FINE,
        },
    ),
}


async def _site(stack: AsyncExitStack, folder: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> Site:
    stores: list[Any] = []
    opening = open_store

    async def remembered(*arguments: Any) -> Any:
        stores.append(await opening(*arguments))
        return stores[-1]

    monkeypatch.setattr(gatepass.app.ground, "open_store", remembered)
    upstream = {"upstream": f"http://127.0.0.1:{free_port()}/graphql"} if fault == "upstream gone" else {}
    settings = settings_for(folder, revocation_poll_seconds=0.05, revocation_stale_seconds=0.3, **upstream)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    world = await stack.enter_async_context(running(settings, None if upstream else MeApp()))
    return Site(world, await Person(world, "ana@example.org", ANA_PASSWORD).signs_in(), stores)


@pytest.mark.parametrize("fault", TABLE)
async def test_each_door_answers_each_fault_as_the_table_says(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens, expected = TABLE[fault]
    async with AsyncExitStack() as stack:
        site = await _site(stack, tmp_path, fault, monkeypatch)
        await happens(site, monkeypatch)
        async with asyncio.timeout(30):
            found = {name: await door(site) for name, door in DOORS.items()}
    assert found == expected


async def test_a_clock_that_jumps_back_lets_nobody_in_and_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens from the future are refused; who signs in gets good ones."""
    async with AsyncExitStack() as stack:
        site = await _site(stack, tmp_path, "", monkeypatch)
        site.world.clock.forward(days=-2)
        assert (await DOORS["a query"](site))[0] == 401
        assert await DOORS["signIn"](site) == FINE
        assert (await DOORS["signInRefresh"](site))[1] in ("OK", "INVALID_REFRESH_TOKEN")
