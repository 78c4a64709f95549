"""Remove an account."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.usecases.find_account import find_account
from gatepass.usecases.ports import Accounts, Clock


@dataclass(frozen=True, slots=True)
class RemoveAccount:
    """Removes an account and its sessions. Its id is never used again."""

    accounts: Accounts
    clock: Clock

    async def __call__(self, email: str) -> None:
        """
        Remove.

        Raises:
            BadUserInput: no such account.
        """
        account = (await find_account(self.accounts, email)).account
        await self.accounts.remove(account.id, self.clock())
