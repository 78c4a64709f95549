"""The store as one object with one life."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from gatepass.stores.sqlite import migrations as schema
from gatepass.stores.sqlite.accounts import SqliteAccounts
from gatepass.stores.sqlite.audit import SqliteAuditTrail
from gatepass.stores.sqlite.authorization_codes import SqliteAuthorizationCodes
from gatepass.stores.sqlite.clients import SqliteClientAssertions, SqliteClients
from gatepass.stores.sqlite.connection import (
    BUSY_TIMEOUT,
    Synchronous,
    connect_for_reading,
    connect_for_writing,
    create_privately,
)
from gatepass.stores.sqlite.counters import SqliteCounters
from gatepass.stores.sqlite.device_codes import SqliteDeviceCodes
from gatepass.stores.sqlite.faults import faults_of
from gatepass.stores.sqlite.keys import SqliteSealedKeys
from gatepass.stores.sqlite.migrations import Migration, SchemaStatus
from gatepass.stores.sqlite.reader import ReadEach
from gatepass.stores.sqlite.revocations import SqliteRevocations
from gatepass.stores.sqlite.sessions import SqliteSessions
from gatepass.stores.sqlite.worker import BATCH_LIMIT, QUEUE_LIMIT, Worker
from gatepass.stores.sqlite.writer import GroupCommit


async def open_store(
    path: Path,
    *,
    synchronous: Synchronous = "FULL",
    busy_timeout: timedelta = BUSY_TIMEOUT,
    batch_limit: int = BATCH_LIMIT,
    queue_limit: int = QUEUE_LIMIT,
) -> SqliteStore:
    """
    Open the store in `path`, making or migrating it where needed. Close it when done.

    Args:
        path: the database file; its folder must exist. A new file is for its owner only (mode 0600).
        busy_timeout: how long to wait for the write lock of another process.
        batch_limit: operations in one commit at most.
        queue_limit: operations that may wait; more are refused at once.

    Raises:
        StoreUnavailable: it cannot be opened, or is not a database that this version can use; the message says what
            to do. A file that is not ours is left as it was.
    """
    connections = await asyncio.to_thread(_connect, path, synchronous, busy_timeout, schema.known())
    return SqliteStore(path, *connections, batch_limit=batch_limit, queue_limit=queue_limit)


async def upgrade(path: Path) -> Sequence[str]:
    """
    Make the file or upgrade it, after a copy of an older one; the names of the migrations that were applied now.

    Raises:
        StoreUnavailable: as `open_store`.
    """
    return await asyncio.to_thread(_upgrade, path)


async def schema_status(path: Path) -> SchemaStatus:
    """
    What is in the file, and what is missing.

    Raises:
        StoreUnavailable: it cannot be opened, or is not of this version or an older one.
    """
    return await asyncio.to_thread(_status, path)


class SqliteStore:
    """Implements `gatepass.usecases.ports.Store`; get one from `open_store`."""

    def __init__(
        self,
        path: Path,
        writing: sqlite3.Connection,
        reading: sqlite3.Connection,
        *,
        batch_limit: int = BATCH_LIMIT,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._path = path
        self._writer = Worker("gatepass-writer", GroupCommit(writing), batch_limit=batch_limit, queue_limit=queue_limit)
        self._reader = Worker("gatepass-reader", ReadEach(reading), queue_limit=queue_limit)
        self.accounts = SqliteAccounts(self._writer, self._reader)
        self.sessions = SqliteSessions(self._writer, self._reader)
        self.revocations = SqliteRevocations(self._reader)
        self.authorization_codes = SqliteAuthorizationCodes(self._writer)
        self.device_codes = SqliteDeviceCodes(self._writer, self._reader)
        self.counters = SqliteCounters(self._writer, self._reader)
        self.clients = SqliteClients(self._writer, self._reader)
        self.client_assertions = SqliteClientAssertions(self._writer)
        self.keys = SqliteSealedKeys(self._writer, self._reader)
        self.audit = SqliteAuditTrail(self._writer, self._reader)

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless the file can be read and has the schema that this version expects."""
        await self._reader.do(lambda connection: schema.check(connection, self._path, schema.known()))

    async def close(self) -> None:
        """Finish what waits, then let go of the file. May be called again."""
        await asyncio.sleep(0)  # what this turn of the loop has brought is handed over at its end
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        # The writer goes last: as the last connection it copies the write-ahead log into the database and removes it.
        self._reader.close()
        self._writer.close()


def _upgrade(path: Path) -> Sequence[str]:
    path = path.resolve()
    create_privately(path)
    with faults_of(path), closing(connect_for_writing(path, "FULL", BUSY_TIMEOUT)) as connection:
        return schema.migrate(connection, path, BUSY_TIMEOUT, schema.known())


def _status(path: Path) -> SchemaStatus:
    path = path.resolve()
    with faults_of(path), closing(connect_for_reading(path, BUSY_TIMEOUT)) as connection:
        return schema.status(connection, path, schema.known())


def _connect(
    path: Path,
    synchronous: Synchronous,
    busy_timeout: timedelta,
    migrations: Sequence[Migration],
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    path = path.resolve()
    create_privately(path)
    with faults_of(path):
        writing = connect_for_writing(path, synchronous, busy_timeout)
        try:
            schema.migrate(writing, path, busy_timeout, migrations)
            return writing, connect_for_reading(path, busy_timeout)
        except BaseException:
            writing.close()
            raise
