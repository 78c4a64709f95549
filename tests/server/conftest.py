"""A server on a free port of loopback, in the test's own loop, and a raw connection to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gatepass.http.asgi import Message, Receive, Scope, Send
from gatepass.server import ServerLimits, Stop, listen, serve


@dataclass
class StubApp:
    """Answers each request with its path, and remembers what it was asked; `/wait` waits until it is let go."""

    requests: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        self.requests.append(scope)
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        if message["type"] == "http.disconnect":
            return None
        self.bodies.append(body + message["body"])
        if scope["path"] == "/wait":
            await self.let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": scope["path"].encode()})
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        for step in ("startup", "shutdown"):
            message: Message = await receive()
            assert message["type"] == f"lifespan.{step}"
            self.events.append(step)
            await send({"type": f"lifespan.{step}.complete"})


@dataclass
class Running:
    """A server that runs."""

    app: StubApp
    port: int
    stop: Stop
    task: asyncio.Task[None]

    async def sends(self, data: bytes) -> bytes:
        """What comes back until the server closes the connection."""
        async with self.connection() as (reader, writer):
            writer.write(data)
            return await asyncio.wait_for(reader.read(), 5)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


Start = Callable[..., contextlib.AbstractAsyncContextManager[Running]]


@pytest.fixture
def started() -> Start:
    """Start a server with some limits; it has stopped when the block ends."""

    @contextlib.asynccontextmanager
    async def start(app: StubApp | None = None, **limits: Any) -> AsyncIterator[Running]:
        app, stop = app or StubApp(), Stop()
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            serve(
                app,
                sockets=listen("127.0.0.1", 0),
                on_listening=address.set_result,
                limits=ServerLimits(**{"drain_seconds": 1, **limits}),
                stop=stop,
            )
        )
        waiting: set[asyncio.Future[Any]] = {task, address}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield Running(app, int(address.result().rpartition(":")[2]), stop, task)
        stop.request()
        await task

    return start
