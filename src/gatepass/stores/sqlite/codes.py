"""What both kinds of codes have in common: trading one for a session, once, and being swept."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final, Literal

from gatepass.domain.account import Account
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionOrigin
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.revocations import revoke_one
from gatepass.stores.sqlite.sessions import open_session
from gatepass.usecases.ports import AccountChanged, CodeReused, NotRedeemed, Redeemed

Table = Literal["authorization_codes", "device_codes"]

_UNCHANGED_ACCOUNT: Final = "SELECT 1 FROM accounts WHERE id = ? AND disabled_at IS NULL AND password_hash IS ?"


def account_is_unchanged(connection: sqlite3.Connection, account: Account, password_hash: Secret[str] | None) -> bool:
    """Inside a transaction: whether the account is still enabled and has this password hash."""
    values = (account.id.bytes, password_hash.reveal() if password_hash else None)
    return connection.execute(_UNCHANGED_ACCOUNT, values).fetchone() is not None


def trade(
    connection: sqlite3.Connection, table: Table, digest: bytes, session: Session, origin: SessionOrigin
) -> Redeemed | NotRedeemed:
    """Inside a transaction that has read the code: open the session, unless its account is disabled, and note it."""
    (password_hash,) = connection.execute(
        "SELECT password_hash FROM accounts WHERE id = ?", (session.account.id.bytes,)
    ).fetchone()
    # The password was checked when the code was made. Had it been changed since, the code would be gone.
    known = Secret(password_hash) if password_hash else None
    if isinstance(open_session(connection, session, known, origin), AccountChanged):
        return NotRedeemed(NoSession.REFUSE)
    connection.execute(
        f"UPDATE {table} SET session_id = ? WHERE digest = ?",  # noqa: S608 - one of two words
        (session.id.bytes, digest),
    )
    return Redeemed(session)


def refuse(
    connection: sqlite3.Connection, reason: NoSession, given: SessionId | None, now: datetime
) -> CodeReused | NotRedeemed:
    """Inside a transaction: no session for this code, and after a second attempt none for the first one either."""
    if reason is not NoSession.REUSE or given is None:
        return NotRedeemed(reason)
    revoke_one(connection, given, now)
    return CodeReused(given)


def sweep(connection: sqlite3.Connection, table: Table, expired_before: datetime, limit: int) -> int:
    """Delete codes that expired and gave nothing."""
    found = connection.execute(
        f"SELECT digest FROM {table} WHERE session_id IS NULL AND expires_at < ? LIMIT ?",  # noqa: S608 - as above
        (rows.microseconds(expired_before), limit),
    ).fetchall()
    delete = f"DELETE FROM {table} WHERE digest = ?"  # noqa: S608 - as above
    return connection.executemany(delete, found).rowcount if found else 0
