"""From where somebody asks, as the owner of a sign-in will recognise it."""

from __future__ import annotations

from gatepass.domain.session import MAX_USER_AGENT, SessionOrigin
from gatepass.http.messages import Request


def origin_of(request: Request) -> SessionOrigin:
    """Address and user agent, both as far as they are known; what could not be printed is left out."""
    raw = (request.header(b"user-agent") or b"")[: 4 * MAX_USER_AGENT].decode("utf-8", "replace")
    text = "".join(character for character in raw if character.isprintable())[:MAX_USER_AGENT].strip()
    return SessionOrigin(request.client or None, text or None)
