"""Signed identity for the API behind the gateway: who is asking, and what exactly."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gatepass.crypto.compact_jws import encode_base64url
from gatepass.crypto.compact_signer import CompactSigner
from gatepass.crypto.keyring import Keyring
from gatepass.domain.access_token import Caller
from gatepass.domain.assertion import ASSERTION_TTL, ASSERTION_TYPE


class _Payload(msgspec.Struct, omit_defaults=True):
    """
    The payload on the wire.

    Without `sub` nobody is signed in; with `sub_issuer` another issuer vouches for who is. There is no `jti`, since
    identical requests may share an assertion.
    `body_sha256` is base64url without padding, as with `ath` (RFC 9449 §4.2).
    """

    iss: str
    aud: str
    iat: int
    exp: int
    body_sha256: str
    sub: str = ""
    scope: str = ""
    sid: str = ""
    client_id: str = ""
    sub_issuer: str = ""


class JwtAssertions:
    """
    The port `gateway.assertion.SignsAssertions` over a keyring.

    The active key signs, whatever its algorithm: ES256 and EdDSA cost 25 to 46 µs, RS256 some twenty times as much.
    """

    def __init__(self, keyring: Keyring, *, issuer: str, audience: str) -> None:
        """
        Take who speaks, and to whom.

        Args:
            issuer: this server, as `iss`.
            audience: the API behind the gateway, as `aud`.
        """
        self._signer = CompactSigner(keyring, ASSERTION_TYPE)
        self._issuer = issuer
        self._audience = audience

    def sign(self, caller: Caller | None, body_digest: bytes, now: datetime) -> bytes:
        """
        The assertion, valid for `ASSERTION_TTL`.

        Raises:
            KeyUnusable: there is no active key.
        """
        issued_at = int(now.timestamp())
        payload = _Payload(
            iss=self._issuer,
            aud=self._audience,
            iat=issued_at,
            exp=issued_at + int(ASSERTION_TTL.total_seconds()),
            body_sha256=encode_base64url(body_digest).decode("ascii"),
        )
        if caller is not None:
            payload.sub = caller.subject
            payload.scope = " ".join(sorted(caller.scopes))
            payload.sid = caller.session_id
            payload.client_id = caller.client_id
            payload.sub_issuer = caller.issuer or ""
        return self._signer.sign(payload)
