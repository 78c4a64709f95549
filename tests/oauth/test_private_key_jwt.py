"""A client that proves itself with a signature. RFC 7523 §2.2 and §3."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwk, jws

from gatepass.crypto.client_keys import public_keys
from gatepass.domain.client import ClientAuthentication, GrantType
from tests.kit.oauth_world import Answer, Program, program
from tests.kit.world import World

Rows = Callable[[], dict[str, Any]]
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = "http://gatepass.test"
KEYS: dict[str, jwk.Key] = {
    "ES256": jwk.ECKey.generate_key("P-256"),
    "EdDSA": jwk.OKPKey.generate_key("Ed25519"),
    "RS256": jwk.RSAKey.generate_key(2048),
}
OTHER = jwk.ECKey.generate_key("P-256")


class Signer:
    """A client with a key, and whatever it signs."""

    def __init__(self, client: Program, key: jwk.Key, algorithm: str) -> None:
        self.client = client
        self.key = key
        self.algorithm = algorithm

    def signs(self, header: dict[str, Any] | None = None, key: jwk.Key | None = None, **claims: Any) -> str:
        """A good assertion, but for what differs; None leaves a claim out."""
        now = int(time.time())
        good = {
            "iss": self.client.id,
            "sub": self.client.id,
            "aud": ISSUER,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 60,
        }
        payload = {name: value for name, value in (good | claims).items() if value is not None}
        head = {"alg": self.algorithm, **(header or {})}
        registry = jws.JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
        return jws.serialize_compact(head, json.dumps(payload), key or self.key, registry=registry)

    async def sends(self, assertion: str, **more: str) -> Answer:
        parameters = {
            "grant_type": "client_credentials",
            "client_assertion_type": TYPE,
            "client_assertion": assertion,
            **more,
        }
        return await self.client.posts("/oauth/token", parameters)


async def signer(world: World, algorithm: str) -> Signer:
    key = KEYS[algorithm.replace("PS", "RS")]
    client = await program(
        world,
        authentication=ClientAuthentication.PRIVATE_KEY_JWT,
        grants=frozenset({GrantType.CLIENT_CREDENTIALS}),
        redirect_uris=(),
        scopes=("read",),
        jwks=public_keys(json.dumps(key.as_dict(private=False))),
    )
    return Signer(client, key, algorithm)


@pytest.fixture
async def service(world: World) -> Signer:
    """Return a client that signs with ES256."""
    return await signer(world, "ES256")


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256"])
async def test_a_signature_proves_who_a_client_is(world: World, algorithm: str) -> None:
    service = await signer(world, algorithm)
    assert (await service.sends(service.signs())).tokens["scope"] == "read"


@pytest.mark.parametrize("aud", [ISSUER, [ISSUER], f"{ISSUER}/oauth/token"])
async def test_it_may_be_addressed_to_the_issuer_or_the_token_endpoint(service: Signer, aud: object) -> None:
    assert (await service.sends(service.signs(aud=aud))).status == 200


async def test_with_it_the_client_id_may_be_said_again(service: Signer) -> None:
    """RFC 7521 §4.2."""
    assert (await service.sends(service.signs(), client_id=service.client.id)).status == 200
    answer = await service.sends(service.signs(), client_id="another")
    assert (answer.status, answer.error) == (401, "invalid_client")


async def test_an_assertion_counts_once(service: Signer, world: World, rows: Rows) -> None:
    """Also after a restart: it is in the store."""
    assertion = service.signs()
    assert (await service.sends(assertion)).status == 200
    before = rows()
    assert (await service.sends(assertion)).error == "invalid_client"
    assert (await service.sends(service.signs(jti=json.loads(_payload(assertion))["jti"]))).error == "invalid_client"
    assert rows() == before
    assert (await service.sends(service.signs())).status == 200


def _payload(assertion: str) -> bytes:
    part = assertion.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _with_shared_secret(body: str, secret: bytes) -> str:
    """HS256 with what everybody knows."""
    message = _encoded(b'{"alg":"HS256"}') + f".{body}"
    return f"{message}.{_encoded(hmac.digest(secret, message.encode(), 'sha256'))}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def wrong_claims() -> dict[str, dict[str, Any]]:
    """By the time of now: the tests may have been collected long ago."""
    now = int(time.time())
    return {
        "another issuer": {"iss": "another"},
        "another subject": {"sub": "another"},
        "another audience": {"aud": "https://another.example"},
        "one audience too many": {"aud": [ISSUER, "https://another.example"]},
        "no audience": {"aud": []},
        "audience missing": {"aud": None},
        "the API as audience": {"aud": f"{ISSUER}/graphql"},
        "expired": {"exp": now - 120},
        "too long": {"exp": now + 7200},
        "no end": {"exp": None},
        "an end in words": {"exp": "9999999999"},
        "an end beyond numbers": {"exp": 1e400},
        "not yet": {"nbf": now + 300},
        "from the future": {"iat": now + 300},
        "no id": {"jti": None},
        "an empty id": {"jti": ""},
        "a long id": {"jti": "x" * 600},
        "an id that is a number": {"jti": 7},
    }


@pytest.mark.parametrize("which", wrong_claims())
async def test_a_claim_that_is_wrong_is_refused(service: Signer, which: str, rows: Rows) -> None:
    before = rows()
    answer = await service.sends(service.signs(**wrong_claims()[which]))
    assert (answer.status, answer.error) == (401, "invalid_client")
    assert rows() == before


async def test_a_signature_that_is_wrong_is_refused(service: Signer, world: World, rows: Rows) -> None:
    """Another's key, another's header, ours, none at all, and the public key as a shared secret."""
    public = service.key.as_dict(private=False)
    embedded = OTHER.as_dict(private=False)
    good = service.signs()
    head, body, signature = good.split(".")
    none = _encoded(b'{"alg":"none"}')
    shared = jwk.OctKey.import_key(json.dumps(public))
    assert isinstance(service.key, jwk.ECKey)
    pem = service.key.as_pem(private=False)
    hostile = [
        service.signs(key=OTHER),
        service.signs({"jwk": embedded}, OTHER),
        service.signs({"jku": "https://evil.example/keys"}, OTHER),
        service.signs({"x5u": "https://evil.example/keys"}, OTHER),
        service.signs({"kid": "../../etc/passwd"}, OTHER),
        service.signs({"alg": "HS256"}, shared),
        _with_shared_secret(body, pem),
        _with_shared_secret(body, pem.strip()),
        service.signs({"typ": "at+jwt"}),
        service.signs({"crit": ["kid"], "kid": "x"}),
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature}=",
        f"{head}.{body}.{signature}.x",
        good[:-4] + "AAAA",
        "..",
        "a.b.c",
        "x" * 9000,
    ]
    before = rows()
    for assertion in hostile:
        answer = await service.sends(assertion)
        assert (answer.status, answer.error) == (401, "invalid_client"), assertion
    assert rows() == before
    assert (await service.sends(good)).status == 200


async def test_a_key_is_chosen_by_its_id(world: World) -> None:
    """Of several keys, that with the `kid`; without one, any of them."""
    keys = [{**key.as_dict(private=False), "kid": name} for name, key in (("one", KEYS["ES256"]), ("two", OTHER))]
    client = await program(
        world,
        authentication=ClientAuthentication.PRIVATE_KEY_JWT,
        grants=frozenset({GrantType.CLIENT_CREDENTIALS}),
        redirect_uris=(),
        scopes=("read",),
        jwks=public_keys(json.dumps({"keys": keys})),
    )
    service = Signer(client, KEYS["ES256"], "ES256")
    assert (await service.sends(service.signs({"kid": "one"}))).status == 200
    assert (await service.sends(service.signs({"kid": "two"}, OTHER))).status == 200
    assert (await service.sends(service.signs())).status == 200
    assert (await service.sends(service.signs({"kid": "two"}))).error == "invalid_client"


async def test_who_signs_cannot_do_without(service: Signer, world: World, rows: Rows) -> None:
    """Neither with nothing, nor with a secret; and who has a secret cannot sign."""
    before = rows()
    client = service.client
    parameters = {"grant_type": "client_credentials", "client_id": client.id}
    for more in ({}, {"client_secret": "x"}):
        assert (await client.posts("/oauth/token", {**parameters, **more})).error == "invalid_client"
    assert rows() == before
    with_secret = await program(world, grants=frozenset({GrantType.CLIENT_CREDENTIALS}), redirect_uris=())
    assert (await service.sends(Signer(with_secret, service.key, "ES256").signs())).error == "invalid_client"


async def test_another_type_of_assertion_is_not_understood(service: Signer) -> None:
    answer = await service.client.posts(
        "/oauth/token",
        {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
            "client_assertion": service.signs(),
        },
    )
    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_a_clock_may_be_a_minute_off(service: Signer) -> None:
    now = int(time.time())
    assert (await service.sends(service.signs(exp=now - 30, iat=now - 90))).status == 200
    assert (await service.sends(service.signs(iat=now + 30, exp=now + 90))).status == 200
