"""One sign-in: the family of refresh tokens that descends from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain.account import Account
from gatepass.domain.identifiers import Generation, SessionId

SALT_BYTES = 16
FIRST_GENERATION = Generation(0)


@dataclass(frozen=True, slots=True)
class Session:
    """
    A session as the store keeps it. It holds no token: `generation` and `salt` are all that is needed.

    `opened_at` is also the time of authentication; `ends_at` is the absolute end and never moves.
    """

    id: SessionId
    account: Account
    client_id: str
    salt: bytes
    generation: Generation
    opened_at: datetime
    rotated_at: datetime
    ends_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long sessions live. `replay_window` of zero is strict: a spent token never gets its successor again."""

    idle: timedelta = timedelta(days=14)
    absolute: timedelta = timedelta(days=90)
    replay_window: timedelta = timedelta(seconds=60)
