"""Tokens that somebody made to get in, at the doors of a whole service. tests/crypto/ has the long lists."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer
from gatepass.settings import Settings
from gatepass.stores.opening import open_store
from tests.crypto.forger import as_json, decoded, encoded
from tests.kit.me_app import MeApp
from tests.kit.world import SIGN_OUT, Person, World, add_account, running, settings_for
from tests.verify.publisher import publishing
from tests.wire.conftest import ANA_PASSWORD


class Forger:
    """What our server's own key can be made to sign, and a good token to begin from."""

    def __init__(self, good: str, ring: Keyring) -> None:
        self.good, self.ring = good, ring
        head, body, _ = good.split(".")
        self.header: dict[str, Any] = json.loads(decoded(head))
        self.claims: dict[str, Any] = json.loads(decoded(body))

    def signed(self, header: object, claims: object) -> str:
        message = f"{encoded(as_json(header))}.{encoded(as_json(claims))}"
        return f"{message}.{encoded(self.ring.signing().sign(message.encode()))}"

    def header_with(self, **members: object) -> str:
        return self.signed(self.header | members, self.claims)

    def claims_with(self, **members: object) -> str:
        return self.signed(self.header, self.claims | members)

    def macced(self, secret: bytes) -> str:
        message = f"{encoded(as_json(self.header | {'alg': 'HS256'}))}.{encoded(as_json(self.claims))}"
        return f"{message}.{encoded(hmac.digest(secret, message.encode(), 'sha256'))}"


async def keyring(settings: Settings) -> Keyring:
    store = await open_store(settings.store_url)
    try:
        return await Keyring.open(store.keys, Sealer(settings.require_secret_key()), clock=lambda: datetime.now(UTC))
    finally:
        await store.close()


@pytest.fixture
async def attacked(tmp_path: Path, me_app: MeApp) -> AsyncIterator[World]:
    """Yield a service with an account."""
    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings, me_app) as world:
        yield world


@pytest.fixture
async def forger(attacked: World) -> Forger:
    """Return somebody with the key in their hands."""
    tokens = await Person(attacked, "ana@example.org", ANA_PASSWORD).signs_in()
    return Forger(tokens.access, await keyring(attacked.settings))


async def is_refused(world: World, app: MeApp, token: str) -> None:
    """At every door; no answer has the token, and nothing reaches the application with an identity."""
    header = {"Authorization": f"Bearer {token}"}
    answered = await world.posts("{ me { subject } }", bearer=token)
    assert (answered.status, answered.code) == (401, "UNAUTHENTICATED"), answered.body
    assert token not in json.dumps(answered.body)
    assert (await world.posts("{ __schema { types { name } } }", bearer=token)).status == 401
    assert (await world.posts(SIGN_OUT, bearer=token)).status == 401
    assert (await world.client.get("/authz", headers=header)).status_code == 401
    assert (await world.client.get("/elsewhere", headers=header)).json() == {"caller": None}
    assert all(scope["gatepass"] is None for scope, _ in app.received)


async def test_the_forger_can_make_a_good_token(attacked: World, forger: Forger) -> None:
    """Otherwise the refusals below would prove nothing."""
    for token in (forger.good, forger.claims_with(scope="admin"), forger.header_with(typ="application/at+jwt")):
        assert (await attacked.posts("{ me { subject } }", bearer=token)).status == 200


Bad = Callable[[Forger], str]
BAD: dict[str, Bad] = {
    "alg none": lambda f: f.header_with(alg="none"),
    "alg nOnE, no signature": lambda f: f.header_with(alg="nOnE").rpartition(".")[0] + ".",
    "HS256 with the JWKS": lambda f: f.macced(f.ring.jwks()),
    "HS256 with the JWK": lambda f: f.macced(f.ring.signing().public_jwk.encode()),
    "typ JWT": lambda f: f.header_with(typ="JWT"),
    "no typ": lambda f: f.signed({k: v for k, v in f.header.items() if k != "typ"}, f.claims),
    "crit": lambda f: f.header_with(crit=["exp"]),
    "b64": lambda f: f.header_with(b64=False, crit=["b64"]),
    "zip": lambda f: f.header_with(zip="DEF"),
    "jwk": lambda f: f.header_with(jwk=json.loads(f.ring.signing().public_jwk)),
    "x5c": lambda f: f.header_with(x5c=["MIIB"]),
    "kid with a path": lambda f: f.header_with(kid="../../../../dev/null"),
    "kid with SQL": lambda f: f.header_with(kid="x' UNION SELECT 'secret' --"),
    "kid of a refresh key": lambda f: f.header_with(kid=f.ring.active().id.hex()),
    "padding": lambda f: f.good + "==",
    "five parts": lambda f: f"{f.good}.AA.AA",
    "encrypted": lambda f: f"{encoded(as_json({'alg': 'dir', 'enc': 'A128GCM'}))}..AAAA.AAAA.AAAA",
    "exp as text": lambda f: f.claims_with(exp=str(f.claims["exp"])),
    "exp as float": lambda f: f.claims_with(exp=float(f.claims["exp"])),
    "exp 1e400": lambda f: f.signed(
        f.header, as_json(f.claims).replace(b'"exp": %d' % f.claims["exp"], b'"exp": 1e400')
    ),
    "another audience": lambda f: f.claims_with(aud="https://other.example.org"),
    "several audiences": lambda f: f.claims_with(aud=[f.claims["aud"], "https://other.example.org"]),
    "another issuer": lambda f: f.claims_with(iss="https://other.example.org"),
    "lives for years": lambda f: f.claims_with(exp=f.claims["exp"] + 10**8),
    "issued in the future": lambda f: f.claims_with(iat=f.claims["iat"] + 1000, exp=f.claims["exp"] + 1000),
    "an account in capitals": lambda f: f.claims_with(sub=f.claims["sub"].upper()),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_a_forged_token_is_refused_at_every_door(
    attacked: World, forger: Forger, me_app: MeApp, bad: Bad
) -> None:
    """Even with our own signature under it."""
    await is_refused(attacked, me_app, bad(forger))


async def test_a_refresh_token_is_no_bearer(attacked: World, me_app: MeApp) -> None:
    """The commonest mistake; and it is still good for what it is."""
    ana = Person(attacked, "ana@example.org", ANA_PASSWORD)
    tokens = await ana.signs_in()
    await is_refused(attacked, me_app, tokens.refresh)
    await ana.refreshes(tokens)


@pytest.mark.parametrize("member", ["jku", "x5u"])
async def test_no_token_leads_the_server_anywhere(attacked: World, forger: Forger, me_app: MeApp, member: str) -> None:
    """No request goes out, whoever signed."""
    with publishing() as trap:
        trap.publishes(json.loads(forger.ring.jwks()))
        await is_refused(attacked, me_app, forger.header_with(**{member: trap.url}))
        await is_refused(attacked, me_app, forger.header_with(**{member: trap.url, "kid": trap.url}))
        assert trap.asked == 0
