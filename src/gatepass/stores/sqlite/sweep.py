"""Deleting what can never matter again, a little at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.worker import Worker

STRETCH: Final = 5_000
"""Sessions looked at in one read, in which other reads wait: one to five milliseconds."""

_IS_OVER: Final = "(ends_at < :ended_before OR revoked_at < :ended_before OR rotated_at < :idle_since)"
_STRETCH_END: Final = "SELECT id FROM sessions WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?"
_OVER: Final = f"SELECT id FROM sessions WHERE id > :start AND id <= :end AND {_IS_OVER} ORDER BY id LIMIT :limit"  # noqa: S608
# Asked again with the write lock held: a rotation may have come between.
_DELETE: Final = f"DELETE FROM sessions WHERE id = :id AND {_IS_OVER}"  # noqa: S608
_OLD_REVOCATIONS: Final = "SELECT seq FROM revocations WHERE until < ? ORDER BY seq LIMIT ?"
_DELETE_REVOCATION: Final = "DELETE FROM revocations WHERE seq = ?"
_START: Final = b""
_END: Final = b"\xff" * 17
_Times = dict[str, int]


class Sweep:
    """
    Walks round the sessions by primary key, and goes on where it stopped the last time.

    No index helps it, on purpose: every rotation would have to pay for one. It looks on the reading connection, and
    holds the write lock only to delete what it found.
    """

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader
        self._position = _START

    async def __call__(self, ended_before: datetime, idle_since: datetime, limit: int) -> int:
        """Delete up to `limit` rows, sessions before revocation entries; fewer only after a whole round."""
        times = {"ended_before": rows.microseconds(ended_before), "idle_since": rows.microseconds(idle_since)}
        deleted, found = 0, await self._find(times, limit)
        if found:
            deleted += await self._writer.do(lambda connection: _delete(connection, found, times))
        if len(found) < limit:
            deleted += await self._sweep_revocations(times["ended_before"], limit - len(found))
        return deleted

    async def _find(self, times: _Times, limit: int) -> Sequence[bytes]:
        begun_at = self._position
        found, self._position = await self._walk(begun_at, _END, times, limit)
        if len(found) < limit and begun_at > _START:
            more, self._position = await self._walk(_START, begun_at, times, limit - len(found))
            found += more
        if self._position == _END:
            self._position = _START
        return found

    async def _walk(self, start: bytes, end: bytes, times: _Times, limit: int) -> tuple[list[bytes], bytes]:
        found: list[bytes] = []
        position = start
        while position < end and len(found) < limit:
            look = partial(_look, start=position, end=end, times=times, limit=limit - len(found))
            keys, position = await self._reader.do(look)
            found += keys
        return found, position

    async def _sweep_revocations(self, ended_before: int, limit: int) -> int:
        old: list[tuple[int]] = await self._reader.do(
            lambda connection: connection.execute(_OLD_REVOCATIONS, (ended_before, limit)).fetchall()
        )
        if not old:
            return 0
        return await self._writer.do(lambda connection: connection.executemany(_DELETE_REVOCATION, old).rowcount)


def _look(
    connection: sqlite3.Connection, *, start: bytes, end: bytes, times: _Times, limit: int
) -> tuple[list[bytes], bytes]:
    """What is over in the next stretch, and where to go on."""
    last = connection.execute(_STRETCH_END, (start, STRETCH - 1)).fetchone()
    stretch_end = min(end, last[0]) if last else end
    values = {**times, "start": start, "end": stretch_end, "limit": limit}
    keys = [key for (key,) in connection.execute(_OVER, values)]
    return keys, keys[-1] if len(keys) == limit else stretch_end


def _delete(connection: sqlite3.Connection, keys: Sequence[bytes], times: _Times) -> int:
    return connection.executemany(_DELETE, [{**times, "id": key} for key in keys]).rowcount
