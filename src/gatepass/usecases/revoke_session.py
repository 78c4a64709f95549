"""End one sign-in, by its id."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain.access_token import Caller
from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.identifiers import SessionId
from gatepass.domain.occasion import Occasion
from gatepass.usecases.caller_account import own_account
from gatepass.usecases.notes import if_done
from gatepass.usecases.ports import Clock, Sessions


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """Ends a sign-in of the caller's own account: refresh at once, access within a second."""

    sessions: Sessions
    clock: Clock

    async def __call__(
        self,
        caller: Caller,
        session: SessionId,
        occasion: Occasion,
    ) -> bool:
        """
        End it. False: it had ended, or the account has none with this id; which of the two is not told.

        Raises:
            Forbidden: the token may not do that; nothing ended.
        """
        account, now = own_account(caller), self.clock()
        event = AuditEvent(Deed.SESSION_REVOKED, now, occasion, account=account, session=session)
        return await self.sessions.revoke(session, now, of=account, note=if_done(event))
