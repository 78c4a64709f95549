"""A client that has no use for a token any more ends the sign-in behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatepass.domain.access_token import AccessClaims
from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.client import Client
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.usecases.look_up_token import LookUpToken
from gatepass.usecases.notes import if_done, of_session
from gatepass.usecases.ports import Clock, Sessions


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """Ends refresh at once, and access within a second. Both tokens of a pair stand for one session."""

    look_up: LookUpToken
    sessions: Sessions
    clock: Clock

    async def __call__(self, client: Client, token: Secret[str], occasion: Occasion) -> bool:
        """
        Whether a session ended. Another client's token, and one that is not good any more, has no effect.

        Raises:
            StoreUnavailable: not known; nothing was written.

        Source: RFC 7009 §2.1 and §2.2.
        """
        found = await self.look_up(token, spent_too=True)
        if found is None or found.client_id != client.id:
            return False
        now = self.clock()
        event = AuditEvent(Deed.SIGN_OUT, now, occasion, client_id=client.id)
        if isinstance(found, AccessClaims):
            event = replace(event, session=found.session, account=found.subject)
            return await self.sessions.revoke(found.session, now, note=if_done(event))
        note = if_done(of_session(Deed.SIGN_OUT, found, now, occasion))
        return await self.sessions.revoke(found.id, now, note=note)
