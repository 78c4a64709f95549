"""
A connection that only listens: it says when the feed of revocations has something new.

Every server has one as long as it runs, so it is also by this connection that a copy knows of servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from gatepass.stores.postgres.presence import AM_THERE

CHANNEL: Final = "gatepass_revocations"
_RETRY_SECONDS: Final = (0.25, 0.5, 1.0, 2.0)


class Listener:
    """
    Wakes whoever waits for news. It is a matter of speed alone: who asks the feed in time misses nothing without it.

    A connection that was lost is made again, and then counts as news: something may have been said meanwhile.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]] | None) -> None:
        self._connect = connect
        self._waiting: set[asyncio.Future[None]] = set()
        self._is_news = False
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    async def news(self, at_most: float) -> None:
        """Return when there is news, at the latest after so many seconds."""
        if self._connect is None or asyncio.get_running_loop() is not self._loop:
            await asyncio.sleep(at_most)
            return
        if self._task is None:
            # Only a process that follows the feed needs this connection; a command does not.
            self._task = self._loop.create_task(self._listen(self._connect))
        if self._is_news:
            # It came while the last one was being read.
            self._is_news = False
            return
        future = self._loop.create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait((future,), timeout=at_most)
        finally:
            self._waiting.discard(future)

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _wake(self, *_: object) -> None:
        self._is_news = not self._waiting
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def _listen(self, connect: Callable[[], Awaitable[Any]]) -> None:
        failures = 0
        while True:
            connection = None
            try:
                connection = await connect()
                lost = asyncio.Event()
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(CHANNEL, self._wake)
                await connection.fetchval(AM_THERE)
                failures = 0
                self._wake()
                await lost.wait()
            except Exception:  # noqa: S110 - the feed is asked without it as well, and says what is wrong
                pass
            finally:
                if connection is not None:
                    with suppress(Exception):
                        connection.terminate()
            await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
            failures += 1
