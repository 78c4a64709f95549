"""
What is broken refuses: a table of faults and doors. Never 200 for what needs the broken part, no trace, no hang.

docs/how-to/operate.md has the same table for people.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

import gatepass.app.ground
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.client import BUILT_IN, GrantType
from gatepass.domain.errors import HashingFailed
from gatepass.settings import Settings
from gatepass.settings.errors import SettingsError
from gatepass.settings.sources import SECRET_KEY_NAME
from gatepass.stores.opening import open_store
from tests.kit.code_world import CALLBACK, VERIFIER, challenge_of
from tests.kit.issuer import AUDIENCE, ISSUER, Issuer, IssuerKey
from tests.kit.me_app import MeApp
from tests.kit.oauth_world import DEVICE_GRANT, Program, basic, program
from tests.kit.processes import free_port
from tests.kit.world import REFRESH, SIGN_IN, SIGN_OUT, Person, Tokens, World, add_account, running, settings_for
from tests.verify.publisher import Publisher, publishing
from tests.wire.conftest import ANA_PASSWORD

PAGE_FOR_OPERATORS: Final = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "operate.md"
Answer = tuple[int, str]
FINE: Final = (200, "OK")
INTERNAL: Final = (500, "INTERNAL")
GRAPHQL: Final = {"Accept": "application/graphql-response+json"}


@dataclass(frozen=True)
class Site:
    """
    A running service with somebody signed in once for GraphQL and once for OAuth, a client, and the stores it has open.

    `publisher` has the keys of an issuer that it trusts, `foreign` is a token of that one with a key not seen before.
    """

    world: World
    tokens: Tokens
    others: Tokens
    robot: Program
    stores: list[Any]
    publisher: Publisher
    foreign: str
    folder: Path


async def _store_gone(site: Site, _monkeypatch: pytest.MonkeyPatch) -> None:
    for store in site.stores:
        await store.close()
    await asyncio.sleep(0.6)  # until what was revoked is not known any more


async def _hash_workers_gone(_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def verify(*_: object) -> bool:
        raise HashingFailed("the worker died")

    monkeypatch.setattr(PasswordPool, "verify", verify)


def _damage_key_file(folder: Path) -> None:
    """Root may read every file; nobody can read this one as text."""
    file = folder / SECRET_KEY_NAME
    file.write_bytes(b"\xff\xfe\x00")
    file.chmod(0o600)


async def _key_file_unreadable(site: Site, _monkeypatch: pytest.MonkeyPatch) -> None:
    _damage_key_file(site.folder)


async def _issuer_gone(site: Site, _monkeypatch: pytest.MonkeyPatch) -> None:
    site.publisher.publishes(b"gone", 503)


async def _clock_back(site: Site, _monkeypatch: pytest.MonkeyPatch) -> None:
    site.world.clock.forward(days=-2)
    await asyncio.sleep(0.3)  # until what was revoked has been looked up by the new time


async def _nothing(_site: Site, _monkeypatch: pytest.MonkeyPatch) -> None:
    """The upstream was never there."""


async def graphql(site: Site, query: str, variables: dict[str, object], *, bearer: bool = False) -> Answer:
    token = site.tokens.access if bearer else None
    answered = await site.world.posts(query, variables, bearer=token, headers=GRAPHQL)
    return answered.status, answered.code if "errors" in answered.body else "OK"


def _code(response: httpx2.Response) -> Answer:
    assert "Traceback" not in response.text
    try:
        body = response.json()
    except ValueError:
        return response.status_code, "OK"
    if not isinstance(body, dict):
        return response.status_code, "OK"
    errors = body.get("errors")
    return response.status_code, errors[0]["extensions"]["code"] if errors else body.get("error", "OK")


async def get(site: Site, path: str) -> Answer:
    headers = {"Authorization": f"Bearer {site.tokens.access}"} if path == "/authz" else {}
    return _code(await site.world.client.get(path, headers=headers))


async def foreign(site: Site) -> Answer:
    answered = await site.world.posts("{ hello }", bearer=site.foreign, headers=GRAPHQL)
    return answered.status, answered.code if "errors" in answered.body else "OK"


async def oauth(site: Site, path: str, **parameters: str) -> Answer:
    """As the client that can prove itself."""
    assert site.robot.secret is not None
    proof = basic(site.robot.id, site.robot.secret.reveal())
    return _code(await site.world.client.post(path, data=parameters, headers=proof))


async def public(site: Site, path: str, **parameters: str) -> Answer:
    """As the command line, which cannot."""
    return _code(await site.world.client.post(path, data={"client_id": BUILT_IN.id, **parameters}))


async def page(site: Site) -> Answer:
    """Somebody signs in for the client: its code is in the address of the answer."""
    asked = {
        "response_type": "code",
        "client_id": site.robot.id,
        "redirect_uri": CALLBACK,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "username": "ana@example.org",
        "password": ANA_PASSWORD,
        "answer": "allow",
    }
    response = await site.world.client.post("/oauth/authorize", data=asked, headers={"Sec-Fetch-Site": "same-origin"})
    assert ("code=" in response.headers.get("location", "")) is (response.status_code == 303)
    return _code(response)


async def device_page(site: Site) -> Answer:
    """Somebody types in a code that no device shows."""
    typed = {"user_code": "BCDF-GHJK", "answer": "continue"}
    return _code(await site.world.client.post("/oauth/device", data=typed, headers={"Sec-Fetch-Site": "same-origin"}))


DOORS: dict[str, Callable[[Site], Awaitable[Answer]]] = {
    "signIn": lambda site: graphql(site, SIGN_IN, {"userName": "ana@example.org", "password": ANA_PASSWORD}),
    "a query": lambda site: graphql(site, "{ hello }", {}, bearer=True),
    "/authz": lambda site: get(site, "/authz"),
    "signInRefresh": lambda site: graphql(site, REFRESH, {"token": site.tokens.refresh}),
    "refresh grant": lambda site: public(
        site, "/oauth/token", grant_type="refresh_token", refresh_token=site.others.refresh
    ),
    "client_credentials": lambda site: oauth(site, "/oauth/token", grant_type="client_credentials"),
    "authorization code": lambda site: oauth(
        site, "/oauth/token", grant_type="authorization_code", code="x", redirect_uri=CALLBACK, code_verifier=VERIFIER
    ),
    "device code": lambda site: public(site, "/oauth/token", grant_type=DEVICE_GRANT, device_code="x"),
    "/oauth/introspect": lambda site: oauth(site, "/oauth/introspect", token=site.others.access),
    "/oauth/revoke": lambda site: oauth(site, "/oauth/revoke", token=site.others.refresh),
    "/oauth/device_authorization": lambda site: public(site, "/oauth/device_authorization"),
    "/oauth/authorize": page,
    "/oauth/device": device_page,
    "another issuer's token": foreign,
    "signOut": lambda site: graphql(site, SIGN_OUT, {"everywhere": False}, bearer=True),
    "/readyz": lambda site: get(site, "/readyz"),
    "/livez": lambda site: get(site, "/livez"),
    "/metrics": lambda site: get(site, "/metrics"),
    "JWKS": lambda site: get(site, "/.well-known/jwks.json"),
}
SERVER_ERROR: Final = (500, "server_error")
PAGE: Final = (500, "OK")
"""A page says it in words."""
USUAL: Final[dict[str, Answer]] = {
    **dict.fromkeys(DOORS, FINE),
    "/oauth/authorize": (303, "OK"),
    "/oauth/device": (400, "OK"),
    "authorization code": (400, "invalid_grant"),
    "device code": (400, "invalid_grant"),
}
"""Where nothing is wrong. Two codes and a user code are none, so that to see a fault is to be told otherwise."""
GONE: Final[dict[str, Answer]] = {
    "signIn": INTERNAL,
    "a query": INTERNAL,
    "/authz": (403, "INTERNAL"),  # proxies know no other refusal than 401 and 403
    "signInRefresh": INTERNAL,
    "signOut": INTERNAL,
    "/readyz": (503, "OK"),
    **dict.fromkeys(["refresh grant", "client_credentials", "authorization code", "device code"], SERVER_ERROR),
    **dict.fromkeys(["/oauth/introspect", "/oauth/revoke", "/oauth/device_authorization"], SERVER_ERROR),
    **dict.fromkeys(["/oauth/authorize", "/oauth/device"], PAGE),
}
Happens = Callable[[Site, pytest.MonkeyPatch], Awaitable[None]]
TABLE: Final[dict[str, tuple[Happens, dict[str, Answer]]]] = {
    "nothing": (_nothing, {}),
    "store gone": (_store_gone, GONE),
    "hash workers gone": (_hash_workers_gone, {"signIn": INTERNAL, "/oauth/authorize": PAGE}),
    "upstream gone": (
        _nothing,
        dict.fromkeys(["a query", "another issuer's token"], (502, "UPSTREAM_UNAVAILABLE")),
    ),
    "key file unreadable": (_key_file_unreadable, {}),  # its keys are open; the next start is refused
    "JWKS of a trusted issuer gone": (_issuer_gone, {"another issuer's token": (401, "UNAUTHENTICATED")}),
    "clock jumped back": (
        _clock_back,
        {
            "a query": (401, "UNAUTHENTICATED"),
            "/authz": (401, "UNAUTHENTICATED"),
            "signOut": (401, "UNAUTHENTICATED"),
            "another issuer's token": (401, "UNAUTHENTICATED"),
        },
    ),
}
"""What is answered otherwise than usual."""


async def _site(stack: AsyncExitStack, folder: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> Site:
    stores: list[Any] = []
    opening = open_store

    async def remembered(*arguments: Any) -> Any:
        stores.append(await opening(*arguments))
        return stores[-1]

    monkeypatch.setattr(gatepass.app.ground, "open_store", remembered)
    upstream = {"upstream": f"http://127.0.0.1:{free_port()}/graphql"} if fault == "upstream gone" else {}
    publisher, idp = stack.enter_context(publishing()), Issuer()
    publisher.publishes(idp.jwks)
    trusted = [{"issuer": ISSUER, "audience": AUDIENCE, "jwks": publisher.url}]
    stale = 0.3 if fault == "store gone" else 30
    settings = settings_for(
        folder, revocation_poll_seconds=0.05, revocation_stale_seconds=stale, trusted_issuers=trusted, **upstream
    )
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    world = await stack.enter_async_context(running(settings, None if upstream else MeApp()))
    grants = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.CLIENT_CREDENTIALS})
    robot = await program(world, grants=grants, redirect_uris=(CALLBACK,), scopes=("read",))
    ana = Person(world, "ana@example.org", ANA_PASSWORD)
    new_key = IssuerKey(kid="new") if fault == "JWKS of a trusted issuer gone" else None
    return Site(world, await ana.signs_in(), await ana.signs_in(), robot, stores, publisher, idp.token(new_key), folder)


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
    assert found == USUAL | expected


def test_a_start_with_a_key_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """It says which file, and no key is made in its place: that would open nothing."""
    _damage_key_file(tmp_path)
    with pytest.raises(SettingsError, match=rf"{SECRET_KEY_NAME}: the file is not text"):
        Settings.load(environ={"GATEPASS_DATA_DIR": str(tmp_path)})
    assert (tmp_path / SECRET_KEY_NAME).read_bytes() == b"\xff\xfe\x00"


def test_the_page_for_operators_has_this_table() -> None:
    """Fault for fault and door for door, as far as answers are otherwise than usual."""
    text = PAGE_FOR_OPERATORS.read_text("utf-8").partition("## When a part is gone")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)[2:]
    told: dict[str, dict[str, str]] = {}
    for fault, doors, answer in rows:
        told.setdefault(fault, {}).update(dict.fromkeys(re.findall(r"`([^`]+)`", doors), answer))
    made = {fault: {door: _shown(answer) for door, answer in row.items()} for fault, (_, row) in TABLE.items() if row}
    assert told == made


def _shown(answer: Answer) -> str:
    status, code = answer
    return str(status) if code == "OK" else f"{status} `{code}`"
