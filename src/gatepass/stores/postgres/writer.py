"""What is not hot: each operation is a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from gatepass.stores.postgres.connection import Connection, transaction
from gatepass.stores.postgres.faults import as_seen_by_caller, is_collision
from gatepass.stores.postgres.home import Home

Value = TypeVar("Value")
Operation = Callable[[Connection], Awaitable[Value]]
"""What to do in a transaction; may be run again after the database undid it."""

ATTEMPTS: Final = 5
_PAUSE_SECONDS: Final = 0.01


class Writer:
    """
    Runs each operation in a transaction.

    All of them lock in one order, so that none waits for another in a circle: accounts, codes, sessions by their key,
    the feed of revocations. Where the database undoes one all the same, it is run again.
    """

    def __init__(self, home: Home, pool: Any) -> None:
        self._home = home
        self._pool = pool

    async def do(self, operation: Operation[Value]) -> Value:
        """
        What `operation` gives, once it is durable.

        Raises:
            StoreUnavailable: nothing was written; or the connection was lost at the end, and that is not known.
        """
        return await self._home.do(lambda: self._run(operation))

    async def _run(self, operation: Operation[Value]) -> Value:
        try:
            async with self._pool.acquire() as connection:
                return await in_transaction(connection, operation)
        except Exception as error:
            raise as_seen_by_caller(error) from error


async def in_transaction(connection: Connection, operation: Operation[Value]) -> Value:
    """Run an operation in a transaction, again where the database undid it for others' sake."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with transaction(connection):
                return await operation(connection)
        except Exception as error:
            if isinstance(error, TimeoutError):
                # The server may still be at it; nothing else shall wait behind.
                connection.terminate()
            if not is_collision(error) or attempt == ATTEMPTS:
                raise
        await asyncio.sleep(attempt * _PAUSE_SECONDS)
    raise AssertionError("the last attempt returns or raises")
