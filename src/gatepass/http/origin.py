"""From where somebody asks, as the owner of a sign-in will recognise it."""

from __future__ import annotations

from functools import lru_cache

from gatepass.domain.session import MAX_USER_AGENT, SessionOrigin
from gatepass.http.messages import Request


def origin_of(request: Request) -> SessionOrigin:
    """Address and user agent, both as far as they are known; what could not be printed is left out."""
    raw = request.header(b"user-agent")
    return SessionOrigin(request.client or None, _printable(raw[: 4 * MAX_USER_AGENT]) if raw else None)


@lru_cache(maxsize=256)
def _printable(raw: bytes) -> str | None:
    """A few browsers send the same again and again."""
    text = raw.decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable())[:MAX_USER_AGENT].strip() or None
