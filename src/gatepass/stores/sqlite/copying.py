"""The file as the source or the target of a copy."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.in_use import StoreInUse
from gatepass.stores.sqlite import migrations as schema
from gatepass.stores.sqlite.connection import (
    BUSY_TIMEOUT,
    connect_alone,
    connect_for_reading,
    connect_for_writing,
    create_privately,
)
from gatepass.stores.sqlite.faults import faults_of
from gatepass.stores.tables import Row, Table

AT_ONCE: Final = 10_000
_ALL_ARE_OLD: Final = """
INSERT OR REPLACE INTO audit_seal (id, start_number, start_digest, end_number, end_digest, mac)
SELECT 1, number, digest, number, digest, digest FROM audit_entries ORDER BY number DESC LIMIT 1
"""


class SqliteCopy:
    """Implements `gatepass.stores.copying.Filling`, inside a transaction. It blocks: nothing else runs meanwhile."""

    def __init__(self, connection: sqlite3.Connection, doubt: str | None = None) -> None:
        self._connection = connection
        self.doubt = doubt

    async def count(self, table: Table) -> int:
        """How many rows it has."""
        (count,) = self._connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()  # noqa: S608 - ours
        return int(count)

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """All rows by their key: they are kept as they travel."""
        order = ", ".join(column.name for column in table.key)
        found = self._connection.execute(
            f"SELECT {', '.join(table.names)} FROM {table.name} ORDER BY {order}"  # noqa: S608 - ours
        )
        while some := found.fetchmany(AT_ONCE):
            yield some

    async def clear(self, table: Table) -> None:
        """Remove all rows."""
        if table.name == "audit_entries":
            # They can be deleted for their age alone: here all of them are old. The seal is replaced after them.
            self._connection.execute(_ALL_ARE_OLD)
        self._connection.execute(f"DELETE FROM {table.name}")  # noqa: S608 - ours

    async def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows."""
        places = ", ".join("?" * len(table.columns))
        self._connection.executemany(
            f"INSERT INTO {table.name} ({', '.join(table.names)}) VALUES ({places})",  # noqa: S608 - ours
            rows,
        )


@asynccontextmanager
async def reading(path: Path, *, alone: bool) -> AsyncIterator[SqliteCopy]:
    """
    The file at this moment: closed to everybody else, or while others go on writing to it.

    Raises:
        StoreInUse: `alone`, and another process has it open.
        StoreUnavailable: it cannot be read, or is not of this version.
    """
    doubt = _refuse_company(path) if alone else None
    is_closed_to_others = alone and doubt is None
    with (
        faults_of(path),
        closing(connect_alone(path) if is_closed_to_others else connect_for_reading(path, BUSY_TIMEOUT)) as connection,
    ):
        _refuse_another_version(connection, path)
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM accounts").fetchone()
        yield SqliteCopy(connection, doubt)


@asynccontextmanager
async def filling(path: Path) -> AsyncIterator[SqliteCopy]:
    """
    The file, made where there is none; nobody else can write to it meanwhile.

    Raises:
        StoreInUse: another process has it open.
        StoreUnavailable: it cannot be written; it is as it was.
    """
    create_privately(path)
    _refuse_company(path)
    with faults_of(path), closing(connect_for_writing(path, "FULL", BUSY_TIMEOUT)) as connection:
        schema.migrate(connection, path, BUSY_TIMEOUT, schema.known())
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield SqliteCopy(connection)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _refuse_another_version(connection: sqlite3.Connection, path: Path) -> None:
    found = schema.status(connection, path, schema.known())
    if not found.applied:
        raise StoreUnavailable(f"There are no tables of Gatepass in {path}. Name the file of a store that was used.")
    if found.missing:
        raise StoreUnavailable(
            f"{path} lacks the migration {found.missing[0]}. Run 'gatepass db upgrade' on it first, which applies it."
        )


def _refuse_company(path: Path) -> str | None:
    """None, or why others may have the file open all the same; raises `StoreInUse` where they have."""
    try:
        with closing(connect_alone(path)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise StoreInUse(f"another process, which has {path} open") from error
        return "The file may not be written by you: whether others have it open cannot be seen."
    return None
