"""signIn over the whole service: real store, real hashing, real ASGI. docs/flows/sign-in.md."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gatepass.domain.account import EmailAddress
from gatepass.domain.secret import Secret
from gatepass.stores.opening import open_store
from gatepass.usecases.enable_account import EnableAccount
from tests.kit.me_app import MeApp
from tests.kit.world import Person, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD

HOUR = 3600


async def test_a_sign_in_gives_an_hour_of_access_and_a_refresh_token(ana: Person) -> None:
    """The specification: "an access token that will be valid for one hour from the point of issue"."""
    answered = await ana.tries_to_sign_in()
    pair = answered.data["signIn"]
    assert pair["tokenType"] == "Bearer"
    assert pair["expiresIn"] == HOUR
    assert pair["refreshToken"].startswith("gpr_")
    claims = _payload(pair["accessToken"])
    assert claims["exp"] - claims["iat"] == HOUR
    assert claims["scope"] == "read write"
    assert len(pair["accessToken"]) < 700


async def test_an_answer_with_tokens_is_never_stored(ana: Person) -> None:
    """RFC 6749 §5.1."""
    assert (await ana.tries_to_sign_in()).headers["cache-control"] == "no-store"


async def test_others_can_verify_an_access_token_from_the_published_keys(world: World, ana: Person) -> None:
    """RFC 9068 §4, by an implementation that knows nothing but the JWKS."""
    tokens = await ana.signs_in()
    published = (await world.client.get("/.well-known/jwks.json")).json()
    token = jwt.decode(tokens.access, KeySet.import_key_set(published), algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims["iss"] == world.settings.issuer
    assert token.claims["aud"] == world.settings.audience
    assert all("d" not in key for key in published["keys"])


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
async def test_the_algorithm_is_a_setting(tmp_path: Path, algorithm: str) -> None:
    """ES256 by default, EdDSA and RS256 by setting; every token stays under 700 bytes, RS256 too."""
    settings = settings_for(tmp_path, signing_algorithm=algorithm)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings, MeApp()) as world:
        ana = Person(world, "ana@example.org", ANA_PASSWORD)
        tokens = await ana.signs_in()
        assert _header(tokens.access)["alg"] == algorithm
        assert (await ana.asks_who_they_are(tokens)).data["me"]["scopes"] == ["read"]


async def test_the_address_counts_in_any_case(world: World) -> None:
    """People type their address as they like."""
    assert (await Person(world, " Ana@Example.ORG ", ANA_PASSWORD).tries_to_sign_in()).status == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ana@example.org", "wrong"),
        ("nobody@example.org", ANA_PASSWORD),
        ("not an address", ANA_PASSWORD),
        ("ana@example.org", ""),
        ("", ""),
        ("ana@example.org", ANA_PASSWORD + "x" * 5000),
        ("ana@example.org", ANA_PASSWORD[:-1]),
        ("ana@example.org", ANA_PASSWORD + "\x00"),
    ],
)
async def test_every_refused_sign_in_looks_the_same(world: World, email: str, password: str) -> None:
    """Whether the account, the password or its form was wrong is not told, and nothing is written."""
    answered = await Person(world, email, password).tries_to_sign_in()
    assert answered.status == 200
    assert answered.code == "INVALID_CREDENTIALS"
    assert answered.error["message"] == "The e-mail address or the password is wrong."
    assert answered.body["data"] is None


async def test_a_disabled_account_is_refused_like_a_wrong_password(world: World, ana: Person) -> None:
    """And may sign in again once it is enabled."""
    store = await open_store(world.settings.store_url)
    enable = EnableAccount(store.accounts, world.clock)
    await enable("ana@example.org", enabled=False)
    assert (await ana.tries_to_sign_in()).code == "INVALID_CREDENTIALS"
    await enable("ana@example.org", enabled=True)
    assert (await ana.tries_to_sign_in()).status == 200
    await store.close()


async def test_the_other_flow_is_not_available_without_a_directory(ana: Person) -> None:
    """The specification: useManagementflow "must be specified and must be set to true unless advised otherwise"."""
    answered = await ana.tries_to_sign_in(flow=False)
    assert answered.code == "FLOW_UNAVAILABLE"
    assert "useManagementflow: true" in answered.error["message"]


async def test_the_other_flow_asks_the_configured_directory(tmp_path: Path) -> None:
    """The directory vouches for the password; the account must exist here."""

    class Directory:
        async def check(self, email: EmailAddress, password: Secret[str]) -> bool:
            return password.reveal() == f"directory password of {email}"

    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings, MeApp(), directory=Directory()) as world:
        ana = Person(world, "ana@example.org", "directory password of ana@example.org")
        assert (await ana.tries_to_sign_in(flow=False)).status == 200
        assert (await ana.tries_to_sign_in(ANA_PASSWORD, flow=False)).code == "INVALID_CREDENTIALS"
        nobody = Person(world, "nobody@example.org", "directory password of nobody@example.org")
        assert (await nobody.tries_to_sign_in(flow=False)).code == "INVALID_CREDENTIALS"


async def test_the_flow_must_be_given(world: World) -> None:
    """The specification: "useManagementflow" must be specified."""
    answered = await world.posts('mutation { signIn(credentials: {userName: "a", password: "b"}) { accessToken } }')
    assert answered.code == "GRAPHQL_VALIDATION_FAILED"
    assert "useManagementflow" in answered.error["message"]


@pytest.mark.parametrize(
    "header",
    [{"Authorization": "Bearer expired.or.broken"}, {"Authorization": "nonsense"}, {"Authorisation": "Bearer: x"}],
)
async def test_signing_in_ignores_whatever_bearer_is_attached(ana: Person, header: dict[str, str]) -> None:
    """Clients attach their old header to everything."""
    query = (
        f'mutation {{ signIn(useManagementflow: true, credentials: {{userName: "{ana.email}", '
        f'password: "{ana.password}"}}) {{ accessToken }} }}'
    )
    assert "accessToken" in (await ana.world.posts(query, headers=header)).data["signIn"]


async def test_no_password_and_no_token_reaches_the_upstream(ana: Person, me_app: MeApp) -> None:
    """Documents with sign-in fields are executed here, and the bearer stays here."""
    tokens = await ana.signs_in()
    await ana.refreshes(tokens)
    assert me_app.received == [] or all(b"sign" not in body for _, body in me_app.received)
    await ana.asks_who_they_are(tokens)
    scope, _ = me_app.received[-1]
    assert b"authorization" not in dict(scope["headers"])


async def test_a_stored_hash_with_old_parameters_is_renewed_at_the_next_sign_in(tmp_path: Path) -> None:
    """DESIGN §8; the sign-in itself succeeds either way."""
    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD)
    stronger = settings_for(tmp_path, secret_key=settings.secret_key, argon2_memory_kib=128)
    async with running(stronger, MeApp()) as world:
        ana = Person(world, "ana@example.org", ANA_PASSWORD)
        first = await ana.signs_in()
        store = await open_store(settings.store_url)
        stored = await store.accounts.find(EmailAddress("ana@example.org"))
        await store.close()
        assert stored is not None
        assert stored.password_hash is not None
        assert "m=128" in stored.password_hash.reveal()
        await ana.refreshes(first)
        await ana.signs_in()


async def test_parallel_sign_ins_open_sessions_of_their_own(ana: Person, ben: Person) -> None:
    """Nobody gets anybody else's tokens."""
    pairs = await asyncio.gather(*(person.signs_in() for person in (ana, ben) * 10))
    assert len({pair.refresh for pair in pairs}) == 20
    seen = [(await ana.asks_who_they_are(pair)).data["me"]["scopes"] for pair in pairs]
    assert seen == [["read", "write"], ["read"]] * 10


def _payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def _header(token: str) -> dict[str, object]:
    part = token.split(".", maxsplit=1)[0]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value
