"""Give an account another password."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain import password
from gatepass.domain.secret import Secret
from gatepass.usecases.find_account import find_account
from gatepass.usecases.ports import Accounts, Clock, Passwords


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Sets a password as an operator; every session of the account ends."""

    accounts: Accounts
    passwords: Passwords
    clock: Clock

    async def __call__(self, email: str, plain: Secret[str]) -> None:
        """
        Replace the password.

        Raises:
            BadUserInput: no such account, or the password cannot be used; nothing was written.
        """
        account = (await find_account(self.accounts, email)).account
        prepared = password.check_new(plain, account.email)
        await self.accounts.set_password(account.id, await self.passwords.hash(prepared), self.clock())
