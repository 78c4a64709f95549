"""Our server, and what an attacker can make: tokens with anything inside and any signature."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from gatepass.crypto.access_tokens import JwtAccessTokens
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.access_token import AccessClaims
from gatepass.domain.errors import Unauthenticated
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.signing_key import Algorithm
from tests.crypto.key_store import NOON, KeysInMemory, noon

ISSUER = "https://api.example.org"
AUDIENCE = "https://api.example.org/graphql/"
NOW = int(NOON.timestamp())
CLAIMS = AccessClaims(
    issuer=ISSUER,
    audience=AUDIENCE,
    subject=AccountId(uuid.UUID("0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a")),
    session=SessionId(uuid.UUID("0190c1a4-7000-7aaa-9d3c-6f1f6d6a4b1b")),
    client_id="gatepass",
    scopes=(),
    issued_at=NOON,
    expires_at=NOON + timedelta(hours=1),
    authenticated_at=NOON,
    token_id="Ws2Ah3mT1bq0R7yXc9KdLg",
)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


class Server:
    """Our server, and an attacker's view of it: `forge` signs anything, `public` is what everybody knows."""

    def __init__(self, algorithm: Algorithm = Algorithm.ES256) -> None:
        opening = Keyring.open(KeysInMemory(), Sealer(generate_secret_key()), clock=noon, algorithm=algorithm)
        self.ring = asyncio.run(opening)
        self.tokens = JwtAccessTokens(self.ring, issuer=ISSUER, audience=AUDIENCE)
        self.key = self.ring.signing()
        self.good: str = self.tokens.sign(CLAIMS).reveal()
        self.header: dict[str, Any] = json.loads(decoded(self.good.split(".")[0]))
        self.payload: dict[str, Any] = json.loads(decoded(self.good.split(".")[1]))
        (self.public,) = json.loads(self.ring.jwks())["keys"]

    def forge(self, header: object = None, payload: object = None) -> str:
        """Signed with our own key: only what is inside is wrong. Bytes stand as they are, all else becomes JSON."""
        message = encoded(as_json(self.header if header is None else header)) + "."
        message += encoded(as_json(self.payload if payload is None else payload))
        return message + "." + encoded(self.key.sign(message.encode()))

    def with_header(self, **members: object) -> str:
        return self.forge(header={**self.header, **members})

    def with_claims(self, **members: object) -> str:
        return self.forge(payload={**self.payload, **members})

    def refusal(self, token: str) -> str:
        """What the bearer of this token reads; neither the token nor what would be right is in it."""
        with pytest.raises(Unauthenticated) as caught:
            self.tokens.verify(token, NOON)
        assert caught.value.presented
        assert len(token) < 8 or token not in caught.value.message
        assert AUDIENCE not in caught.value.message
        assert self.key.id not in caught.value.message
        return caught.value.message


SERVER = Server()
SERVERS = {algorithm: Server(algorithm) for algorithm in (Algorithm.EDDSA, Algorithm.RS256)} | {Algorithm.ES256: SERVER}
HEAD, BODY, SIGNATURE = SERVER.good.split(".")
