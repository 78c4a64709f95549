"""Through which door somebody asked, and from where."""

from __future__ import annotations

from enum import StrEnum

from gatepass.domain.session import UNKNOWN_ORIGIN, SessionOrigin
from gatepass.domain.value import value


class Door(StrEnum):
    """Where a deed came in."""

    GRAPHQL = "graphql"
    OAUTH = "oauth"
    COMMAND_LINE = "command_line"
    SERVER = "server"
    """The server itself, by a timer."""


@value(frozen=True, slots=True)
class Occasion:
    """
    The circumstances of a deed: what a session remembers of its beginning, and security staff of everything.

    `operator` is who runs the command line, by the name that the machine knows; None at every other door.
    """

    door: Door
    origin: SessionOrigin = UNKNOWN_ORIGIN
    request_id: str | None = None
    operator: str | None = None
