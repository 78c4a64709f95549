"""
Who is at work on the tables, as advisory locks tell: servers hold one together, and a copy wants it for itself alone.

Such a lock belongs to a connection and ends with it, so nobody is thought to be there who has crashed. A pooler hands
out other connections for each transaction: servers behind one hold none, and are not seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.in_use import StoreInUse
from gatepass.stores.postgres.connection import Connection, Target

_KEY: Final = 0x47504955
_NAME: Final = f"{_KEY}, hashtext(current_schema())"
AM_THERE: Final = f"SELECT pg_try_advisory_lock_shared({_NAME})"
_MAY_COME: Final = f"SELECT pg_try_advisory_xact_lock_shared({_NAME})"
_AM_ALONE: Final = f"SELECT pg_try_advisory_lock({_NAME})"
_DONE: Final = f"SELECT pg_advisory_unlock({_NAME})"
WHO_IS_THERE: Final = f"""
SELECT count(*) FILTER (WHERE mode = 'ShareLock') AS servers,
       string_agg(DISTINCT host(client_addr), ', ' ORDER BY host(client_addr)) AS addresses
FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objsubid = 2 AND classid = {_KEY}
  AND objid = (hashtext(current_schema())::bigint & 4294967295)::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - ours
_NO_NAMESAKES: Final = """
SELECT NOT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
      AND application_name = current_setting('application_name')
)
"""
_LOOKS: Final = 10
_BETWEEN_LOOKS: Final = timedelta(seconds=0.1)
_POOLER: Final = "Servers cannot be seen through PgBouncer."
_STANDBY: Final = "This is a standby: servers that work on its primary cannot be seen."
_NAMESAKES: Final = (
    "The database has other sessions of this role and application_name: they may be those of servers behind PgBouncer."
)


async def refuse_while_copied(connection: Connection) -> None:
    """Raise `StoreUnavailable` while a copy has the tables to itself."""
    if await connection.fetchval(_MAY_COME) is False:
        raise StoreUnavailable("The store is being copied by 'gatepass db copy'. Start again when that is done.")


@asynccontextmanager
async def alone(connection: Any, target: Target) -> AsyncIterator[str | None]:
    """
    Have the tables alone meanwhile; None, or why servers may be there all the same.

    Raises:
        StoreInUse: servers are there; it says how many, and from where they are connected.
    """
    if target.through_pgbouncer:
        yield _POOLER
        return
    doubt = await _take(connection)
    try:
        yield doubt
    finally:
        # It ends with the connection as well, but then PostgreSQL takes a moment.
        with suppress(Exception):
            await connection.fetchval(_DONE, timeout=_BETWEEN_LOOKS.total_seconds() * _LOOKS)


async def _take(connection: Any) -> str | None:
    if not await _soon(connection, _AM_ALONE):
        raise StoreInUse(_by(**await connection.fetchrow(WHO_IS_THERE)))
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        return _STANDBY
    return None if await _soon(connection, _NO_NAMESAKES) else _NAMESAKES


async def _soon(connection: Any, question: str) -> bool:
    """Whether the answer is yes, or becomes it: PostgreSQL takes a moment to notice that somebody has gone."""
    for _ in range(_LOOKS):
        if await connection.fetchval(question):
            return True
        await asyncio.sleep(_BETWEEN_LOOKS.total_seconds())
    return False


def _by(servers: int, addresses: str | None) -> str:
    if not servers:
        return "a copy: another one that is under way, or this one, if both URLs name the same store"
    processes = "a server process" if servers == 1 else f"{servers} server processes"
    return f"{processes}, connected from {addresses}" if addresses else processes
