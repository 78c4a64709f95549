"""signOut: end this sign-in, all of the account's, or all but this one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatepass.domain.access_token import Caller
from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.occasion import Occasion
from gatepass.usecases.caller_account import account_in, own_account, own_session
from gatepass.usecases.notes import if_done, with_count
from gatepass.usecases.ports import Clock, Sessions


@dataclass(frozen=True, slots=True)
class SignOut:
    """Ends refresh at once, and access within a second, in every process that shares the store."""

    sessions: Sessions
    clock: Clock

    async def __call__(
        self,
        caller: Caller,
        occasion: Occasion,
        *,
        everywhere: bool,
        but_here: bool = False,
    ) -> int:
        """
        End this sign-in, or `everywhere` all of the account's, `but_here` all but this.

        Returns:
            How many ended; 0 where another sign-out was first.

        Raises:
            Forbidden: the token may not do that; nothing ended.
        """
        now = self.clock()
        here = own_session(caller)
        if everywhere:
            account = own_account(caller)
            event = AuditEvent(Deed.SIGN_OUT_EVERYWHERE, now, occasion, account=account, session=here)
            note = with_count(event)
            return await self.sessions.revoke_all(account, now, but=here if but_here else None, note=note)
        event = AuditEvent(Deed.SIGN_OUT, now, occasion, session=here, client_id=caller.client_id)
        account_id = account_in(caller)
        return int(await self.sessions.revoke(here, now, note=if_done(replace(event, account=account_id))))
