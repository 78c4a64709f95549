"""Revoking sessions, and the feed by which every process hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.listener import CHANNEL, Listener
from gatepass.stores.postgres.reader import Reader
from gatepass.usecases.ports import Revocation, RevocationPage

ACCESS_LIFE: Final = MAX_ACCESS_TTL + MAX_LEEWAY
"""How long after its issue an access token may still be accepted somewhere."""

REPLAY_ALLOWANCE: Final = timedelta(hours=1)
"""
A replay issues an access token up to the replay window after `rotated_at`. The store does not know that setting;
windows up to this are safe.
"""

FEED_LOCK: Final = 0x47505245

# A session past its end still counts while its last access token lives, so that signing out of it works.
_END: Final = """
UPDATE sessions s SET revoked_at = l.now FROM locked l WHERE s.id = l.id AND s.revoked_at IS NULL
RETURNING s.id, greatest(s.rotated_at, l.now) + $3::interval AS until, s.rotated_at > l.now - $4::interval AS is_told
"""
# Locked in the order of the key: batches of other connections and processes that meet on the same rows queue up, and
# never wait for each other in a circle.
_END_SOME: Final = f"""
WITH locked AS MATERIALIZED (
    SELECT s.id, w.now
    FROM sessions s JOIN unnest($1::uuid[], $2::timestamptz[], $5::uuid[]) AS w (id, now, owner) ON w.id = s.id
    WHERE s.revoked_at IS NULL AND s.ends_at > w.now - $3::interval AND (w.owner IS NULL OR w.owner = s.account_id)
    ORDER BY s.id FOR NO KEY UPDATE OF s
) {_END}
"""  # noqa: S608 - constants
_END_ALL: Final = f"""
WITH locked AS MATERIALIZED (
    SELECT s.id, $2::timestamptz AS now FROM sessions s
    WHERE s.account_id = $1 AND s.revoked_at IS NULL AND s.ends_at > $2::timestamptz - $3::interval
    AND s.id IS DISTINCT FROM $5::uuid
    ORDER BY s.id FOR NO KEY UPDATE OF s
) {_END}
"""  # noqa: S608 - constants
# In these words, for the index leaves the built-in client out, and nobody removes it.
_END_CLIENT: Final = f"""
WITH locked AS MATERIALIZED (
    SELECT s.id, $2::timestamptz AS now FROM sessions s
    WHERE s.client_id = $1 AND s.client_id <> 'gatepass'
    AND s.revoked_at IS NULL AND s.ends_at > $2::timestamptz - $3::interval
    ORDER BY s.id FOR NO KEY UPDATE OF s
) {_END}
"""  # noqa: S608 - constants
# Followers read from a cursor on, so a number must never become visible after a greater one. That is what the lock is
# for: it is taken before the first number is drawn (a condition without a column of the table is asked first), and the
# server lets go of it after the commit can be seen. It is the last lock of every transaction that takes it.
_TELL: Final = f"""
INSERT INTO revocations (session_id, until)
SELECT e.id, e.until FROM unnest($1::uuid[], $2::timestamptz[]) AS e (id, until)
WHERE (SELECT pg_advisory_xact_lock({FEED_LOCK}, hashtext(current_schema()))) IS NOT NULL
RETURNING pg_notify('{CHANNEL}', '')
"""  # noqa: S608 - constants
_SINCE: Final = "SELECT seq, session_id, until FROM revocations WHERE seq > $1 ORDER BY seq"
_LOCK_ACCOUNT: Final = "SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE"
_END_CODES: Final = "DELETE FROM authorization_codes WHERE account_id = $1 AND session_id IS NULL"
_END_APPROVALS: Final = "DELETE FROM device_codes WHERE account_id = $1 AND session_id IS NULL"


async def revoke_some(
    connection: Connection,
    sessions: Sequence[SessionId],
    moments: Sequence[datetime],
    owners: Sequence[AccountId | None],
) -> frozenset[UUID]:
    """
    Inside a transaction: end sessions, each named once, and announce them; those that there were to end.

    Args:
        owners: for each the account whose it has to be, or None.
    """
    ended = await connection.fetch(_END_SOME, sessions, moments, ACCESS_LIFE, ACCESS_LIFE + REPLAY_ALLOWANCE, owners)
    await _tell(connection, ended)
    return frozenset(row["id"] for row in ended)


async def revoke_one(connection: Connection, session: SessionId, now: datetime) -> bool:
    """Inside a transaction: end a session and announce it. False: there was nothing to end."""
    return bool(await revoke_some(connection, [session], [now], [None]))


async def revoke_all(connection: Connection, account: AccountId, now: datetime, *, but: SessionId | None = None) -> int:
    """
    Inside a transaction: end every session of an account `but` one, announce those with living access tokens; how many.

    What could still become a session ends too.
    """
    # Whoever opens a session or a code meanwhile holds a share of this lock: they come before, or after.
    await connection.execute(_LOCK_ACCOUNT, account)
    await end_open_codes(connection, account)
    ended = await connection.fetch(_END_ALL, account, now, ACCESS_LIFE, ACCESS_LIFE + REPLAY_ALLOWANCE, but)
    await _tell(connection, ended)
    return len(ended)


async def revoke_client(connection: Connection, client_id: str, now: datetime) -> int:
    """Inside a transaction: end every session of a client, and the codes with which it could still open one."""
    for table in ("authorization_codes", "device_codes"):
        await connection.execute(f"DELETE FROM {table} WHERE session_id IS NULL AND client_id = $1", client_id)  # noqa: S608
    ended = await connection.fetch(_END_CLIENT, client_id, now, ACCESS_LIFE, ACCESS_LIFE + REPLAY_ALLOWANCE)
    await _tell(connection, ended)
    return len(ended)


async def end_open_codes(connection: Connection, account: AccountId) -> None:
    """Inside a transaction: end the codes with which a client or a device could still open a session."""
    await connection.execute(_END_CODES, account)
    await connection.execute(_END_APPROVALS, account)


async def _tell(connection: Connection, ended: Sequence[Any]) -> None:
    told = [row for row in ended if row["is_told"]]
    if told:
        await connection.fetch(_TELL, [row["id"] for row in told], [row["until"] for row in told])


class PostgresRevocations:
    """The feed: asked by primary key from a cursor on, and by LISTEN it says when to ask."""

    def __init__(self, reader: Reader, listener: Listener) -> None:
        self._reader = reader
        self._listener = listener

    async def since(self, cursor: int, now: datetime) -> RevocationPage:
        """See `gatepass.usecases.ports.RevocationFeed`."""
        rows = await self._reader.do(lambda connection: connection.fetch(_SINCE, cursor))
        newest = rows[-1]["seq"] if rows else cursor
        return RevocationPage(
            [Revocation(SessionId(row["session_id"]), row["until"]) for row in rows if row["until"] > now], newest
        )

    async def news(self, at_most: float) -> None:
        """Return as soon as somebody revoked something, at the latest after so many seconds."""
        await self._listener.news(at_most)
