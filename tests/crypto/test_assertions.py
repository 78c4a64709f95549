"""Signed identity for the upstream: what it says, and that it passes for nothing else. RFC 7519, RFC 8725 §3.11."""

from __future__ import annotations

import hashlib
import json
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from gatepass.crypto.access_tokens import JwtAccessTokens
from gatepass.crypto.assertions import JwtAssertions
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.access_token import Caller
from gatepass.domain.errors import KeyUnusable, Unauthenticated
from gatepass.domain.signing_key import Algorithm
from tests.crypto.forger import decoded, encoded
from tests.crypto.key_store import NOON, KeysInMemory, noon

ISSUER, AUDIENCE = "https://api.example.org", "http://api:4000"
BODY = b'{"query":"{ companies { total } }"}'
DIGEST = hashlib.sha256(BODY).digest()
ANA = Caller("0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a", frozenset({"write", "read"}), "s-1", "gatepass", NOON)


@pytest.fixture(params=[Algorithm.ES256, Algorithm.EDDSA, Algorithm.RS256])
async def ring(request: pytest.FixtureRequest) -> Keyring:
    sealer = Sealer(generate_secret_key())
    return await Keyring.open(KeysInMemory(), sealer, clock=noon, algorithm=request.param)


def parts(assertion: bytes) -> tuple[Any, Any]:
    header, payload, _ = assertion.decode().split(".")
    return json.loads(decoded(header)), json.loads(decoded(payload))


def signed(ring: Keyring, who: Caller | None = ANA, now: datetime = NOON) -> bytes:
    return JwtAssertions(ring, issuer=ISSUER, audience=AUDIENCE).sign(who, DIGEST, now)


def test_it_says_who_asks_what_of_whom_and_for_a_minute(ring: Keyring) -> None:
    header, payload = parts(signed(ring, now=NOON + timedelta(milliseconds=900)))
    assert header == {"alg": str(ring.signing().algorithm), "kid": ring.signing().id, "typ": "gatepass-assertion+jwt"}
    assert payload == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 60,
        "sub": ANA.subject,
        "scope": "read write",
        "sid": "s-1",
        "client_id": "gatepass",
        "body_sha256": encoded(DIGEST),
    }


def test_where_nobody_is_signed_in_it_names_nobody(ring: Keyring) -> None:
    _, payload = parts(signed(ring, None))
    assert set(payload) == {"iss", "aud", "iat", "exp", "body_sha256"}


def test_another_library_verifies_it_with_the_published_keys(ring: Keyring) -> None:
    keys = KeySet.import_key_set(json.loads(ring.jwks()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # the name EdDSA, RFC 9864
        token = jwt.decode(signed(ring).decode(), keys, algorithms=[str(ring.signing().algorithm)])
    assert token.claims["sub"] == ANA.subject


def test_it_is_no_access_token(ring: Keyring) -> None:
    """Not even where the audience is the same: the type says what it is."""
    assertion = JwtAssertions(ring, issuer=ISSUER, audience=ISSUER).sign(ANA, DIGEST, NOON)
    tokens = JwtAccessTokens(ring, issuer=ISSUER, audience=ISSUER)
    with pytest.raises(Unauthenticated, match="another kind"):
        tokens.verify(assertion.decode(), NOON)


def test_without_a_key_there_is_none() -> None:
    ring = Keyring(KeysInMemory(), Sealer(generate_secret_key()), Algorithm.ES256)
    with pytest.raises(KeyUnusable):
        signed(ring, now=datetime(2026, 1, 1, tzinfo=UTC))


def test_it_fits_into_the_heads_of_usual_servers(ring: Keyring) -> None:
    """They take 4 to 8 KiB for all headers."""
    assert len(signed(ring)) < 1024
