"""signOut: end this sign-in, all of the account's, or all but this one."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain.access_token import Caller
from gatepass.domain.occasion import Occasion
from gatepass.usecases.caller_account import own_account, own_session
from gatepass.usecases.ports import Clock, Sessions


@dataclass(frozen=True, slots=True)
class SignOut:
    """Ends refresh at once, and access within a second, in every process that shares the store."""

    sessions: Sessions
    clock: Clock

    async def __call__(
        self,
        caller: Caller,
        occasion: Occasion,  # noqa: ARG002 - for the audit log
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
            return await self.sessions.revoke_all(own_account(caller), now, but=here if but_here else None)
        return int(await self.sessions.revoke(here, now))
