"""The kept connections of the lean lane."""

from __future__ import annotations

import asyncio
from collections import deque

from gatepass.gateway.keep_alive import KEEP_ALIVE
from gatepass.gateway.lane_line import Line
from gatepass.gateway.upstream import UpstreamFailed


class LinePool:
    """
    Lines to one address, at most so many at once; who finds none free waits in order.

    The line used last is taken first, so that the others grow old and are closed.
    """

    def __init__(self, host: str, port: int, limit: int, connect_seconds: float) -> None:
        self._host = host
        self._port = port
        self._limit = limit
        self._connect_seconds = connect_seconds
        self._opened = 0
        self._lines: set[Line] = set()
        self._idle: list[Line] = []
        self._waiting: deque[asyncio.Future[Line | None]] = deque()
        self._sweeping: asyncio.TimerHandle | None = None

    def free(self) -> Line | None:
        """A line that is there and unused, if there is one."""
        oldest = asyncio.get_running_loop().time() - KEEP_ALIVE.total_seconds()
        while self._idle:
            line = self._idle.pop()
            if line.usable and line.idle_since >= oldest:
                return line
            line.cut()
        return None

    async def acquire(self) -> Line:
        """
        A free line, a new one, or the next that becomes free.

        Raises:
            UpstreamFailed: no connection could be made, or the pool was closed.
        """
        if (line := self.free()) is not None:
            return line
        if self._opened >= self._limit:
            if (line := await self._turn()) is not None:
                return line
        else:
            self._opened += 1
        return await self._connected()

    def drop_idle(self) -> None:
        """Let go of every unused line: the upstream was restarted, perhaps."""
        for line in self._idle:
            line.cut()
        self._idle.clear()

    async def close(self) -> None:
        """Cut every line, and tell those who wait."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(UpstreamFailed("the gateway is closing"))
        for line in self._lines:
            line.cut()
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._idle.clear()
        await asyncio.sleep(0)

    async def _connected(self) -> Line:
        """A new line in a place that is already counted."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, line = await loop.create_connection(lambda: Line(self._released, self._lost), self._host, self._port)
        except BaseException as error:
            self._vacate()
            if isinstance(error, OSError):  # TimeoutError and failed name resolution are among them
                raise UpstreamFailed(f"no connection to {self._host}:{self._port}: {type(error).__name__}") from error
            raise
        if not line.usable:
            self._vacate()
            raise UpstreamFailed(f"{self._host}:{self._port} closed a new connection at once")
        self._lines.add(line)
        return line

    async def _turn(self) -> Line | None:
        """The next line that becomes free, or None for a free place."""
        waiter: asyncio.Future[Line | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise

    def _released(self, line: Line) -> None:
        line.idle_since = asyncio.get_running_loop().time()
        self._pass_on(line)

    def _lost(self, line: Line) -> None:
        """A line was closed. One that was not taken up yet is still in the care of `_connected`."""
        if line in self._lines:
            self._lines.remove(line)
            if line in self._idle:
                self._idle.remove(line)
            self._vacate()

    def _vacate(self) -> None:
        self._pass_on(None)

    def _pass_on(self, line: Line | None) -> None:
        """A line, or a place for one, to whoever waits first; otherwise back to the pool."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(line)
                return
        if line is None:
            self._opened -= 1
            return
        self._idle.append(line)
        if self._sweeping is None:
            self._sweep_later()

    def _sweep_later(self) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(KEEP_ALIVE.total_seconds(), self._sweep)

    def _sweep(self) -> None:
        """Close what nobody has used for a while. The oldest stand first."""
        self._sweeping = None
        oldest = asyncio.get_running_loop().time() - KEEP_ALIVE.total_seconds()
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.pop(0).cut()
        if self._idle:
            self._sweep_later()
