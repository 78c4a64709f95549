"""signOut: end this sign-in, or all of the account's."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gatepass.domain.access_token import Caller
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.usecases.ports import Clock, Sessions


@dataclass(frozen=True, slots=True)
class SignOut:
    """Ends refresh at once, and access within a second, in every process that shares the store."""

    sessions: Sessions
    clock: Clock

    async def __call__(self, caller: Caller, *, everywhere: bool) -> int:
        """How many sessions ended; 0 where another sign-out was first."""
        now = self.clock()
        if everywhere:
            return await self.sessions.revoke_all(AccountId(UUID(caller.subject)), now)
        return int(await self.sessions.revoke(SessionId(UUID(caller.session_id)), now))
