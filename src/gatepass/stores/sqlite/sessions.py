"""Sign-ins: opened, rotated, ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from gatepass.domain.audit import Note
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.rotation import Judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import UNKNOWN_ORIGIN, Session, SessionOrigin
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.audit import noted
from gatepass.stores.sqlite.revocations import revoke_all, revoke_one
from gatepass.stores.sqlite.rotation import Rotate
from gatepass.stores.sqlite.sweep import Sweep
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import AccountChanged, ListedSession, Opened, Rotation

# The check and the insert are one statement: whoever disables the account comes before or after, never between.
_OPEN: Final = """
INSERT INTO sessions (
    id, account_id, client_id, salt, generation, opened_at, rotated_at, ends_at, revoked_at, scopes, address, user_agent
)
SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM accounts WHERE id = ? AND disabled_at IS NULL AND password_hash IS ?
"""
# Identifiers are ordered by time. Both walk an index backwards, the primary key or that of the account.
_PAGE: Final = f"""
SELECT s.id, s.address, s.user_agent, {rows.SESSION} FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id < :after AND s.revoked_at IS NULL AND s.ends_at > :now AND s.rotated_at > :idle_since
ORDER BY s.id DESC LIMIT :limit
"""  # noqa: S608 - constants
_PAGE_OF: Final = _PAGE.replace("WHERE", "WHERE s.account_id = :account AND")
_AFTER_ALL: Final = b"\xff" * 17


class SqliteSessions:
    """See `gatepass.usecases.ports.Sessions`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader
        self._sweep = Sweep(writer, reader)

    async def open(
        self,
        session: Session,
        password_hash: Secret[str] | None,
        origin: SessionOrigin = UNKNOWN_ORIGIN,
        *,
        note: Note[Opened | AccountChanged] | None = None,
    ) -> Opened | AccountChanged:
        """Store a new session, if its account is still what the password was checked against."""
        return await self._writer.do(
            noted(lambda connection: open_session(connection, session, password_hash, origin), note)
        )

    async def rotate(
        self, session: SessionId, judge: Judge, now: datetime, *, note: Note[Rotation] | None = None
    ) -> Rotation:
        """
        Apply the judge's verdict, exactly once, durably.

        The judge runs in the writer's thread and is asked again when its batch had to be run again. If it raises,
        nothing was written, its exception comes out here, and its neighbours do not notice.
        """
        return await self._writer.do(Rotate(session, judge, now, note))

    async def page(
        self, account: AccountId | None, after: SessionId | None, limit: int, *, now: datetime, idle_since: datetime
    ) -> Sequence[ListedSession]:
        """Living sessions, newest first."""
        return await self._reader.do(
            lambda connection: _page(connection, account, after, limit, now=now, idle_since=idle_since)
        )

    async def revoke(
        self, session: SessionId, now: datetime, *, of: AccountId | None = None, note: Note[bool] | None = None
    ) -> bool:
        """End one session."""
        return await self._writer.do(noted(lambda connection: revoke_one(connection, session, now, of=of), note))

    async def revoke_all(
        self, account: AccountId, now: datetime, *, but: SessionId | None = None, note: Note[int] | None = None
    ) -> int:
        """End every session of an account, but for one where one is named; how many."""
        return await self._writer.do(noted(lambda connection: revoke_all(connection, account, now, but=but), note))

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
            rows.scopes_or_none(session.granted),
            origin.address,
            origin.user_agent,
            session.account.id.bytes,
            password_hash.reveal() if password_hash else None,
        ),
    )
    return Opened() if opened.rowcount == 1 else AccountChanged()


def _page(
    connection: sqlite3.Connection,
    account: AccountId | None,
    after: SessionId | None,
    limit: int,
    *,
    now: datetime,
    idle_since: datetime,
) -> Sequence[ListedSession]:
    values = {
        "account": account.bytes if account else None,
        "after": after.bytes if after else _AFTER_ALL,
        "limit": limit,
        "now": rows.microseconds(now),
        "idle_since": rows.microseconds(idle_since),
    }
    found = connection.execute(_PAGE_OF if account else _PAGE, values)
    return [
        ListedSession(rows.session(SessionId(UUID(bytes=id_)), tuple(row)), SessionOrigin(address, user_agent))
        for id_, address, user_agent, *row in found
    ]
