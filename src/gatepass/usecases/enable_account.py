"""Enable or disable an account."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.usecases.find_account import find_account
from gatepass.usecases.ports import Accounts, Clock


@dataclass(frozen=True, slots=True)
class EnableAccount:
    """Disabling ends refresh at once and access within a second; enabling brings no session back."""

    accounts: Accounts
    clock: Clock

    async def __call__(self, email: str, *, enabled: bool) -> None:
        """
        Enable or disable.

        Raises:
            BadUserInput: no such account.
        """
        account = (await find_account(self.accounts, email)).account
        await self.accounts.set_enabled(account.id, enabled=enabled, now=self.clock())
