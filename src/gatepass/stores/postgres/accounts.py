"""Accounts, and what ends their access."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.audit import Note
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.secret import Secret
from gatepass.stores.postgres import rows
from gatepass.stores.postgres.audit import noted
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.revocations import end_open_codes, revoke_all
from gatepass.stores.postgres.writer import Writer
from gatepass.usecases.ports import AccountChanged, Added, EmailTaken, StoredCredentials

_ADD: Final = """
INSERT INTO accounts (id, email, scopes, password_hash, created_at, disabled_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING RETURNING id
"""
_CREDENTIALS: Final = f"SELECT {rows.ACCOUNT}, a.password_hash FROM accounts a"  # noqa: S608 - constants
_FIND: Final = f"{_CREDENTIALS} WHERE a.email = $1"
_WITH_ID: Final = f"{_CREDENTIALS} WHERE a.id = $1"
_PAGE: Final = f"SELECT {rows.ACCOUNT} FROM accounts a WHERE a.email > $1 ORDER BY a.email LIMIT $2"  # noqa: S608
_SET_PASSWORD: Final = "UPDATE accounts SET password_hash = $2 WHERE id = $1 RETURNING id"  # noqa: S105 - a statement
_REPLACE_HASH: Final = """
UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL RETURNING id
"""
_UPGRADE_HASH: Final = "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id"
_ENABLE: Final = "UPDATE accounts SET disabled_at = NULL WHERE id = $1 RETURNING id"
_DISABLE: Final = "UPDATE accounts SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1 RETURNING id"
_LOCK: Final = "SELECT id FROM accounts WHERE id = $1 FOR UPDATE"
_REMOVE_SESSIONS: Final = "DELETE FROM sessions WHERE account_id = $1"
_REMOVE: Final = "DELETE FROM accounts WHERE id = $1"


class PostgresAccounts:
    """See `gatepass.usecases.ports.Accounts`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def add(
        self, account: Account, password_hash: Secret[str] | None, *, note: Note[Added | EmailTaken] | None = None
    ) -> Added | EmailTaken:
        """Store a new account."""
        return await self._writer.do(noted(lambda connection: add_account(connection, account, password_hash), note))

    async def find(self, email: EmailAddress) -> StoredCredentials | None:
        """The account with exactly this address."""
        row = await self._reader.do(lambda connection: connection.fetchrow(_FIND, email))
        # A row is read either way: the clock must not tell which names there are.
        found = _credentials(row or rows.NOBODY)
        return found if row is not None else None

    async def with_id(self, account: AccountId) -> StoredCredentials | None:
        """The account with this id."""
        return _credentials(await self._reader.do(lambda connection: connection.fetchrow(_WITH_ID, account)))

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


async def add_account(
    connection: Connection, account: Account, password_hash: Secret[str] | None
) -> Added | EmailTaken:
    """Inside a transaction: store a new account."""
    added = await connection.fetchval(
        _ADD,
        account.id,
        account.email,
        rows.scopes_text(account.scopes),
        password_hash.reveal() if password_hash else None,
        account.created_at,
        account.disabled_at,
    )
    return EmailTaken() if added is None else Added()


def _credentials(row: Any) -> StoredCredentials | None:
    if row is None:
        return None
    return StoredCredentials(rows.account(tuple(row[:-1])), Secret(row[-1]) if row[-1] is not None else None)


async def _page(connection: Connection, after: EmailAddress | None, limit: int) -> Sequence[Account]:
    return [rows.account(tuple(row)) for row in await connection.fetch(_PAGE, after or "", limit)]


# In each of these the first statement locks the account, so the later ones see every session of who was quicker.


async def _set_password(connection: Connection, account: AccountId, password_hash: Secret[str], now: datetime) -> bool:
    if await connection.fetchval(_SET_PASSWORD, account, password_hash.reveal()) is None:
        return False
    await revoke_all(connection, account, now)
    return True


async def _replace_password(
    connection: Connection,
    account: AccountId,
    old: Secret[str],
    new: Secret[str],
    now: datetime,
    *,
    others_of: SessionId | None,
) -> int | AccountChanged:
    if await connection.fetchval(_REPLACE_HASH, account, old.reveal(), new.reveal()) is None:
        return AccountChanged()
    if others_of is not None:
        return await revoke_all(connection, account, now, but=others_of)
    await end_open_codes(connection, account)
    return 0


async def _upgrade_hash(connection: Connection, account: AccountId, old: Secret[str], new: Secret[str]) -> bool:
    return await connection.fetchval(_UPGRADE_HASH, account, old.reveal(), new.reveal()) is not None


async def _enable(connection: Connection, account: AccountId) -> bool:
    return await connection.fetchval(_ENABLE, account) is not None


async def _disable(connection: Connection, account: AccountId, now: datetime) -> bool:
    if await connection.fetchval(_DISABLE, account, now) is None:
        return False
    await revoke_all(connection, account, now)
    return True


async def lock_account(connection: Connection, account: AccountId) -> bool:
    """Inside a transaction: nobody else opens anything for this account until the commit. False: there is none."""
    return await connection.fetchval(_LOCK, account) is not None


async def remove_account(connection: Connection, account: AccountId, now: datetime) -> bool:
    """Inside a transaction: remove an account with its sessions, and announce their end."""
    if not await lock_account(connection, account):
        return False
    await revoke_all(connection, account, now)
    await connection.execute(_REMOVE_SESSIONS, account)
    await connection.execute(_REMOVE, account)
    return True
