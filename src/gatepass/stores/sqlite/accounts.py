"""Accounts, and what ends their access."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.audit import Note
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.secret import Secret
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.audit import noted
from gatepass.stores.sqlite.revocations import end_open_codes, revoke_all
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import AccountChanged, Added, EmailTaken, StoredCredentials

_CREDENTIALS: Final = f"SELECT {rows.ACCOUNT}, a.password_hash FROM accounts a"  # noqa: S608 - constants


class SqliteAccounts:
    """See `gatepass.usecases.ports.Accounts`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def add(
        self, account: Account, password_hash: Secret[str] | None, *, note: Note[Added | EmailTaken] | None = None
    ) -> Added | EmailTaken:
        """Store a new account."""
        return await self._writer.do(noted(lambda connection: add_account(connection, account, password_hash), note))

    async def find(self, email: EmailAddress) -> StoredCredentials | None:
        """The account with exactly this address."""
        return await self._reader.do(lambda connection: _find(connection, email))

    async def with_id(self, account: AccountId) -> StoredCredentials | None:
        """The account with this id."""
        return await self._reader.do(lambda connection: _with_id(connection, account))

    async def page(self, after: EmailAddress | None, limit: int) -> Sequence[Account]:
        """Accounts in the order of their addresses, code point by code point."""
        return await self._reader.do(lambda connection: _page(connection, after, limit))

    async def set_password(
        self, account: AccountId, password_hash: Secret[str], now: datetime, *, note: Note[bool] | None = None
    ) -> bool:
        """Replace the password and revoke every session, in one."""
        return await self._writer.do(
            noted(lambda connection: _set_password(connection, account, password_hash, now), note)
        )

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
        """Replace a hash that is still `old`, and revoke every session but one where one is named, in one."""
        return await self._writer.do(
            noted(lambda connection: _replace_password(connection, account, old, new, now, others_of=others_of), note)
        )

    async def upgrade_hash(self, account: AccountId, old: Secret[str], new: Secret[str]) -> bool:
        """Replace a hash that is still `old`."""
        return await self._writer.do(lambda connection: _upgrade_hash(connection, account, old, new))

    async def set_enabled(
        self, account: AccountId, *, enabled: bool, now: datetime, note: Note[bool] | None = None
    ) -> bool:
        """Enable, or disable and revoke every session in one."""
        if enabled:
            return await self._writer.do(noted(lambda connection: _enable(connection, account), note))
        return await self._writer.do(noted(lambda connection: _disable(connection, account, now), note))

    async def remove(self, account: AccountId, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """Remove the account and its sessions, and announce their end, in one."""
        return await self._writer.do(noted(lambda connection: remove_account(connection, account, now), note))


def add_account(
    connection: sqlite3.Connection, account: Account, password_hash: Secret[str] | None
) -> Added | EmailTaken:
    """Inside a transaction: store a new account."""
    added = connection.execute(
        "INSERT INTO accounts (id, email, scopes, password_hash, created_at, disabled_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING",
        (
            account.id.bytes,
            account.email,
            rows.scopes_text(account.scopes),
            password_hash.reveal() if password_hash else None,
            rows.microseconds(account.created_at),
            rows.microseconds(account.disabled_at) if account.disabled_at else None,
        ),
    )
    return Added() if added.rowcount == 1 else EmailTaken()


def _find(connection: sqlite3.Connection, email: EmailAddress) -> StoredCredentials | None:
    row = connection.execute(f"{_CREDENTIALS} WHERE a.email = ?", (email,)).fetchone()
    # A row is read either way: the clock must not tell which names there are.
    found = _credentials(row or rows.NOBODY)
    return found if row is not None else None


def _with_id(connection: sqlite3.Connection, account: AccountId) -> StoredCredentials | None:
    return _credentials(connection.execute(f"{_CREDENTIALS} WHERE a.id = ?", (account.bytes,)).fetchone())


def _credentials(row: tuple[Any, ...] | None) -> StoredCredentials | None:
    if row is None:
        return None
    return StoredCredentials(rows.account(row[:-1]), Secret(row[-1]) if row[-1] is not None else None)


def _page(connection: sqlite3.Connection, after: EmailAddress | None, limit: int) -> Sequence[Account]:
    sql = f"SELECT {rows.ACCOUNT} FROM accounts a WHERE a.email > ? ORDER BY a.email LIMIT ?"  # noqa: S608 - constants
    return [rows.account(row) for row in connection.execute(sql, (after or "", limit))]


def _set_password(
    connection: sqlite3.Connection, account: AccountId, password_hash: Secret[str], now: datetime
) -> bool:
    changed = connection.execute(
        "UPDATE accounts SET password_hash = ? WHERE id = ?", (password_hash.reveal(), account.bytes)
    )
    revoke_all(connection, account, now)
    return changed.rowcount == 1


def _replace_password(
    connection: sqlite3.Connection,
    account: AccountId,
    old: Secret[str],
    new: Secret[str],
    now: datetime,
    *,
    others_of: SessionId | None,
) -> int | AccountChanged:
    changed = connection.execute(
        "UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ? AND disabled_at IS NULL",
        (new.reveal(), account.bytes, old.reveal()),
    )
    if changed.rowcount != 1:
        return AccountChanged()
    if others_of is not None:
        return revoke_all(connection, account, now, but=others_of)
    end_open_codes(connection, account)
    return 0


def _upgrade_hash(connection: sqlite3.Connection, account: AccountId, old: Secret[str], new: Secret[str]) -> bool:
    changed = connection.execute(
        "UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?",
        (new.reveal(), account.bytes, old.reveal()),
    )
    return changed.rowcount == 1


def _enable(connection: sqlite3.Connection, account: AccountId) -> bool:
    return connection.execute("UPDATE accounts SET disabled_at = NULL WHERE id = ?", (account.bytes,)).rowcount == 1


def _disable(connection: sqlite3.Connection, account: AccountId, now: datetime) -> bool:
    changed = connection.execute(
        "UPDATE accounts SET disabled_at = coalesce(disabled_at, ?) WHERE id = ?",
        (rows.microseconds(now), account.bytes),
    )
    revoke_all(connection, account, now)
    return changed.rowcount == 1


def remove_account(connection: sqlite3.Connection, account: AccountId, now: datetime) -> bool:
    """Inside a transaction: remove an account with its sessions, and announce their end."""
    revoke_all(connection, account, now)
    connection.execute("DELETE FROM sessions WHERE account_id = ?", (account.bytes,))
    return connection.execute("DELETE FROM accounts WHERE id = ?", (account.bytes,)).rowcount == 1
