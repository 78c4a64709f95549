"""From where somebody asks, as the owner of a sign-in will recognise it."""

from __future__ import annotations

from functools import lru_cache

from gatepass.domain.session import MAX_USER_AGENT, SessionOrigin
from gatepass.http.messages import Request


def origin_of(request: Request) -> SessionOrigin:
    """Address and user agent, both as far as they are known; what could not be printed is left out."""
    user_agent = request.header(b"user-agent")
    return SessionOrigin(request.client or None, _readable(user_agent[: 4 * MAX_USER_AGENT]) if user_agent else None)


@lru_cache(maxsize=1024)
def _readable(user_agent: bytes) -> str | None:
    """The same few come again and again, with every refresh."""
    text = user_agent.decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable())[:MAX_USER_AGENT].strip() or None
