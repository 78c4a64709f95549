"""The bounds of connections: how many, and how long one may leave its answer unread."""

from __future__ import annotations

import asyncio
import time

from gatepass.http.asgi import Receive, Scope, Send
from tests.kit.waiting import until
from tests.server.conftest import Start, StubApp

ASK = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"


class Verbose(StubApp):
    """Answers at length."""

    size = 8 * 2**20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        self.requests.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % self.size)]})
        await send({"type": "http.response.body", "body": b"x" * self.size})


async def test_one_connection_too_many_is_told_so_and_room_comes_back(started: Start) -> None:
    async with started(max_connections=2) as server:
        async with server.connection(), server.connection():
            await asyncio.sleep(0.05)
            refused = await server.sends(b"")
            assert refused.startswith(b"HTTP/1.1 503 ")
            assert b"OVERLOADED" in refused
        await asyncio.sleep(0.05)
        assert (await server.sends(ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))).startswith(
            b"HTTP/1.1 200"
        )


async def test_who_does_not_read_is_cut_off(started: Start) -> None:
    """Its answer would be held as long as it likes."""
    async with started(Verbose(), unread_seconds=0.5) as server, server.connection() as (reader, writer):
        writer.write(ASK)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(3.5)
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        read = 0
        try:
            async with asyncio.timeout(10):
                while piece := await reader.read(2**16):
                    read += len(piece)
        except ConnectionResetError:
            pass
        assert read < Verbose.size


async def test_who_reads_slowly_and_steadily_gets_all_of_it(started: Start) -> None:
    async with started(Verbose(), unread_seconds=1.5) as server, server.connection() as (reader, writer):
        writer.write(ASK)
        began, read = time.monotonic(), 0
        while read < Verbose.size:
            piece = await reader.read(2**17)
            assert piece, "cut off"
            read += len(piece)
            await asyncio.sleep(0.05)
        assert time.monotonic() - began > 1.5


async def test_only_so_many_requests_wait_behind_one(started: Start) -> None:
    """
    Each takes a hundred times its bytes, and ten thousand fit into one piece: 16 MB, and half a second to parse them.

    Those that are there are answered, the last says that it is the last, and the client sends the others again.
    RFC 9112 §9.3.2.
    """
    async with started() as server, server.connection() as (reader, writer):
        writer.write(ASK.replace(b"/x", b"/wait") + ASK * 300)
        await until(lambda: bool(server.app.bodies))
        server.app.let_go.set()
        answered = await asyncio.wait_for(reader.read(), 30)
    assert 101 <= len(server.app.requests) < 300
    assert answered.count(b"HTTP/1.1 200 ") == len(server.app.requests)
    assert answered.lower().count(b"connection: close") == 1
    assert answered.endswith(b"2\r\n/x\r\n0\r\n\r\n")


async def test_a_hundred_requests_behind_one_are_all_answered(started: Start) -> None:
    async with started() as server, server.connection() as (reader, writer):
        writer.write(ASK * 100 + ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answered = await asyncio.wait_for(reader.read(), 30)
    assert answered.count(b"HTTP/1.1 200 ") == 101
