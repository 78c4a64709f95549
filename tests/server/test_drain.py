"""How a server leaves: whoever has sent a request gets an answer, whoever comes later is refused a connection."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from tests.server.conftest import Start

REQUEST = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_an_idle_connection_may_bring_one_more_request(started: Start) -> None:
    """A proxy sends on connections that it keeps, and cannot know yet that the server stops."""
    async with started() as server, server.connection() as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"0\r\n\r\n")
        server.stop.request()
        await asyncio.sleep(0.2)
        writer.write(REQUEST)
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"\r\nconnection: close\r\n" in answer.lower()


async def test_an_answer_under_way_is_the_last_of_its_connection(started: Start) -> None:
    async with started() as server, server.connection() as (reader, writer):
        writer.write(REQUEST.replace(b"/a", b"/wait"))
        await asyncio.sleep(0.2)
        assert server.app.requests
        server.stop.request()
        await asyncio.sleep(0.2)
        server.app.let_go.set()
        answer = await asyncio.wait_for(reader.read(), 5)
        assert b"\r\nconnection: close\r\n" in answer.lower()


async def test_connections_that_stay_idle_are_closed(started: Start) -> None:
    """They hold the server up for a moment, and not for the whole drain."""
    async with started(drain_seconds=30, linger_seconds=0.3) as server, server.connection() as (reader, _):
        server.stop.request()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        await asyncio.wait_for(server.task, 5)


async def test_no_connection_is_reset_while_the_server_leaves(started: Start) -> None:
    """
    Each client is answered, or is refused before it has sent anything, after which a proxy may ask another server.

    Among them are those that were waiting to be accepted when the socket closed.
    """
    async with started(drain_seconds=5, linger_seconds=0.3) as server:
        loop, outcomes = asyncio.get_running_loop(), list[str]()
        with ThreadPoolExecutor(8) as threads:
            clients = [loop.run_in_executor(threads, _ask_until_refused, server.port) for _ in range(8)]
            await asyncio.sleep(0.3)
            server.stop.request()
            for asked in await asyncio.gather(*clients):
                outcomes += asked
        assert set(outcomes) == {"answered", "refused"}


def _ask_until_refused(port: int) -> list[str]:
    """How each of a client's connections ended; no more than fits into ten seconds."""
    outcomes: list[str] = []
    for _ in range(5000):
        try:
            connection = socket.create_connection(("127.0.0.1", port), 5)
        except ConnectionRefusedError:
            return [*outcomes, "refused"]
        with connection:
            outcomes.append(_ask(connection))
    return outcomes


def _ask(connection: socket.socket) -> str:
    try:
        connection.sendall(REQUEST)
        return "answered" if connection.recv(100).startswith(b"HTTP/1.1 200") else "closed without an answer"
    except OSError as error:
        return type(error).__name__
