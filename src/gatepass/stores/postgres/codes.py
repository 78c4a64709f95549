"""What both kinds of codes have in common: trading one for a session, once, and being swept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from gatepass.domain.account import Account
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionOrigin
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.revocations import revoke_one
from gatepass.stores.postgres.sessions import open_session
from gatepass.stores.postgres.writer import Writer
from gatepass.usecases.ports import AccountChanged, CodeReused, NotRedeemed, Redeemed

Table = Literal["authorization_codes", "device_codes"]

_LOCK_UNCHANGED: Final = """
SELECT id FROM accounts WHERE id = $1 AND disabled_at IS NULL AND password_hash IS NOT DISTINCT FROM $2 FOR SHARE
"""
_LOCK: Final = "SELECT password_hash FROM accounts WHERE id = $1 FOR SHARE"


async def lock_unchanged(connection: Connection, account: Account, password_hash: Secret[str] | None) -> bool:
    """Inside a transaction: whether the account is still enabled and has this password hash, until the commit."""
    values = (account.id, password_hash.reveal() if password_hash else None)
    return await connection.fetchval(_LOCK_UNCHANGED, *values) is not None


async def lock_account(connection: Connection, account: AccountId) -> None:
    """Inside a transaction, before a code of this account is locked: whoever changes the account does it so too."""
    await connection.execute(_LOCK, account)


async def trade(
    connection: Connection, table: Table, digest: bytes, session: Session, origin: SessionOrigin
) -> Redeemed | NotRedeemed:
    """Inside a transaction that has locked the code: open the session, unless its account is disabled, and note it."""
    password_hash = await connection.fetchval(_LOCK, session.account.id)
    # The password was checked when the code was made. Had it been changed since, the code would be gone.
    known = Secret(password_hash) if password_hash else None
    if isinstance(await open_session(connection, session, known, origin), AccountChanged):
        return NotRedeemed(NoSession.REFUSE)
    await connection.execute(f"UPDATE {table} SET session_id = $1 WHERE digest = $2", session.id, digest)  # noqa: S608
    return Redeemed(session)


async def refuse(
    connection: Connection, reason: NoSession, given: SessionId | None, now: datetime
) -> CodeReused | NotRedeemed:
    """Inside a transaction: no session for this code, and after a second attempt none for the first one either."""
    if reason is not NoSession.REUSE or given is None:
        return NotRedeemed(reason)
    await revoke_one(connection, given, now)
    return CodeReused(given)


async def sweep(writer: Writer, table: Table, expired_before: datetime, limit: int) -> int:
    """Delete codes that expired and gave nothing; those that somebody is at stay for the next time."""
    delete_some = f"""
    WITH old AS MATERIALIZED (
        SELECT digest FROM {table} WHERE session_id IS NULL AND expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM {table} c USING old WHERE c.digest = old.digest RETURNING 1
    """  # noqa: S608 - one of two words

    async def delete(connection: Connection) -> Sequence[Any]:
        return await connection.fetch(delete_some, expired_before, limit)

    return len(await writer.do(delete))
