"""The database as the source or the target of a copy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import timedelta
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from gatepass.domain.identifiers import EPOCH
from gatepass.stores.postgres import migrations as schema
from gatepass.stores.postgres.connection import Target, check_server
from gatepass.stores.postgres.faults import as_seen_by_caller
from gatepass.stores.postgres.presence import alone as alone_with
from gatepass.stores.tables import Column, Kind, Row, Table

AT_ONCE: Final = 10_000
_MICROSECOND: Final = timedelta(microseconds=1)
_Convert = Callable[[Any], Any]
_TO_TRAVEL: Final[dict[Kind, _Convert]] = {
    Kind.IDENTIFIER: attrgetter("bytes"),
    Kind.MOMENT: lambda moment: (moment - EPOCH) // _MICROSECOND,
    Kind.DURATION: lambda duration: duration // _MICROSECOND,
    Kind.SWITCH: int,
}
_FROM_TRAVEL: Final[dict[Kind, _Convert]] = {
    Kind.IDENTIFIER: lambda stored: UUID(bytes=stored),
    Kind.MOMENT: lambda stored: EPOCH + timedelta(microseconds=stored),
    Kind.DURATION: lambda stored: timedelta(microseconds=stored),
    Kind.SWITCH: bool,
}
# Numbers that are given from here on are greater than those that came, and than those that were given before.
_GO_ON: Final = """
SELECT setval(sequence, greatest(given, come, 1))
FROM (SELECT pg_get_serial_sequence('revocations', 'seq')::regclass AS sequence, nextval(
    pg_get_serial_sequence('revocations', 'seq')) AS given, (SELECT max(seq) FROM revocations) AS come) AS numbers
"""
# The end of the audit log as the last of them, as everybody locks it. A refused sign-in writes nothing but an entry.
_LOCK: Final = "LOCK TABLE accounts, clients, sessions, revocations, sealed_keys, audit_last IN EXCLUSIVE MODE"
# Entries can be deleted for their age alone: here all of them are old. The seal is replaced after them.
_ALL_ARE_OLD: Final = """
INSERT INTO audit_seal (id, start_number, start_digest, end_number, end_digest, mac)
SELECT 1, number, digest, number, digest, digest FROM audit_entries ORDER BY number DESC LIMIT 1
ON CONFLICT (id) DO UPDATE SET start_number = excluded.start_number
"""
# The end of the chain of entries, where SQLite has none of its own: the last entry, or what the seal remembers of it.
_END_OF_THE_LOG: Final = """
UPDATE audit_last SET (number, digest) = (
    SELECT number, digest FROM (
        SELECT number, digest FROM audit_entries UNION ALL SELECT end_number, end_digest FROM audit_seal
        UNION ALL SELECT 0, decode(repeat('00', 32), 'hex')
    ) AS ends ORDER BY number DESC LIMIT 1
)
"""


class PostgresCopy:
    """Implements `gatepass.stores.copying.Filling`, inside a transaction."""

    def __init__(self, connection: Any, doubt: str | None) -> None:
        self._connection = connection
        self.doubt = doubt

    async def count(self, table: Table) -> int:
        """How many rows it has."""
        return int(await self._connection.fetchval(f"SELECT count(*) FROM {table.name}"))  # noqa: S608 - ours

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """All rows by their key."""
        convert = _converter(table.columns, _TO_TRAVEL)
        order = ", ".join(f'{key.name} COLLATE "C"' if key.kind is Kind.TEXT else key.name for key in table.key)
        cursor = await self._connection.cursor(
            f"SELECT {', '.join(table.names)} FROM {table.name} ORDER BY {order}"  # noqa: S608 - ours
        )
        while some := await cursor.fetch(AT_ONCE):
            yield [convert(row) for row in some]

    async def clear(self, table: Table) -> None:
        """Remove all rows. Not TRUNCATE: whoever reads meanwhile shall see them until the end."""
        if table.name == "audit_entries":
            await self._connection.execute(_ALL_ARE_OLD)
        await self._connection.execute(f"DELETE FROM {table.name}", timeout=None)  # noqa: S608 - ours

    async def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows."""
        convert = _converter(table.columns, _FROM_TRAVEL)
        await self._connection.copy_records_to_table(
            table.name, columns=list(table.names), records=map(convert, rows), timeout=None
        )


@asynccontextmanager
async def reading(url: str, *, alone: bool) -> AsyncIterator[PostgresCopy]:
    """
    The database at this moment: with no server on it, nor any that starts, or while others go on writing to it.

    Raises:
        StoreInUse: `alone`, and a server is there.
        StoreUnavailable: it cannot be read, or is not of this version.
    """
    target = Target.of(url)
    async with _connected(target) as connection:
        having = alone_with(connection, target) if alone else nullcontext()
        async with having as doubt, connection.transaction(isolation="repeatable_read", readonly=True):
            # The moment is that of the first statement.
            await connection.fetchval("SELECT count(*) FROM accounts")
            yield PostgresCopy(connection, doubt)


@asynccontextmanager
async def filling(url: str) -> AsyncIterator[PostgresCopy]:
    """
    The database, whose tables are there already; nobody else can write to it meanwhile, and no server starts on it.

    Raises:
        StoreInUse: a server is there.
        StoreUnavailable: it cannot be written; it is as it was.
    """
    target = Target.of(url)
    async with (
        _connected(target) as connection,
        alone_with(connection, target) as doubt,
        connection.transaction(isolation="read_committed"),
    ):
        await connection.execute(_LOCK)
        yield PostgresCopy(connection, doubt)
        await connection.fetchval(_GO_ON)
        await connection.execute(_END_OF_THE_LOG)
        # The server must not plan with what it knew of empty tables.
        await connection.execute("ANALYZE accounts, sessions", timeout=None)


@asynccontextmanager
async def _connected(target: Target) -> AsyncIterator[Any]:
    try:
        connection = await target.connect()
        try:
            await check_server(connection)
            await schema.check(connection, schema.known())
            yield connection
        finally:
            with suppress(Exception):
                await connection.close(timeout=3)
    except Exception as error:
        raise as_seen_by_caller(error) from error


def _converter(columns: Sequence[Column], kinds: dict[Kind, _Convert]) -> Callable[[Sequence[Any]], Row]:
    """What turns a whole row; the places that need nothing are left alone."""
    changes = [(place, kinds[column.kind]) for place, column in enumerate(columns) if column.kind in kinds]

    def convert(row: Sequence[Any]) -> Row:
        values = list(row)
        for place, change in changes:
            if values[place] is not None:
                values[place] = change(values[place])
        return tuple(values)

    return convert
