"""
Who asks at the doors of OAuth 2 and of refresh learns nothing of what is not theirs: not by body, status or headers.

That it takes the same time is measured by `benchmarks/spying.py`; here it is counted what is computed.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jws

from gatepass.domain import client_secret, one_time_code, refresh_token
from gatepass.domain.client import BUILT_IN, ClientAuthentication, GrantType
from gatepass.domain.identifiers import RANDOM_BYTES, Generation, SessionId, uuid7
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret
from gatepass.stores.opening import open_store
from gatepass.usecases.enable_account import EnableAccount
from gatepass.usecases.remove_client import RemoveClient
from tests.kit.code_world import VERIFIER
from tests.kit.me_app import MeApp
from tests.kit.oauth_world import DEVICE_GRANT, FORM, Program, basic, program
from tests.kit.world import REFRESH, Person, Tokens, TurnableClock, World, add_account, running, settings_for
from tests.oauth.conftest import PASSWORD
from tests.oauth.test_authorization_code import CALLBACK, signed_in
from tests.oauth.test_authorization_code import Browser as CodeBrowser
from tests.oauth.test_private_key_jwt import KEYS, OTHER, TYPE, Signer, signer

SAME = {"X-Request-ID": "the-same-for-all"}
ENDPOINTS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization")
Said = tuple[int, dict[str, str], bytes]


def said(response: httpx2.Response) -> Said:
    """All that a caller can tell apart, but for the time."""
    return response.status_code, dict(response.headers), response.content


async def form(
    world: World, path: str, parameters: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Said:
    return said(await world.client.post(path, data=parameters, headers={**FORM, **SAME, **(headers or {})}))


def all_alike(answers: Mapping[str, object]) -> None:
    """Fail with the first that differs."""
    first, *others = answers.items()
    for name, answer in others:
        assert answer == first[1], f"{name} is told from {first[0]}"


# -- clients ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def removed(world: World) -> Program:
    """Return a client that was removed."""
    gone = await program(world)
    store = await open_store(world.settings.store_url)
    try:
        await RemoveClient(store.clients, lambda: datetime.now(UTC))(gone.id)
    finally:
        await store.close()
    return gone


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("is_header", [True, False])
async def test_clients_that_prove_nothing_are_all_alike(
    world: World, removed: Program, path: str, is_header: bool
) -> None:
    """Unknown, removed, wrong secret, one without a secret, one that signs: at every endpoint, proven in either way."""
    known, public = await program(world), await program(world, authentication=ClientAuthentication.NONE)
    signs = (await signer(world, "ES256")).client
    assert known.secret is not None
    assert removed.secret is not None
    right, wrong = known.secret.reveal(), client_secret.make(os.urandom(32)).reveal()
    cases = {
        "unknown": (str(uuid.uuid4()), right),
        "wrong secret": (known.id, wrong),
        "removed": (removed.id, removed.secret.reveal()),
        "public": (public.id, right),
        "signs": (signs.id, right),
    }
    rest = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    answers = {}
    for name, (client_id, secret) in cases.items():
        proof = {} if is_header else {"client_id": client_id, "client_secret": secret}
        answers[name] = await form(world, path, {**rest, **proof}, basic(client_id, secret) if is_header else None)
    all_alike(answers)
    assert answers["unknown"][0] == 401


async def test_a_secret_is_compared_whoever_is_asked_for(
    world: World, removed: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bool] = []
    is_right = client_secret.is_right

    def counted(presented: Secret[str], stored: bytes | None) -> bool:
        compared.append(is_right(presented, stored))
        return compared[-1]

    monkeypatch.setattr(client_secret, "is_right", counted)
    known, signs = await program(world), (await signer(world, "ES256")).client
    for client_id in (str(uuid.uuid4()), removed.id, known.id, signs.id):
        await form(world, "/oauth/revoke", {"client_id": client_id, "client_secret": "wrong", "token": "x"})
    assert compared == [False] * 4


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256"])
async def test_a_signature_is_checked_whoever_it_names(
    world: World, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each: known with a wrong signature, another algorithm or key id, unknown, registered with a secret."""
    known, other = await signer(world, algorithm), await signer(world, "RS256" if algorithm == "ES256" else "ES256")
    secret = await program(world)
    checked: list[str] = []
    check = jws.deserialize_compact

    def counted(*arguments: Any, **named: Any) -> Any:
        checked.append("once")
        return check(*arguments, **named)

    key = OTHER if algorithm == "ES256" else KEYS[algorithm.replace("PS", "RS")]
    names = {"another algorithm": other.client.id, "unknown": str(uuid.uuid4()), "with a secret": secret.id}
    assertions = {name: known.signs(key=key, iss=id_, sub=id_) for name, id_ in names.items()}
    good = known.signs()
    assertions["wrong signature"] = good[:-20] + ("A" * 20 if good[-20:] != "A" * 20 else "B" * 20)
    monkeypatch.setattr(jws, "deserialize_compact", counted)
    answers: dict[str, Said] = {}
    for name, assertion in assertions.items():
        proof = {"client_assertion_type": TYPE, "client_assertion": assertion, "token": "x"}
        answers[name] = await form(world, "/oauth/revoke", proof)
    all_alike(answers)
    assert answers["unknown"][0] == 401
    assert len(checked) == len(assertions)


