"""Assertions with which clients prove who they are: read strictly, checked with the keys that were registered."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

import msgspec

from gatepass.crypto import client_keys
from gatepass.crypto.compact_jws import CompactJws, decoded, json_object
from gatepass.domain.client_assertion import ClientAssertion
from gatepass.domain.errors import ClientRefused
from gatepass.domain.secret import Secret

MAX_CHARACTERS: Final = 8192
_TYPES: Final = frozenset({"jwt", "application/jwt", "client-authentication+jwt"})
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


class _Payload(msgspec.Struct):
    """The claims that matter; others may stand beside them."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: int | float
    jti: str
    iat: int | float | None = None
    nbf: int | float | None = None


class JoseAssertionReader:
    """The port `AssertionReader`. A header can choose among the client's own keys, and lead nowhere else."""

    algorithms = client_keys.ALGORITHMS

    def read(self, assertion: Secret[str]) -> ClientAssertion:
        """
        What it says; nothing of that is proven.

        Raises:
            ClientRefused: not an assertion.
        """
        try:
            parts = _taken_apart(assertion)
            payload = msgspec.convert(json_object(parts.payload), _Payload)
            return ClientAssertion(
                issuer=payload.iss,
                subject=payload.sub,
                audiences=tuple([payload.aud] if isinstance(payload.aud, str) else payload.aud),
                token_id=payload.jti,
                expires_at=_time(payload.exp),
                issued_at=None if payload.iat is None else _time(payload.iat),
                not_before=None if payload.nbf is None else _time(payload.nbf),
            )
        except (ValueError, RecursionError):
            raise ClientRefused(
                "client_assertion is not a JWT with the claims iss, sub, aud, exp and jti (RFC 7523, section 3)."
            ) from None

    def is_signed_by(self, assertion: Secret[str], jwks: str) -> bool:
        """
        Whether one of these public keys signed it: that with its `kid`, or any where it names none.

        Where none of them fits, a key that nobody has stands in, so that the clock does not tell who is registered.
        """
        header = _taken_apart(assertion).header
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or "crit" in header:
            return False
        named = [key for key in client_keys.load(jwks) if key_id is None or key.key_id in (None, key_id)]
        fitting = [key for key in named if algorithm in key.algorithms]
        is_signed = any(key.accepts(assertion.reveal(), algorithm) for key in fitting or client_keys.stand_ins())
        return is_signed and bool(fitting)


def _taken_apart(assertion: Secret[str]) -> CompactJws:
    text = assertion.reveal()
    if len(text) > MAX_CHARACTERS:
        raise ValueError("too long")
    parts = decoded(text.split("."))
    kind = parts.header.get("typ", "JWT")
    # An access token of ours, and whatever else a client signs, is no assertion (RFC 8725 §3.11).
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise ValueError("of another type")
    return parts


def _time(seconds: float) -> datetime:
    if not math.isfinite(seconds) or not 0 <= seconds <= _LATEST:
        raise ValueError("a time outside of the calendar")
    return datetime.fromtimestamp(seconds, UTC)
