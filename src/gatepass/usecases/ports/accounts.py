"""Accounts and their passwords, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.audit import Note
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.secret import Secret
from gatepass.usecases.ports.sessions import AccountChanged


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """An account with its password hash (PHC string); `None` where it has no password."""

    account: Account
    password_hash: Secret[str] | None


@dataclass(frozen=True, slots=True)
class Added:
    """The account is there now."""


@dataclass(frozen=True, slots=True)
class EmailTaken:
    """Another account has this address; nothing was written."""


class Accounts(Protocol):
    """Accounts and what ends them. Ending an account's access also revokes its sessions, in the same transaction."""

    async def add(
        self,
        account: Account,
        password_hash: Secret[str] | None,
        *,
        note: Note[Added | EmailTaken] | None = None,
    ) -> Added | EmailTaken:
        """Store a new account."""
        ...

    async def find(self, email: EmailAddress) -> StoredCredentials | None:
        """The account with exactly this address."""
        ...

    async def with_id(self, account: AccountId) -> StoredCredentials | None:
        """The account with this id."""
        ...

    async def page(self, after: EmailAddress | None, limit: int) -> Sequence[Account]:
        """Up to `limit` accounts in the order of their addresses, those after `after`."""
        ...

    async def set_password(
        self, account: AccountId, password_hash: Secret[str], now: datetime, *, note: Note[bool] | None = None
    ) -> bool:
        """Replace the password and revoke every session. False: no such account."""
        ...

    async def replace_password(
        self,
        account: AccountId,
        old: Secret[str],
        new: Secret[str],
        now: datetime,
        *,
        others_of: SessionId | None,
        note: Note[int | AccountChanged] | None = None,
    ) -> int | AccountChanged:
        """
        Replace a hash that is still `old`, of an account that is still enabled, by that of another password.

        Args:
            others_of: revoke every session but this one; None: revoke none. Open codes end in any case.

        Returns:
            How many sessions ended.
        """
        ...

    async def upgrade_hash(self, account: AccountId, old: Secret[str], new: Secret[str]) -> bool:
        """Replace a hash of the same password, if it is still `old`; sessions live on. False: it changed meanwhile."""
        ...

    async def set_enabled(
        self, account: AccountId, *, enabled: bool, now: datetime, note: Note[bool] | None = None
    ) -> bool:
        """Enable or disable; disabling revokes every session. False: no such account."""
        ...

    async def remove(self, account: AccountId, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """Remove the account and its sessions, and revoke their access tokens. False: no such account."""
        ...
