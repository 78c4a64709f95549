"""Who is signed in."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain.access_token import Caller
from gatepass.domain.account import Account
from gatepass.domain.errors import Unauthenticated
from gatepass.usecases.authenticate import REVOKED
from gatepass.usecases.caller_account import own_account
from gatepass.usecases.ports import Accounts


@dataclass(frozen=True, slots=True)
class ShowAccount:
    """Shows people their own account, as it is now."""

    accounts: Accounts

    async def __call__(self, caller: Caller) -> Account:
        """
        The caller's account.

        Raises:
            Unauthenticated: it was removed or disabled within this second.
            Forbidden: the token may not see it.
        """
        stored = await self.accounts.with_id(own_account(caller))
        if stored is None or not stored.account.enabled:
            raise Unauthenticated(REVOKED, presented=True)
        return stored.account
