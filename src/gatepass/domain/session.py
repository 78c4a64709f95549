"""One sign-in: the family of refresh tokens that descends from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain.account import Account, Scope
from gatepass.domain.identifiers import Generation, SessionId
from gatepass.domain.value import value

SALT_BYTES = 16
FIRST_GENERATION = Generation(0)
MAX_USER_AGENT = 200


@value(frozen=True, slots=True)
class Session:
    """
    A session as the store keeps it. It holds no token: `generation` and `salt` are all that is needed.

    `opened_at` is also the time of authentication; `ends_at` is the absolute end and never moves. `granted` is what the
    client was given, where that is less than the account's own scopes.
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
    granted: tuple[Scope, ...] | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """
        What its tokens may say: never more than the account has now, never more than the client was given.

        Source: RFC 6749 §6.
        """
        if self.granted is None:
            return self.account.scopes
        return tuple(scope for scope in self.account.scopes if scope in self.granted)


@value(frozen=True, slots=True)
class SessionOrigin:
    """
    From where a session was opened, as its owner will recognise it.

    `address` is the client's network address, `user_agent` the header of that name cut to `MAX_USER_AGENT` characters
    without control characters; `None` where it is not known.
    """

    address: str | None = None
    user_agent: str | None = None


UNKNOWN_ORIGIN = SessionOrigin()


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long sessions live. `replay_window` of zero is strict: a spent token never gets its successor again."""

    idle: timedelta = timedelta(days=14)
    absolute: timedelta = timedelta(days=90)
    replay_window: timedelta = timedelta(seconds=60)
