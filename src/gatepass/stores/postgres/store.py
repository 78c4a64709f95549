"""The store as one object with one life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.postgres import migrations as schema
from gatepass.stores.postgres.accounts import PostgresAccounts
from gatepass.stores.postgres.audit import PostgresAuditTrail
from gatepass.stores.postgres.authorization_codes import PostgresAuthorizationCodes
from gatepass.stores.postgres.clients import PostgresClientAssertions, PostgresClients
from gatepass.stores.postgres.connection import Connection, Target, check_server
from gatepass.stores.postgres.counters import PostgresCounters
from gatepass.stores.postgres.device_codes import PostgresDeviceCodes
from gatepass.stores.postgres.faults import as_seen_by_caller
from gatepass.stores.postgres.home import Home
from gatepass.stores.postgres.keys import PostgresSealedKeys
from gatepass.stores.postgres.listener import Listener
from gatepass.stores.postgres.migrations import SchemaStatus
from gatepass.stores.postgres.presence import refuse_while_copied
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.revocations import PostgresRevocations
from gatepass.stores.postgres.sessions import PostgresSessions
from gatepass.stores.postgres.worker import BATCH_LIMIT, CONNECTIONS, QUEUE_LIMIT, Worker
from gatepass.stores.postgres.writer import Writer

OTHER_CONNECTIONS: Final = 4
"""For everything that is not hot; what needs one more waits."""

CLOSE_TIMEOUT: Final = timedelta(seconds=3)
_CAN_WRITE: Final = "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'"


async def open_store(
    url: str,
    *,
    hot_connections: int = CONNECTIONS,
    batch_limit: int = BATCH_LIMIT,
    queue_limit: int = QUEUE_LIMIT,
) -> PostgresStore:
    """
    Open the store behind a `postgresql://` URL. Close it when done, in the same event loop.

    Args:
        hot_connections: connections for sign-ins, refreshes and sign-outs, each with one batch at a time.
        batch_limit: operations in one batch at most.
        queue_limit: hot operations that may wait; more are refused at once.

    Raises:
        StoreUnavailable: it cannot be reached, or is not what this version can use; the message says what to do.
    """
    target = Target.of(url)
    async with _connected(target) as connection:
        await check_server(connection)
        await schema.check(connection, schema.known())
        await refuse_while_copied(connection)
    return PostgresStore(
        target,
        await target.pool(hot_connections),
        await target.pool(OTHER_CONNECTIONS),
        hot_connections=hot_connections,
        batch_limit=batch_limit,
        queue_limit=queue_limit,
    )


async def upgrade(url: str) -> Sequence[str]:
    """
    Make or upgrade the tables behind a URL; the names of the migrations that were applied now.

    Raises:
        StoreUnavailable: nothing was changed; the message says what to do.
    """
    async with _connected(Target.of(url)) as connection:
        await check_server(connection)
        return await schema.migrate(connection, schema.known())


async def schema_status(url: str) -> SchemaStatus:
    """
    What is applied behind a URL, and what is missing.

    Raises:
        StoreUnavailable: it cannot be reached, or is not of this version or an older one.
    """
    async with _connected(Target.of(url)) as connection:
        return await schema.status(connection, schema.known())


class PostgresStore:
    """Implements `gatepass.usecases.ports.Store`; get one from `open_store`."""

    def __init__(
        self,
        target: Target,
        hot: Any,
        other: Any,
        *,
        hot_connections: int = CONNECTIONS,
        batch_limit: int = BATCH_LIMIT,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._pools = (hot, other)
        self._home = Home()
        self._worker = Worker(
            self._home, hot, connections=hot_connections, batch_limit=batch_limit, queue_limit=queue_limit
        )
        self._listener = Listener(None if target.through_pgbouncer else target.connect)
        self._reader = Reader(self._home, other, target)
        writer = Writer(self._home, other)
        self.accounts = PostgresAccounts(writer, self._reader)
        self.sessions = PostgresSessions(self._worker, writer, self._reader, target)
        self.revocations = PostgresRevocations(self._reader, self._listener)
        self.authorization_codes = PostgresAuthorizationCodes(writer)
        self.device_codes = PostgresDeviceCodes(writer, self._reader)
        self.clients = PostgresClients(writer, self._reader)
        self.client_assertions = PostgresClientAssertions(writer)
        self.counters = PostgresCounters(self._worker, writer, self._reader)
        self.keys = PostgresSealedKeys(writer, self._reader)
        self.audit = PostgresAuditTrail(writer, self._reader)

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless the database can be written and has the schema that this version expects."""
        await self._reader.do(_check)

    async def close(self) -> None:
        """Finish what waits, then let go of the connections. May be called again."""
        await self._worker.close()
        await self._home.close()
        await self._listener.close()
        for pool in self._pools:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT.total_seconds()):
                    await pool.close()
            except Exception:
                pool.terminate()


async def _check(connection: Connection) -> None:
    if not await connection.fetchval(_CAN_WRITE):
        raise StoreUnavailable("The database is read-only. Connect to the primary.")
    await schema.check(connection, schema.known())


@asynccontextmanager
async def _connected(target: Target) -> AsyncIterator[Connection]:
    """A connection for what is done once; errors of the database come out as faults."""
    try:
        connection = await target.connect()
        try:
            async with target.statements(connection):
                yield connection
        finally:
            with suppress(Exception):
                await connection.close(timeout=CLOSE_TIMEOUT.total_seconds())
    except Exception as error:
        raise as_seen_by_caller(error) from error