async def test_a_key_id_that_a_client_has_not_costs_a_check_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known: Signer = await signer(world, "ES256")
    checked: list[str] = []

    def refused(*_: object, **__: object) -> Any:
        checked.append("once")
        raise ValueError("no")

    assertion = known.signs({"kid": "of nobody"}, jti=str(uuid.uuid4()))
    monkeypatch.setattr(jws, "deserialize_compact", refused)
    await known.sends(assertion)
    assert checked == ["once"]


# -- tokens -----------------------------------------------------------------------------------------------------------


class Purse:
    """Refresh tokens that are good for nobody who asks here, by what is wrong with each; `cli` is who asks."""

    def __init__(self, world: World, cli: Program) -> None:
        self.world, self.cli = world, cli
        self.tokens: dict[str, str] = {}

    async def fill(self, clock: TurnableClock) -> None:
        ana, other = Person(self.world, "ana@example.org", PASSWORD), await program(self.world)
        expired = await ana.signs_in()
        clock.forward(days=15)
        await self.world.has_taken_in_revocations()
        live, out = await ana.signs_in(), await ana.signs_in()
        await ana.signs_out(out)
        theirs = await signed_in(CodeBrowser(self.world), other, scope=None)
        answer = await other.asks_for_tokens(
            "authorization_code", code=theirs, redirect_uri=CALLBACK, code_verifier=VERIFIER
        )
        gone = await self._disabled()
        parts = refresh_token.parse(live.refresh)
        unknown = SessionId(uuid7(clock(), os.urandom(RANDOM_BYTES)))
        own, foreign = RefreshKey(parts.key_id, Secret(bytes(32))), RefreshKey(b"nope", Secret(bytes(32)))
        self.tokens = {
            "unknown": refresh_token.mint(own, unknown, Generation(0), b"salt").reveal(),
            "revoked": out.refresh,
            "expired": expired.refresh,
            "of a disabled account": gone.refresh,
            "of another client": answer.tokens["refresh_token"],
            "of another key": refresh_token.mint(foreign, parts.session, Generation(0), b"salt").reveal(),
            "with another MAC": refresh_token.mint(own, parts.session, Generation(0), b"salt").reveal(),
            "of a later generation": refresh_token.mint(own, parts.session, Generation(7), b"salt").reveal(),
        }

    async def _disabled(self) -> Tokens:
        await add_account(self.world.settings, "ben@example.org", PASSWORD)
        tokens = await Person(self.world, "ben@example.org", PASSWORD).signs_in()
        store = await open_store(self.world.settings.store_url)
        try:
            await EnableAccount(store.accounts, self.world.clock)("ben@example.org", enabled=False)
        finally:
            await store.close()
        return tokens

    async def said_of_each(self, ask: Callable[[str], Awaitable[httpx2.Response]]) -> dict[str, Said]:
        return {name: said(await ask(token)) for name, token in self.tokens.items()}


@pytest.fixture
async def purse(tmp_path: Path) -> AsyncIterator[Purse]:
    """Yield such tokens, and who presents them."""
    settings, clock = settings_for(tmp_path, public_url="http://gatepass.test"), TurnableClock()
    await add_account(settings, "ana@example.org", PASSWORD, "read")
    async with running(settings, MeApp(), clock=clock) as world:
        filled = Purse(world, Program(world, BUILT_IN))
        await filled.fill(clock)
        yield filled


async def test_refresh_tokens_that_are_not_good_are_all_alike(purse: Purse) -> None:
    """At `signInRefresh` in both media types, refresh grant, introspection, revocation, as a bearer."""
    client, robot = purse.world.client, await program(purse.world)

    def refresh(accept: str) -> Callable[[str], Awaitable[httpx2.Response]]:
        return lambda token: client.post(
            "/graphql/",
            json={"query": REFRESH, "variables": {"token": token}},
            headers={"Accept": accept, **SAME},
        )

    def post(path: str, who: Program, name: str, **more: str) -> Callable[[str], Awaitable[httpx2.Response]]:
        assert who.secret is None or who is robot
        headers = {**FORM, **SAME, **(basic(who.id, who.secret.reveal()) if who.secret else {})}
        own = {} if who.secret else {"client_id": who.id}
        return lambda token: client.post(path, data={**own, **more, name: token}, headers=headers)

    doors = {
        "signInRefresh": refresh("application/json"),
        "signInRefresh, the other media type": refresh("application/graphql-response+json"),
        "/oauth/token": post("/oauth/token", purse.cli, "refresh_token", grant_type="refresh_token"),
        "/oauth/introspect": post("/oauth/introspect", robot, "token"),
        "/oauth/revoke": post("/oauth/revoke", robot, "token"),
        "a bearer": lambda token: client.post(
            "/graphql/", json={"query": "{ hello }"}, headers={"Authorization": f"Bearer {token}", **SAME}
        ),
    }
    for door, ask in doors.items():
        answers = await purse.said_of_each(ask)
        all_alike({f"{name} at {door}": answer for name, answer in answers.items()})


