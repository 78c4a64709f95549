"""Find an account by its address, for operators."""

from __future__ import annotations

from gatepass.domain.account import email_address
from gatepass.domain.errors import BadUserInput
from gatepass.usecases.ports import Accounts, StoredCredentials


async def find_account(accounts: Accounts, email: str) -> StoredCredentials:
    """
    The account with this address.

    Raises:
        BadUserInput: not an address, or no such account. Only for operators: it tells whether one exists.
    """
    address = email_address(email)
    stored = await accounts.find(address)
    if stored is None:
        raise BadUserInput(f"There is no account {address}.")
    return stored
