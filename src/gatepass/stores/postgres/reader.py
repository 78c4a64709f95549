"""Reads, each in one statement or one snapshot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from gatepass.stores.postgres.connection import Connection, Target
from gatepass.stores.postgres.faults import as_seen_by_caller, may_be_asked_again
from gatepass.stores.postgres.home import Home

Value = TypeVar("Value")
Operation = Callable[[Connection], Awaitable[Value]]
"""What to ask on a connection; may be asked again."""


class Reader:
    """Asks on any connection of the pool."""

    def __init__(self, home: Home, pool: Any, target: Target) -> None:
        self._home = home
        self._pool = pool
        self._target = target

    async def do(self, operation: Operation[Value]) -> Value:
        """
        What `operation` gives. Where the connection was lost, it is asked once more on another one.

        Raises:
            StoreUnavailable: the database could not be asked.
        """
        return await self._home.do(lambda: self._read(operation))

    async def _read(self, operation: Operation[Value]) -> Value:
        try:
            return await self._once(operation)
        except Exception as error:
            if not may_be_asked_again(error):
                raise as_seen_by_caller(error) from error
        try:
            return await self._once(operation)
        except Exception as error:
            raise as_seen_by_caller(error) from error

    async def _once(self, operation: Operation[Value]) -> Value:
        async with self._pool.acquire() as connection, self._target.statements(connection):
            return await operation(connection)
