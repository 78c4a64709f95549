"""A session at its beginning, whichever door opened it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain.access_token import FIRST_PARTY_CLIENT
from gatepass.domain.account import Account, Scope
from gatepass.domain.identifiers import RANDOM_BYTES, SessionId, uuid7
from gatepass.domain.session import FIRST_GENERATION, SALT_BYTES, Session, SessionLimits
from gatepass.usecases.ports import RandomBytes


@dataclass(frozen=True, slots=True)
class NewSession:
    """Makes sessions; shared by sign-in and every grant that opens one, so that none can differ. Stores nothing."""

    random: RandomBytes
    limits: SessionLimits

    def __call__(
        self,
        account: Account,
        now: datetime,
        *,
        client_id: str = FIRST_PARTY_CLIENT,
        granted: tuple[Scope, ...] | None = None,
        authenticated_at: datetime | None = None,
        lifetime: timedelta | None = None,
    ) -> Session:
        """
        A session that begins now.

        Args:
            granted: what the client was given; None for all that the account has.
            authenticated_at: when the password was checked, where that was earlier.
            lifetime: until its absolute end, where that is sooner than for others.
        """
        return Session(
            id=SessionId(uuid7(now, self.random(RANDOM_BYTES))),
            account=account,
            client_id=client_id,
            salt=self.random(SALT_BYTES),
            generation=FIRST_GENERATION,
            opened_at=authenticated_at or now,
            rotated_at=now,
            ends_at=now + (self.limits.absolute if lifetime is None else lifetime),
            granted=granted,
        )
