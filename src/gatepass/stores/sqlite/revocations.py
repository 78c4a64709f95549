"""Revoking sessions, and the feed by which every process hears of it."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import Revocation, RevocationPage

ACCESS_LIFE: Final = MAX_ACCESS_TTL + MAX_LEEWAY
"""How long after its issue an access token may still be accepted somewhere."""

REPLAY_ALLOWANCE: Final = timedelta(hours=1)
"""
A replay issues an access token up to the replay window after `rotated_at`. The store does not know that setting;
windows up to this are safe.
"""

# A session past its end still counts while its last access token lives, so that signing out of it works.
_IS_LIVE: Final = "revoked_at IS NULL AND ends_at > :access_issued_after"
_ANNOUNCE: Final = f"""
INSERT INTO revocations (session_id, until)
SELECT id, max(rotated_at, :now) + :access_life FROM sessions
WHERE {_IS_LIVE} AND rotated_at > :issues_after AND
"""  # noqa: S608 - constants
_END: Final = f"UPDATE sessions SET revoked_at = :now WHERE {_IS_LIVE} AND"  # noqa: S608 - constants
_ANNOUNCE_ONE, _END_ONE = f"{_ANNOUNCE} id = :id", f"{_END} id = :id"
_OF: Final = " AND account_id = :of"
_ANNOUNCE_ALL, _END_ALL = f"{_ANNOUNCE} account_id = :id", f"{_END} account_id = :id"
_BUT: Final = " AND id <> :but"
# In these words, for the index leaves the built-in client out, and nobody removes it.
_OF_CLIENT: Final = "client_id = :id AND client_id <> 'gatepass'"
_ANNOUNCE_CLIENT, _END_CLIENT = f"{_ANNOUNCE} {_OF_CLIENT}", f"{_END} {_OF_CLIENT}"
_END_CODES: Final = "DELETE FROM authorization_codes WHERE account_id = ? AND session_id IS NULL"
_END_APPROVALS: Final = "DELETE FROM device_codes WHERE account_id = ? AND session_id IS NULL"


def revoke_one(
    connection: sqlite3.Connection, session: SessionId, now: datetime, *, of: AccountId | None = None
) -> bool:
    """
    Inside a transaction: end a session and announce it, if it is `of` this account where one is named.

    False: there was nothing to end.
    """
    values, condition = _values(session, now), ""
    if of is not None:
        values, condition = {**values, "of": of.bytes}, _OF
    connection.execute(_ANNOUNCE_ONE + condition, values)
    return connection.execute(_END_ONE + condition, values).rowcount == 1


def revoke_all(
    connection: sqlite3.Connection, account: AccountId, now: datetime, *, but: SessionId | None = None
) -> int:
    """
    Inside a transaction: end every session of an account `but` one, announce those with living access tokens; how many.

    What could still become a session ends too.
    """
    end_open_codes(connection, account)
    values, condition = _values(account, now), ""
    if but is not None:
        values, condition = {**values, "but": but.bytes}, _BUT
    connection.execute(_ANNOUNCE_ALL + condition, values)
    return connection.execute(_END_ALL + condition, values).rowcount


def revoke_client(connection: sqlite3.Connection, client_id: str, now: datetime) -> int:
    """Inside a transaction: end every session of a client, and the codes with which it could still open one."""
    for table in ("authorization_codes", "device_codes"):
        connection.execute(f"DELETE FROM {table} WHERE session_id IS NULL AND client_id = ?", (client_id,))  # noqa: S608
    values = {**_times(now), "id": client_id}
    connection.execute(_ANNOUNCE_CLIENT, values)
    return connection.execute(_END_CLIENT, values).rowcount


def end_open_codes(connection: sqlite3.Connection, account: AccountId) -> None:
    """Inside a transaction: end the codes with which a client or a device could still open a session."""
    connection.execute(_END_CODES, (account.bytes,))
    connection.execute(_END_APPROVALS, (account.bytes,))


def _values(identifier: UUID, now: datetime) -> dict[str, bytes | int]:
    return {**_times(now), "id": identifier.bytes}


def _times(now: datetime) -> dict[str, int]:
    stamp = rows.microseconds(now)
    life = rows.duration(ACCESS_LIFE)
    return {
        "now": stamp,
        "access_life": life,
        "access_issued_after": stamp - life,
        "issues_after": stamp - life - rows.duration(REPLAY_ALLOWANCE),
    }


class SqliteRevocations:
    """
    The feed. `PRAGMA data_version` says whether anyone, this process included, committed since it was last asked.

    On a busy server that is nearly always, so the question behind it is cheap too: two look-ups by primary key.
    """

    def __init__(self, reader: Worker) -> None:
        self._reader = reader
        self._version = -1
        self._newest = 0

    async def since(self, cursor: int, now: datetime) -> RevocationPage:
        """See `gatepass.usecases.ports.RevocationFeed`."""
        return await self._reader.do(lambda connection: self._since(connection, cursor, now))

    async def news(self, at_most: float) -> None:
        """Nobody tells; asking is cheap."""
        await asyncio.sleep(at_most)

    def _since(self, connection: sqlite3.Connection, cursor: int, now: datetime) -> RevocationPage:
        # All of it is one snapshot, so the version and the entries belong together.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            (newest,) = connection.execute("SELECT max(seq) FROM revocations").fetchone()
            self._version, self._newest = version, newest or 0
        if cursor >= self._newest:
            return RevocationPage((), cursor)
        found = connection.execute(
            "SELECT session_id, until FROM revocations WHERE seq > ? AND until > ? ORDER BY seq",
            (cursor, rows.microseconds(now)),
        )
        revocations = [Revocation(SessionId(UUID(bytes=id_)), rows.moment(until)) for id_, until in found]
        return RevocationPage(revocations, self._newest)
