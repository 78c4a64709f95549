"""From where a request came, as its session and the audit log will remember it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.session import MAX_USER_AGENT, SessionOrigin
from gatepass.http.messages import Request

_MAX_BYTES: Final = 4 * MAX_USER_AGENT


def occasion_of(request: Request, door: Door) -> Occasion:
    """The circumstances of what this request asks for."""
    agent = next((value for name, value in request.headers if name == b"user-agent"), b"")
    return Occasion(door, SessionOrigin(request.client or None, _readable(agent[:_MAX_BYTES])), request.id)


@lru_cache(maxsize=1024)
def _readable(user_agent: bytes) -> str | None:
    """What can be shown of a header that may hold anything (RFC 9110 §10.1.5)."""
    text = user_agent.decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable())[:MAX_USER_AGENT].strip() or None
