"""The event loop that owns the connections: work that comes from another one is done there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from gatepass.domain.errors import StoreUnavailable

Value = TypeVar("Value")


class Home:
    """
    Runs work in the loop in which it was made.

    What has begun is finished, also when its caller gave up: a transaction that is cut short costs more than its end.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_open = True

    async def do(self, work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """
        What `work` gives.

        Raises:
            StoreUnavailable: closed, or the loop has ended.
        """
        if asyncio.get_running_loop() is self._loop:
            return await self._finish(work)
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._finish(work), self._loop))
        except RuntimeError as error:
            raise StoreUnavailable("The store's event loop has ended.") from error

    async def here(self, wait: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """As `do`, for what waits in a queue of its own and may be given up."""
        if asyncio.get_running_loop() is self._loop:
            return await wait()
        return await self.do(wait)

    async def close(self) -> None:
        """Refuse what comes, wait for what has begun."""
        self._is_open = False
        while self._tasks:
            await asyncio.wait(self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside, and let `close` wait for it."""
        task = self._loop.create_task(coroutine)
        self._keep(task)
        return task

    async def _finish(self, work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        if not self._is_open:
            raise StoreUnavailable("The store is closed.")
        task = self._loop.create_task(work())
        self._keep(task)
        return await asyncio.shield(task)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # somebody has heard of it, or has given up
