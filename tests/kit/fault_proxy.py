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
    """The server does it, and nobody hears of that."""


@dataclass
class _Cut:
    after: int
    loss: Loss


class FaultProxy:
    """Forwards to a port of loopback. Runs in a thread of its own; every method may be called from any other."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._latency = 0.0
        self._refuses = False
        self._cut: _Cut | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
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
        pair = {writer, there_writer}
        self._writers |= pair
        self._clients.add(writer)
        try:
            await asyncio.gather(
                self._pump(reader, there_writer, pair, is_request=True), self._pump(there_reader, writer, pair)
            )
        finally:
            self._writers -= pair
            self._clients.discard(writer)
            for end in pair:
                end.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: set[asyncio.StreamWriter],
        *,
        is_request: bool = False,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self._latency:
                    await asyncio.sleep(self._latency)
                loss = self._count() if is_request else None
                if loss is Loss.ANSWER:
                    await self._let_it_happen(writer, pair, data)
                if loss is not None:
                    break
                writer.write(data)
                await writer.drain()
        for end in pair:
            end.transport.abort()

    def _count(self) -> Loss | None:
        if self._cut is None:
            return None
        self._cut.after -= 1
        if self._cut.after > 0:
            return None
        loss, self._cut = self._cut.loss, None
        return loss

    async def _let_it_happen(self, writer: asyncio.StreamWriter, pair: set[asyncio.StreamWriter], data: bytes) -> None:
        """The request goes on its way, its sender is cut off at once, and the server has time to finish."""
        for end in pair - {writer}:
            end.transport.abort()
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.2)

    async def _say_on_all(self, message: bytes) -> None:
        for writer in self._clients:
            writer.write(message)

    async def _reset_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)


@contextlib.contextmanager
def fault_proxy(target: int) -> Iterator[FaultProxy]:
    """A proxy to a port, closed at the end."""
    proxy = FaultProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
