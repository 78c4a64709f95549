"""A pair of tokens as the fields of the type `Tokens`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gatepass.domain.access_token import IssuedTokens

FIELDS: Final[dict[str, Callable[[IssuedTokens], object]]] = {
    "__typename": lambda _: "Tokens",
    "accessToken": lambda tokens: tokens.access_token.reveal(),
    "refreshToken": lambda tokens: tokens.refresh_token.reveal(),
    "deviceHint": lambda tokens: tokens.device_hint().reveal(),
    "tokenType": lambda _: "Bearer",
    "expiresIn": lambda tokens: int(tokens.expires_in.total_seconds()),
    "issuedAt": lambda tokens: instant(tokens.issued_at),
}
"""How each field is read; `__typename` beside them, for plans."""


def instant(moment: datetime) -> str:
    """An aware time in UTC to the second, as `DateTime` has it (RFC 3339)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
