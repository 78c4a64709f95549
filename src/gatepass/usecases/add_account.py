"""Add an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatepass.domain import password
from gatepass.domain.account import Account, email_address, scopes
from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import RANDOM_BYTES, AccountId, uuid7
from gatepass.domain.secret import Secret
from gatepass.usecases.ports import Accounts, Clock, EmailTaken, Passwords, RandomBytes


@dataclass(frozen=True, slots=True)
class AddAccount:
    """Adds a person or service that can sign in."""

    accounts: Accounts
    passwords: Passwords
    clock: Clock
    random: RandomBytes

    async def __call__(self, email: str, plain: Secret[str], granted: Sequence[str]) -> Account:
        """
        The new account.

        Raises:
            BadUserInput: the address, the password or a scope cannot be used, or the address is taken.
        """
        address = email_address(email)
        checked_scopes = scopes(tuple(granted))
        prepared = password.check_new(plain, address)
        now = self.clock()
        account = Account(AccountId(uuid7(now, self.random(RANDOM_BYTES))), address, checked_scopes, now)
        if isinstance(await self.accounts.add(account, await self.passwords.hash(prepared)), EmailTaken):
            raise BadUserInput(f"There is an account {address} already.")
        return account