# -- codes ------------------------------------------------------------------------------------------------------------


async def test_authorization_codes_that_are_not_good_are_all_alike(world: World, ana: Person) -> None:
    """Unknown, spent, another client's, with another verifier or address, too old."""
    web, other, browser = await program(world, scopes=None), await program(world, scopes=None), CodeBrowser(world)
    assert web.secret is not None
    good = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    late, spent = await signed_in(browser, web), await signed_in(browser, web)
    world.clock.forward(seconds=61)
    codes = {
        "too old": {"code": late},
        "unknown": {"code": one_time_code.make("gpc_", os.urandom(32)).reveal()},
        "another client's": {"code": await signed_in(browser, other)},
        "another verifier": {"code": await signed_in(browser, web), "code_verifier": "x" * 43},
        "another address": {"code": await signed_in(browser, web), "redirect_uri": "http://127.0.0.1/cb?a=b"},
    }
    fresh = await signed_in(browser, web)
    who = basic(web.id, web.secret.reveal())
    assert (await form(world, "/oauth/token", {**good, "code": fresh}, who))[0] == 200
    codes |= {"spent": {"code": fresh}, "spent, and too old": {"code": spent}}
    answers = {name: await form(world, "/oauth/token", {**good, **each}, who) for name, each in codes.items()}
    all_alike(answers)
    assert answers["unknown"][0] == 400


async def test_device_codes_of_others_are_as_none(world: World) -> None:
    """Only who was given a code learns that nobody has answered, that somebody said no, or that time is over."""
    cli = Program(world, BUILT_IN)
    grants = frozenset({GrantType.DEVICE_CODE})
    public = ClientAuthentication.NONE
    other = await program(world, grants=grants, redirect_uris=(), authentication=public, scopes=None)
    page = "/oauth/device"
    codes: dict[str, str] = {}
    for state in ("waiting", "allowed", "denied", "spent"):
        started = (await other.asks("/oauth/device_authorization")).tokens
        codes[state] = started["device_code"]
        answer = {"waiting": "continue", "denied": "deny"}.get(state, "allow")
        typed = {"user_code": started["user_code"], "username": "ana@example.org", "password": PASSWORD}
        await world.client.post(page, data={**typed, "answer": answer}, headers={"Sec-Fetch-Site": "same-origin"})
    assert (await other.polls(codes["spent"])).status == 200
    codes["unknown"] = one_time_code.make("gpd_", os.urandom(32)).reveal()
    asked = {"grant_type": DEVICE_GRANT, "client_id": cli.id}
    all_alike({name: await form(world, "/oauth/token", {**asked, "device_code": code}) for name, code in codes.items()})


@pytest.mark.parametrize("pressed", ["continue", "deny", "allow"])
async def test_user_codes_that_are_not_good_are_all_alike(tmp_path: Path, pressed: str) -> None:
    """Unknown, allowed, denied, spent and too old ones, whatever is pressed and whoever signs in."""
    settings = settings_for(tmp_path, public_url="http://gatepass.test", throttle_code_failures=100)
    await add_account(settings, "ana@example.org", PASSWORD)
    async with running(settings, MeApp()) as world:
        cli = Program(world, BUILT_IN)
        me = {"username": "ana@example.org", "password": PASSWORD}
        own = {"Sec-Fetch-Site": "same-origin"}
        codes = {"too old": (await cli.asks("/oauth/device_authorization")).tokens["user_code"]}
        world.clock.forward(minutes=30)
        for state, answer in {"allowed": "allow", "denied": "deny", "spent": "allow"}.items():
            started = (await cli.asks("/oauth/device_authorization")).tokens
            codes[state] = started["user_code"]
            typed = {"user_code": codes[state], "answer": answer, **me}
            assert (await world.client.post("/oauth/device", data=typed, headers=own)).status_code == 200
            if state == "spent":
                assert (await cli.polls(started["device_code"])).status == 200
        codes["unknown"] = "BCDF-GHJK"
        for password in (PASSWORD, "not the right one"):
            answers = {}
            for name, code in codes.items():
                sent = {"user_code": code, "answer": pressed, **me, "password": password}
                response = await world.client.post("/oauth/device", data=sent, headers={**own, **SAME})
                body = response.text.replace(code, "the code that was typed")
                answers[name] = (response.status_code, dict(response.headers), body)
            all_alike(answers)
            assert answers["unknown"][0] == 400


async def test_what_is_compared_here_can_be_told_apart(world: World) -> None:
    """The comparison sees a header, a status or a word that differs."""
    known = await program(world)
    assert known.secret is not None
    right = await form(world, "/oauth/introspect", {"token": "x"}, basic(known.id, known.secret.reveal()))
    wrong = await form(world, "/oauth/introspect", {"token": "x"}, basic(known.id, "wrong"))
    with pytest.raises(AssertionError, match="wrong is told from right"):
        all_alike({"right": right, "wrong": wrong})
    assert json.loads(right[2]) == {"active": False}
