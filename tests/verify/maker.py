"""Gatepass as an API behind it sees it: published keys, and assertions as good or as wrong as a test wants them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from gatepass.crypto import signing_keys
from gatepass.crypto.assertions import JwtAssertions
from gatepass.domain.access_token import Caller
from gatepass.domain.signing_key import Algorithm
from gatepass.verify import Verifier
from tests.crypto.forger import as_json, decoded, encoded

ISSUER, AUDIENCE = "http://gatepass:8000", "http://api:4000"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = b'{"query":"{ companies { total } }"}'
ANA = Caller("0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a", frozenset({"write", "read"}), "s-1", "gatepass", NOON)


class OneKey:
    """The keyring of a server that has one key."""

    def __init__(self, algorithm: Algorithm = Algorithm.ES256) -> None:
        self.key = signing_keys.load(signing_keys.generate(algorithm, 2048), algorithm)

    def signing(self) -> signing_keys.SigningKey:
        return self.key


class Maker:
    """Signs what the real signer signs, and with `forge` anything else."""

    def __init__(self, algorithm: Algorithm = Algorithm.ES256) -> None:
        ring = OneKey(algorithm)
        self.key = ring.key
        self.jwk: dict[str, Any] = json.loads(self.key.public_jwk)
        self._real = JwtAssertions(ring, issuer=ISSUER, audience=AUDIENCE)  # type: ignore[arg-type]  # one key will do

    @property
    def jwks(self) -> dict[str, object]:
        return {"keys": [self.jwk]}

    def signs(self, body: bytes = BODY, who: Caller | None = ANA, now: datetime = NOON) -> str:
        return self._real.sign(who, hashlib.sha256(body).digest(), now).decode()

    def forge(self, *, header: object = None, payload: object = None) -> str:
        """With the right key: only what is inside is wrong. Bytes stand as they are, all else becomes JSON."""
        good_header, good_payload, _ = self.signs().split(".")
        message = encoded(decoded(good_header) if header is None else as_json(header)) + "."
        message += encoded(decoded(good_payload) if payload is None else as_json(payload))
        return message + "." + encoded(self.key.sign(message.encode()))

    def with_header(self, **members: object) -> str:
        return self.forge(header={**self.part(0), **members})

    def with_claims(self, **members: object) -> str:
        return self.forge(payload={**self.part(1), **members})

    def part(self, number: int) -> dict[str, Any]:
        part: dict[str, Any] = json.loads(decoded(self.signs().split(".")[number]))
        return part

    def verifier(self, **more: Any) -> Verifier:
        options: dict[str, Any] = {"audience": AUDIENCE, "jwks": self.jwks, "clock": lambda: NOON}
        return Verifier(**(options | more))


MAKER = Maker()
