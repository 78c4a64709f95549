"""Deleting what can never matter again, a little at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.writer import Writer

STRETCH: Final = 5_000
"""Sessions looked at in one read."""

STRETCHES: Final = 40
"""
Reads in one sweep at most. Each process of many sweeps now and then, and each goes on where it stopped: all of it is
walked through in time, and no sweep is a walk through millions of rows.
"""

_IS_OVER: Final = "(s.ends_at < $1 OR s.revoked_at < $1 OR s.rotated_at < $2)"
_STRETCH_END: Final = "SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2"
_OVER: Final = f"SELECT s.id FROM sessions s WHERE s.id > $3 AND s.id <= $4 AND {_IS_OVER} ORDER BY s.id LIMIT $5"  # noqa: S608
# Asked again with the row locked: a rotation may have come between. Rows that somebody else is at are left for later,
# so a sweep waits for nobody, and whoever wants one of its rows waits for one small commit.
_DELETE: Final = f"""
WITH over AS MATERIALIZED (
    SELECT s.id FROM sessions s WHERE s.id = ANY ($3::uuid[]) AND {_IS_OVER} ORDER BY s.id FOR UPDATE SKIP LOCKED
)
DELETE FROM sessions s USING over WHERE s.id = over.id RETURNING 1
"""  # noqa: S608
_DELETE_REVOCATIONS: Final = """
WITH old AS MATERIALIZED (
    SELECT seq FROM revocations WHERE until < $1 ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM revocations r USING old WHERE r.seq = old.seq RETURNING 1
"""
_START: Final = UUID(int=0)
_END: Final = UUID(int=2**128 - 1)
_Times = tuple[datetime, datetime]


class Sweep:
    """
    Walks round the sessions by primary key, and goes on where it stopped the last time.

    No index helps it, on purpose: every rotation would have to pay for one.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self._position = _START

    async def __call__(self, ended_before: datetime, idle_since: datetime, limit: int) -> int:
        """Delete up to `limit` rows, sessions before revocation entries."""
        times = (ended_before, idle_since)
        found = await self._find(times, limit)
        deleted = await self._delete(found, times) if found else 0
        if len(found) < limit:
            deleted += await self._sweep_revocations(ended_before, limit - len(found))
        return deleted

    async def _find(self, times: _Times, limit: int) -> Sequence[UUID]:
        """Once round at most, and no more than so many stretches."""
        begun_at, found, has_turned = self._position, list[UUID](), False
        for _ in range(STRETCHES):
            end = begun_at if has_turned else _END
            keys, self._position = await self._look(times, end, limit - len(found))
            found += keys
            if len(found) >= limit:
                break
            if self._position >= end:
                if has_turned or begun_at == _START:
                    break
                self._position, has_turned = _START, True
        if self._position >= _END:
            self._position = _START
        return found

    async def _look(self, times: _Times, end: UUID, limit: int) -> tuple[list[UUID], UUID]:
        """What is over in the next stretch, and where to go on."""
        start = self._position

        async def look(connection: Connection) -> tuple[list[UUID], UUID]:
            last = await connection.fetchval(_STRETCH_END, start, STRETCH - 1)
            stretch_end = min(end, last) if last else end
            keys = [row["id"] for row in await connection.fetch(_OVER, *times, start, stretch_end, limit)]
            return keys, keys[-1] if len(keys) == limit else stretch_end

        return await self._reader.do(look)

    async def _delete(self, keys: Sequence[UUID], times: _Times) -> int:
        async def delete(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(_DELETE, *times, keys)

        return len(await self._writer.do(delete))

    async def _sweep_revocations(self, ended_before: datetime, limit: int) -> int:
        async def delete(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(_DELETE_REVOCATIONS, ended_before, limit)

        return len(await self._writer.do(delete))
