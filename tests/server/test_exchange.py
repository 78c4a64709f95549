"""The short way for whole requests and answers: raw bytes to raw bytes, and who may take it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from gatepass.http.asgi import Headers, Message, Receive, Scope, Send, WholeExchange, whole_exchange
from tests.server.conftest import Start, StubApp
from tests.server.test_protocol import CLOSE, answer

POST = b"POST /x HTTP/1.1\r\nHost: x\r\n"
Deed = Callable[[WholeExchange | None, Receive, Send], Awaitable[None]]


@dataclass
class WholeApp(StubApp):
    """Does something with the exchange of each request."""

    deed: Deed = field(kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await super().__call__(scope, receive, send)
        return await self.deed(whole_exchange(scope, receive, send), receive, send)


async def echoes(exchange: WholeExchange | None, receive: Receive, send: Send) -> None:
    """Answers with the body that was there as a whole."""
    assert exchange is not None
    body = exchange.whole_body()
    while body is None:
        body = (await receive())["body"]
    assert exchange.answer(200, [(b"content-type", b"text/plain"), (b"x-request-id", b"1")], body)


async def test_a_whole_request_gets_a_whole_answer(started: Start) -> None:
    """With a date and its length, in one piece."""
    async with started(WholeApp(deed=echoes)) as server:
        status, headers, body = answer(await server.sends(POST + CLOSE + b"Content-Length: 3\r\n\r\nabc"))
    assert (status, body) == (200, b"abc")
    assert headers["content-length"] == "3"
    assert headers["connection"] == "close"
    assert headers["x-request-id"] == "1"
    assert "date" in headers


async def test_a_connection_is_used_again(started: Start) -> None:
    """Also where the second request came before the first was answered (RFC 9112 §9.3.2)."""
    request = POST + b"Content-Length: 3\r\n\r\n"
    async with started(WholeApp(deed=echoes)) as server:
        said = await server.sends(request + b"abc" + request + b"def" + POST + CLOSE + b"Content-Length: 0\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 ") == 3
    assert said.index(b"\r\n\r\nabcHTTP/1.1") < said.index(b"\r\n\r\ndefHTTP/1.1")


async def test_an_answered_exchange_waits_for_no_garbage_collector(started: Start) -> None:
    """Cycles of ten objects a request were 3 % of a refresh."""
    met: list[weakref.ref[object]] = []

    async def echoes_and_remembers(exchange: WholeExchange | None, receive: Receive, send: Send) -> None:
        met.append(weakref.ref(exchange))
        await echoes(exchange, receive, send)

    request = POST + b"Content-Length: 3\r\n\r\nabc"
    gc.disable()
    try:
        async with started(WholeApp(deed=echoes_and_remembers)) as server:
            await server.sends(request + request + POST + CLOSE + b"Content-Length: 0\r\n\r\n")
            assert [reference() is None for reference in met[:2]] == [True, True]
    finally:
        gc.enable()


async def test_the_head_alone_answers_head(started: Start) -> None:
    """With the length that GET would have had. RFC 9110 §9.3.2."""

    async def says_ok(exchange: WholeExchange | None, receive: Receive, send: Send) -> None:
        assert exchange is not None
        assert exchange.answer(200, [], b"okay")

    async with started(WholeApp(deed=says_ok)) as server:
        status, headers, body = answer(await server.sends(b"HEAD /x HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n"))
    assert (status, headers["content-length"], body) == (200, "4", b"")


async def test_a_body_that_is_not_all_here_is_received(started: Start) -> None:
    """The exchange has no whole one, and `receive` has what came."""
    async with started(WholeApp(deed=echoes)) as server, server.connection() as (reader, writer):
        writer.write(POST + b"Content-Length: 3\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"abc")
        assert (await asyncio.wait_for(reader.readuntil(b"abc"), 5)).startswith(b"HTTP/1.1 200 ")


async def test_after_the_whole_body_the_end_of_the_client_is_received(started: Start) -> None:
    """As after the last piece of a body that was received."""
    messages: asyncio.Queue[Message] = asyncio.Queue()

    async def listens(exchange: WholeExchange | None, receive: Receive, send: Send) -> None:
        assert exchange is not None
        assert exchange.whole_body() == b"abc"
        await messages.put(await receive())

    async with started(WholeApp(deed=listens)) as server:
        async with server.connection() as (_, writer):
            writer.write(POST + b"Content-Length: 3\r\n\r\nabc")
            await writer.drain()
            await asyncio.sleep(0.05)
            assert messages.empty()
        assert (await asyncio.wait_for(messages.get(), 5))["type"] == "http.disconnect"


async def test_who_sent_the_body_unasked_gets_no_permission(started: Start) -> None:
    """`100 Continue` after the body would be read as a part of the answer. RFC 9110 §10.1.1."""
    async with started(WholeApp(deed=echoes)) as server:
        said = await server.sends(POST + CLOSE + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
    assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"a\r\nset-cookie: b"),
        (b"x\r\ny", b"a"),
        (b"x y", b"a"),
        (b"Content-Length", b"1"),
        (b"connection", b"x"),
    ],
)
async def test_a_header_that_would_be_more_than_one_is_refused(started: Start, header: tuple[bytes, bytes]) -> None:
    """Nothing of such an answer goes out: the caller may still say what is wrong."""

    async def injects(exchange: WholeExchange | None, receive: Receive, send: Send) -> None:
        assert exchange is not None
        with pytest.raises(ValueError, match="no answer can have the header"):
            exchange.answer(200, [header], b"no")
        assert exchange.answer(500, [], b"refused")

    async with started(WholeApp(deed=injects)) as server:
        status, _, body = answer(await server.sends(POST + CLOSE + b"Content-Length: 0\r\n\r\n"))
    assert (status, body) == (500, b"refused")


async def test_a_slow_client_is_not_written_to_without_end(started: Start) -> None:
    """While it does not take what it got, the exchange answers nothing, and `send` waits."""
    refused: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def floods(exchange: WholeExchange | None, receive: Receive, send: Send) -> None:
        assert exchange is not None
        large: Headers = [(b"content-type", b"text/plain")]
        if not exchange.answer(200, large, b"x" * 16_000_000):
            refused.set_result(True)

    async with started(WholeApp(deed=floods)) as server, server.connection() as (_, writer):
        writer.write(2 * (POST + b"Content-Length: 0\r\n\r\n"))
        assert await asyncio.wait_for(refused, 5)


async def test_a_middleware_between_sees_everything(started: Start) -> None:
    """Whoever was handed another `send` or `receive` does not get past it."""
    seen: list[WholeExchange | None] = []

    async def looks(exchange: WholeExchange | None, receive: Receive, send: Send) -> None:
        seen.append(exchange)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    inner = WholeApp(deed=looks)

    class Middleware(StubApp):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            async def wrapped(message: Message) -> None:
                await send(message)

            await inner(scope, receive, wrapped if scope["type"] == "http" else send)

    async with started(Middleware()) as server:
        await server.sends(POST + CLOSE + b"Content-Length: 0\r\n\r\n")
    assert seen == [None]
