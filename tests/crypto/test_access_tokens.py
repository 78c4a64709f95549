"""Access tokens that others can verify from the JWKS alone. RFC 9068."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from gatepass.crypto.access_tokens import JwtAccessTokens
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.access_token import AccessClaims
from gatepass.domain.account import Scope
from gatepass.domain.errors import KeyUnusable, Unauthenticated
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.signing_key import Algorithm
from tests.crypto.key_store import NOON, KeysInMemory, noon

ISSUER = "https://api.example.org"
AUDIENCE = "https://api.example.org/graphql/"
ALGORITHMS = [Algorithm.ES256, Algorithm.EDDSA, Algorithm.RS256]
CLAIMS = AccessClaims(
    issuer=ISSUER,
    audience=AUDIENCE,
    subject=AccountId(uuid.UUID("0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a")),
    session=SessionId(uuid.UUID("0190c1a4-7000-7aaa-9d3c-6f1f6d6a4b1b")),
    client_id="gatepass",
    scopes=(Scope("companies:read"), Scope("companies:write")),
    issued_at=NOON,
    expires_at=NOON + timedelta(hours=1),
    authenticated_at=NOON - timedelta(days=3),
    token_id="Ws2Ah3mT1bq0R7yXc9KdLg",
)


@pytest.fixture(params=ALGORITHMS)
async def ring(request: pytest.FixtureRequest) -> Keyring:
    """A keyring for each algorithm."""
    sealer = Sealer(generate_secret_key())
    return await Keyring.open(KeysInMemory(), sealer, clock=noon, algorithm=request.param)


@pytest.fixture
def tokens(ring: Keyring) -> JwtAccessTokens:
    """The signer and verifier of one server."""
    return JwtAccessTokens(ring, issuer=ISSUER, audience=AUDIENCE)


def part(token: str, number: int) -> bytes:
    text = token.split(".")[number]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def verify_by_hand(token: str, key: dict[str, Any]) -> None:
    """RFC 7515 §5.2 with bare `cryptography`, from the numbers of a public JWK."""
    message, signature = token.rpartition(".")[0].encode(), part(token, 2)
    match key["kty"]:
        case "EC":
            point = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP256R1())
            assert len(signature) == 64
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            point.public_key().verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        case "OKP":
            raw = base64.urlsafe_b64decode(key["x"] + "=")
            ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
        case "RSA":
            numbers = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"]))
            numbers.public_key().verify(signature, message, padding.PKCS1v15(), SHA256())


# -- what is signed ---------------------------------------------------------------------------------------------------


def test_what_was_signed_is_verified(tokens: JwtAccessTokens) -> None:
    """Every claim comes back as it went in."""
    assert tokens.verify(tokens.sign(CLAIMS).reveal(), NOON) == CLAIMS


def test_another_implementation_verifies_our_token_from_the_jwks(ring: Keyring, tokens: JwtAccessTokens) -> None:
    """Bare `cryptography`, with nothing of ours but the published bytes."""
    token = tokens.sign(CLAIMS).reveal()
    (key,) = json.loads(ring.jwks())["keys"]
    assert json.loads(part(token, 0))["kid"] == key["kid"]
    verify_by_hand(token, key)
    with pytest.raises(InvalidSignature):
        verify_by_hand("e30" + token, key)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
def test_joserfc_verifies_our_token_from_the_jwks(ring: Keyring, tokens: JwtAccessTokens) -> None:
    """As an API behind the gateway would, picking the key by `kid`."""
    assert issubclass(SecurityWarning, Warning)
    keys = KeySet.import_key_set(json.loads(ring.jwks()))
    found = jwt.decode(tokens.sign(CLAIMS).reveal(), keys, algorithms=[ring.signing().algorithm])
    jwt.JWTClaimsRegistry(
        now=lambda: int(NOON.timestamp()),
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    ).validate(found.claims)
    assert found.header["typ"] == "at+jwt"


def test_the_claims_are_those_of_rfc_9068(ring: Keyring, tokens: JwtAccessTokens) -> None:
    """With integers for times, and three header members only."""
    token = tokens.sign(CLAIMS).reveal()
    assert json.loads(part(token, 0)) == {
        "alg": ring.signing().algorithm,
        "kid": ring.signing().id,
        "typ": "at+jwt",
    }
    assert json.loads(part(token, 1)) == {
        "iss": ISSUER,
        "sub": "0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a",
        "aud": AUDIENCE,
        "exp": int(NOON.timestamp()) + 3600,
        "iat": int(NOON.timestamp()),
        "jti": "Ws2Ah3mT1bq0R7yXc9KdLg",
        "client_id": "gatepass",
        "sid": "0190c1a4-7000-7aaa-9d3c-6f1f6d6a4b1b",
        "auth_time": int(NOON.timestamp()) - 3 * 86400,
        "amr": ["pwd"],
        "scope": "companies:read companies:write",
    }


def test_a_token_without_scopes_has_no_scope_claim(tokens: JwtAccessTokens) -> None:
    """RFC 6749 §3.3 knows no empty scope."""
    token = tokens.sign(replace(CLAIMS, scopes=())).reveal()
    assert "scope" not in json.loads(part(token, 1))
    assert tokens.verify(token, NOON).scopes == ()


def test_a_token_is_one_word_of_the_bearer_alphabet(tokens: JwtAccessTokens) -> None:
    """It fits into a header as it is. RFC 6750 §2.1."""
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", tokens.sign(CLAIMS).reveal())


def test_a_token_is_small(ring: Keyring, tokens: JwtAccessTokens) -> None:
    """
    Under 700 bytes with ordinary names and scopes; RS256, whose bare signature takes 342, under 900.

    With the longest scopes an account may have it still passes every proxy's header limit.
    """
    small, large = (700, 950) if ring.signing().algorithm is not Algorithm.RS256 else (900, 1200)
    assert len(tokens.sign(CLAIMS).reveal()) < small
    longest = tuple(Scope(text) for text in ("a" * 64, "b" * 64, "c" * 64, "d" * 5))
    assert len(tokens.sign(replace(CLAIMS, scopes=longest)).reveal()) < large


def test_signing_shows_no_token_by_accident(tokens: JwtAccessTokens) -> None:
    """It is a secret until it is answered."""
    secret = tokens.sign(CLAIMS)
    assert secret.reveal() not in repr(secret)


async def test_an_es256_signature_is_the_lower_of_the_two(
    signs: Callable[[Algorithm], Awaitable[JwtAccessTokens]],
) -> None:
    """ECDSA has two for each message; one spelling for each token means one of them."""
    tokens = await signs(Algorithm.ES256)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for _ in range(50):
        assert 0 < int.from_bytes(part(tokens.sign(CLAIMS).reveal(), 2)[32:]) <= order // 2


@pytest.fixture
def signs() -> Callable[[Algorithm], Awaitable[JwtAccessTokens]]:
    """A fresh server with this algorithm."""

    async def build(algorithm: Algorithm) -> JwtAccessTokens:
        ring = await Keyring.open(KeysInMemory(), Sealer(generate_secret_key()), clock=noon, algorithm=algorithm)
        return JwtAccessTokens(ring, issuer=ISSUER, audience=AUDIENCE)

    return build


# -- time -------------------------------------------------------------------------------------------------------------


def test_a_token_is_good_until_the_second_of_its_end(tokens: JwtAccessTokens) -> None:
    """And the refusal says when that was, and what to do."""
    token = tokens.sign(CLAIMS).reveal()
    tokens.verify(token, NOON + timedelta(minutes=60, microseconds=-1))
    with pytest.raises(Unauthenticated, match=r"expired at 2026-03-01T13:00:00Z\. .*signInRefresh") as caught:
        tokens.verify(token, NOON + timedelta(minutes=60))
    assert caught.value.presented


def test_a_leeway_counts_after_the_end(ring: Keyring) -> None:
    """For clocks that differ; none unless it is set."""
    tokens = JwtAccessTokens(ring, issuer=ISSUER, audience=AUDIENCE, leeway=timedelta(seconds=30))
    token = tokens.sign(CLAIMS).reveal()
    tokens.verify(token, CLAIMS.expires_at + timedelta(seconds=29))
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(token, CLAIMS.expires_at + timedelta(seconds=30))


@pytest.mark.parametrize("seconds", [-1, 61, 3600])
def test_a_leeway_beyond_a_minute_cannot_be_set(ring: Keyring, seconds: int) -> None:
    """DESIGN §6."""
    with pytest.raises(ValueError, match="leeway"):
        JwtAccessTokens(ring, issuer=ISSUER, audience=AUDIENCE, leeway=timedelta(seconds=seconds))


def test_a_token_from_a_clock_a_little_ahead_is_good(tokens: JwtAccessTokens) -> None:
    """Two servers never agree to the second; beyond a minute it is refused."""
    token = tokens.sign(CLAIMS).reveal()
    tokens.verify(token, NOON - timedelta(seconds=60))
    with pytest.raises(Unauthenticated, match="future"):
        tokens.verify(token, NOON - timedelta(seconds=61))


def test_a_token_for_longer_than_an_hour_is_refused_even_if_we_signed_it(tokens: JwtAccessTokens) -> None:
    """No setting and no clock makes a token that lives longer."""
    token = tokens.sign(replace(CLAIMS, expires_at=NOON + timedelta(hours=1, seconds=1))).reveal()
    with pytest.raises(Unauthenticated, match="longer"):
        tokens.verify(token, NOON)


# -- for whom ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ["https://other.example.org", AUDIENCE[:-1], AUDIENCE + "x", AUDIENCE.upper(), ""])
def test_a_token_for_another_api_is_refused(tokens: JwtAccessTokens, audience: str) -> None:
    """Exactly, even with our own signature; what would be right is not said."""
    with pytest.raises(Unauthenticated, match="another API") as caught:
        tokens.verify(tokens.sign(replace(CLAIMS, audience=audience)).reveal(), NOON)
    assert AUDIENCE not in caught.value.message


@pytest.mark.parametrize("issuer", ["https://other.example.org", ISSUER + "/", ""])
def test_a_token_of_another_issuer_is_refused(tokens: JwtAccessTokens, issuer: str) -> None:
    """Exactly, even with our own signature."""
    with pytest.raises(Unauthenticated, match="another server"):
        tokens.verify(tokens.sign(replace(CLAIMS, issuer=issuer)).reveal(), NOON)


async def test_a_token_of_another_server_is_refused(signs: Callable[[Algorithm], Awaitable[JwtAccessTokens]]) -> None:
    """One with the same name and other keys."""
    ours, theirs = await signs(Algorithm.ES256), await signs(Algorithm.ES256)
    with pytest.raises(Unauthenticated, match="signed by another server"):
        ours.verify(theirs.sign(CLAIMS).reveal(), NOON)


async def test_a_ring_without_an_active_key_signs_nothing() -> None:
    """It fails closed."""
    ring = Keyring(KeysInMemory(), Sealer(generate_secret_key()), Algorithm.ES256)
    with pytest.raises(KeyUnusable):
        JwtAccessTokens(ring, issuer=ISSUER, audience=AUDIENCE).sign(CLAIMS)


@given(
    identifiers=st.tuples(st.uuids(), st.uuids()),
    client_id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    scopes=st.lists(st.from_regex(r"[\x21\x23-\x5B\x5D-\x7E]{1,20}", fullmatch=True), max_size=5),
    age=st.integers(0, 10**8),
    ttl=st.integers(1, 3600),
)
def test_any_claims_make_the_round_trip(
    identifiers: tuple[uuid.UUID, uuid.UUID], client_id: str, scopes: list[str], age: int, ttl: int
) -> None:
    """Whatever an account, a client or a scope is called."""
    claims = replace(
        CLAIMS,
        subject=AccountId(identifiers[0]),
        session=SessionId(identifiers[1]),
        client_id=client_id,
        scopes=tuple(map(Scope, scopes)),
        authenticated_at=NOON - timedelta(seconds=age),
        expires_at=NOON + timedelta(seconds=ttl),
    )
    assert SHARED.verify(SHARED.sign(claims).reveal(), NOON) == claims


def _shared() -> JwtAccessTokens:
    import asyncio

    ring = asyncio.run(Keyring.open(KeysInMemory(), Sealer(generate_secret_key()), clock=noon))
    return JwtAccessTokens(ring, issuer=ISSUER, audience=AUDIENCE)


SHARED = _shared()
