"""Which sign-ins of an account live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import SessionId
from gatepass.domain.session import SessionLimits
from gatepass.usecases.caller_account import own_account
from gatepass.usecases.ports import Clock, ListedSession, Sessions

MAX_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class ListSessions:
    """Shows people where they are signed in. No token can be made from what it shows."""

    sessions: Sessions
    clock: Clock
    limits: SessionLimits

    async def __call__(self, caller: Caller, first: int, after: SessionId | None) -> Sequence[ListedSession]:
        """
        Up to `first` living sign-ins of the caller's account, newest first, those opened before `after`.

        Raises:
            BadUserInput: `first` is not from 1 to 100.
            Forbidden: the token may not see them.
        """
        account = own_account(caller)
        if not 1 <= first <= MAX_PAGE:
            raise BadUserInput(f"first must be from 1 to {MAX_PAGE}.")
        now = self.clock()
        return await self.sessions.page(account, after, first, now=now, idle_since=now - self.limits.idle)
