"""A TCP proxy in front of a database that does to connections what networks do to them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_CHUNK: Final = 65_536


class Loss(Enum):
    """What gets lost when a connection is cut."""

    REQUEST = auto()
    """The server never hears of it."""
    ANSWER = auto()
    """The server does it and says so, and nobody hears of that."""


@dataclass
class _Cut:
    after: int
    loss: Loss


@dataclass(eq=False)
class _Line:
    """A connection with both of its ends."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    loses_the_next_answer: bool = False


class FaultProxy:
    """Forwards to a port of loopback. Runs in a thread of its own; every method may be called from any other."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._latency = 0.0
        self._refuses = False
        self._cut: _Cut | None = None
        self._lines: set[_Line] = set()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._listening.wait(10)

    port: int

    def delay(self, seconds: float) -> None:
        """From now on everything takes so long to arrive, in each direction."""
        self._latency = seconds

    def cut(self) -> None:
        """Reset every connection that there is."""
        asyncio.run_coroutine_threadsafe(self._reset_all(), self._loop).result(10)

    def cut_at(self, request: int, loss: Loss) -> None:
        """Reset the connection over which the so-manieth request from now on comes; others go on."""
        self._cut = _Cut(request, loss)

    def say(self, message: bytes) -> None:
        """Have the database say that on every connection that there is; they stay open."""
        asyncio.run_coroutine_threadsafe(self._say_on_all(message), self._loop).result(10)

    def refuse(self, *, refuses: bool) -> None:
        """Take no connections any more, or take them again."""
        self._refuses = refuses

    def close(self) -> None:
        """End it."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(writer, there_writer)
        self._lines.add(line)
        try:
            await asyncio.gather(self._carry_requests(reader, line), self._carry_answers(there_reader, line))
        finally:
            self._lines.discard(line)
            _abort(line)

    async def _carry_requests(self, reader: asyncio.StreamReader, line: _Line) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await asyncio.sleep(self._latency)
                loss = self._count()
                if loss is Loss.REQUEST:
                    break
                line.loses_the_next_answer |= loss is Loss.ANSWER
                line.server.write(data)
                await line.server.drain()
        _abort(line)

    async def _carry_answers(self, reader: asyncio.StreamReader, line: _Line) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await asyncio.sleep(self._latency)
                if line.loses_the_next_answer:
                    break
                line.client.write(data)
                await line.client.drain()
        _abort(line)

    def _count(self) -> Loss | None:
        if self._cut is None:
            return None
        self._cut.after -= 1
        if self._cut.after > 0:
            return None
        loss, self._cut = self._cut.loss, None
        return loss

    async def _say_on_all(self, message: bytes) -> None:
        for line in self._lines:
            line.client.write(message)

    async def _reset_all(self) -> None:
        for line in self._lines:
            _abort(line)
        await asyncio.sleep(0)


def _abort(line: _Line) -> None:
    for end in (line.client, line.server):
        end.transport.abort()


@contextlib.contextmanager
def fault_proxy(target: int) -> Iterator[FaultProxy]:
    """A proxy to a port, closed at the end."""
    proxy = FaultProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
