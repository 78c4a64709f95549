"""Sign-ins: opened, rotated, ended."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.rotation import Judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import UNKNOWN_ORIGIN, Session, SessionOrigin
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.revocations import revoke_all, revoke_one
from gatepass.stores.sqlite.rotation import Rotate
from gatepass.stores.sqlite.sweep import Sweep
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import AccountChanged, Opened, Rotation

# The check and the insert are one statement: whoever disables the account comes before or after, never between.
_OPEN: Final = """
INSERT INTO sessions (
    id, account_id, client_id, salt, generation, opened_at, rotated_at, ends_at, revoked_at, scopes, address, user_agent
)
SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM accounts WHERE id = ? AND disabled_at IS NULL AND password_hash IS ?
"""


class SqliteSessions:
    """See `gatepass.usecases.ports.Sessions`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._sweep = Sweep(writer, reader)

    async def open(
        self, session: Session, password_hash: Secret[str] | None, origin: SessionOrigin = UNKNOWN_ORIGIN
    ) -> Opened | AccountChanged:
        """Store a new session, if its account is still what the password was checked against."""
        return await self._writer.do(lambda connection: open_session(connection, session, password_hash, origin))

    async def rotate(self, session: SessionId, judge: Judge, now: datetime) -> Rotation:
        """
        Apply the judge's verdict, exactly once, durably.

        The judge runs in the writer's thread and is asked again when its batch had to be run again. If it raises,
        nothing was written, its exception comes out here, and its neighbours do not notice.
        """
        return await self._writer.do(Rotate(session, judge, now))

    async def revoke(self, session: SessionId, now: datetime) -> bool:
        """End one session."""
        return await self._writer.do(lambda connection: revoke_one(connection, session, now))

    async def revoke_all(self, account: AccountId, now: datetime) -> int:
        """End every session of an account; how many."""
        return await self._writer.do(lambda connection: revoke_all(connection, account, now))

    async def sweep(self, ended_before: datetime, idle_since: datetime, limit: int) -> int:
        """Delete up to `limit` rows, sessions before revocation entries; fewer means that there are no more."""
        return await self._sweep(ended_before, idle_since, limit)


def open_session(
    connection: sqlite3.Connection, session: Session, password_hash: Secret[str] | None, origin: SessionOrigin
) -> Opened | AccountChanged:
    """Inside a transaction: store a new session, if its account is still what the password was checked against."""
    opened = connection.execute(
        _OPEN,
        (
            session.id.bytes,
            session.client_id,
            session.salt,
            session.generation,
            rows.microseconds(session.opened_at),
            rows.microseconds(session.rotated_at),
            rows.microseconds(session.ends_at),
            rows.microseconds(session.revoked_at) if session.revoked_at else None,
            None if session.granted is None else rows.scopes_text(session.granted),
            origin.address,
            origin.user_agent,
            session.account.id.bytes,
            password_hash.reveal() if password_hash else None,
        ),
    )
    return Opened() if opened.rowcount == 1 else AccountChanged()
