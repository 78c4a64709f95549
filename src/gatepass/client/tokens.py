"""Tokens in hand, and when they have to be renewed."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gatepass.client.errors import ProtocolError
from gatepass.client.stored import StoredSignIn, is_lasting, is_token

ONE_HOUR: Final = 3600.0
_LONGEST_LIFETIME: Final = 10 * 366 * 86400.0
_LONGEST_JWT: Final = 16384
_JWT_PARTS: Final = 3
_ROUNDING: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Held:
    """
    An access token in hand, and what renews it.

    Args:
        until: when it expires, seconds of the monotonic clock; infinite for one that nobody told us about.
        lifetime_seconds: from its issue to its expiry.
        obtained_at: wall clock, for the store alone.
        says_lifetime, gives_hint: whether its server has `expiresIn`, and `deviceHint`; None while nobody asked.
        device_hint: shows the server that this user signed in from here before. It opens nothing.
    """

    access: str = field(repr=False)
    refresh: str | None = field(repr=False, default=None)
    lifetime_seconds: float = math.inf
    until: float = math.inf
    obtained_at: float = 0.0
    says_lifetime: bool | None = None
    device_hint: str | None = field(repr=False, default=None)
    gives_hint: bool | None = None

    def is_lasting(self, now: float, min_ttl_seconds: float = 0.0) -> bool:
        """Whether it needs no renewal yet; `now` of the monotonic clock."""
        if self.until == math.inf:
            return True
        return is_lasting(self.until - now, self.lifetime_seconds, min_ttl_seconds)

    def is_from_before(self, moment: float) -> bool:
        """Whether it was issued earlier, seconds of the monotonic clock; never of one that nobody told us about."""
        return self.until - self.lifetime_seconds < moment - _ROUNDING

    def is_alive(self, now: float) -> bool:
        """Whether its server should take it still."""
        return now < self.until


def held_from_answer(fields: Mapping[str, Any], *, asked_at: float, wall: float, says_lifetime: bool | None) -> Held:
    """
    The pair of an answer to `signIn` or `signInRefresh`.

    Its life is counted from before it was asked for: it may look shorter than it is, never longer.

    Args:
        asked_at: monotonic seconds before the request was sent.

    Raises:
        ProtocolError: no access token in it, or one that cannot be a header.
    """
    access, refresh = fields.get("accessToken"), fields.get("refreshToken")
    if not is_token(access):
        raise ProtocolError("The server's answer has no usable accessToken.")
    if refresh is not None and not is_token(refresh):
        raise ProtocolError("The server's answer has a refreshToken that cannot be sent back.")
    lifetime = lifetime_seconds(access, fields.get("expiresIn"))
    hint = fields.get("deviceHint")
    return Held(access, refresh, lifetime, asked_at + lifetime, wall, says_lifetime, hint if is_token(hint) else None)


def held_from_store(kept: StoredSignIn, *, now: float, wall: float) -> Held:
    """What another run kept. Without an access token it is expired from the start."""
    remaining = kept.remaining_seconds(wall) if kept.access_token else 0.0
    return Held(
        kept.access_token or "",
        kept.refresh_token,
        kept.lifetime_seconds,
        now + remaining,
        kept.obtained_at,
        kept.says_lifetime,
        kept.device_hint,
        kept.gives_hint,
    )


def lifetime_seconds(access: str, expires_in: object) -> float:
    """
    How long an access token lives: what the server says, else the JWT's `exp - iat`, else one hour.

    Only relative times: a wrong clock, here or there, does not matter.
    """
    for seconds in (expires_in, _jwt_lifetime(access)):
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < _LONGEST_LIFETIME:
            return float(seconds)
    return ONE_HOUR


def _jwt_lifetime(token: str) -> float | None:
    """`exp - iat` of a JWT, unverified: it decides nothing but when to ask for the next one (RFC 7519 §4.1)."""
    parts = token.split(".")
    if len(parts) != _JWT_PARTS or len(token) > _LONGEST_JWT:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"]) - float(claims["iat"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, binascii.Error):
        return None
