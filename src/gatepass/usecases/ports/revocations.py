"""What was revoked lately, by any process that shares the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepass.domain.identifiers import SessionId


@dataclass(frozen=True, slots=True)
class Revocation:
    """A session whose access tokens must be refused until `until`, when the last of them has expired."""

    session: SessionId
    until: datetime


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """Everything revoked since a cursor, and the cursor to ask with next time."""

    revocations: Sequence[Revocation]
    cursor: int


class RevocationFeed(Protocol):
    """What was revoked within the last access-token lifetime, by any process that shares the store."""

    async def since(self, cursor: int, now: datetime) -> RevocationPage:
        """Revocations after `cursor` (0: all that still matter). Cheap when nothing changed; asked often."""
        ...

    async def news(self, at_most: float) -> None:
        """Wait until there may be something new, and no longer than so many seconds. Misses some, never delays."""
        ...
