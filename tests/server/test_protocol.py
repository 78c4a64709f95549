"""The bounds of a request's head, raw bytes to raw bytes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.waiting import until
from tests.server.conftest import Start

CLOSE = b"Connection: close\r\n"
HEAD = b"GET /x HTTP/1.1\r\nHost: x\r\n"


def answer(data: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in headers), body


def code_of(body: bytes) -> Any:
    return json.loads(body)["errors"][0]["extensions"]["code"]


async def test_an_ordinary_request_is_answered(started: Start) -> None:
    """With a date, and without a server's name."""
    async with started() as server:
        status, headers, body = answer(await server.sends(HEAD + CLOSE + b"\r\n"))
    assert (status, body) == (200, b"2\r\n/x\r\n0\r\n\r\n")
    assert "date" in headers
    assert "server" not in headers


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X: " + b"x" * 5000 + b"\r\n\r\n",
        HEAD + b"X: 1\r\n" * 900 + b"\r\n",
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_a_large_head_is_refused(started: Start, head: bytes) -> None:
    """431 in our error form, and the application never sees it. RFC 6585 §5."""
    async with started(max_header_bytes=4096) as server:
        status, headers, body = answer(await server.sends(head))
        assert server.app.requests == []
    assert (status, code_of(body)) == (431, "REQUEST_TOO_LARGE")
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (HEAD + b"X: ", b"x" * 1000),
        (HEAD, b"X: y\r\n" * 200),
        (HEAD + b"X: y\r\n ", b"y\r\n " * 200),
        (b"GET /", b"x" * 1000),
        (b"", b"\r\n" * 500),
    ],
)
async def test_a_head_without_end_is_refused_long_before_it_fills_the_memory(
    started: Start, begin: bytes, piece: bytes
) -> None:
    """The parser keeps an unfinished header to itself; what was fed is counted."""
    async with started(max_header_bytes=4096) as server, server.connection() as (reader, writer):
        answered = asyncio.create_task(reader.readline())
        writer.write(begin)
        pieces = 0
        while not answered.done() and pieces < 1000:
            writer.write(piece)
            pieces += 1
            await asyncio.sleep(0.001)
        assert pieces < 100
        assert (await answered).startswith(b"HTTP/1.1 4")
        assert server.app.requests == []


async def test_a_large_body_in_small_pieces_is_no_large_head(started: Start) -> None:
    """Bytes of a body do not count, also where the next head comes in the same piece."""
    request = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000
    async with started(max_header_bytes=1024) as server, server.connection() as (reader, writer):
        data = request * 3 + HEAD + CLOSE + b"\r\n"
        for start in range(0, len(data), 1500):
            writer.write(data[start : start + 1500])
            await asyncio.sleep(0)
        received = await asyncio.wait_for(reader.read(), 5)
    assert received.count(b"HTTP/1.1 200") == 4


async def test_what_is_not_http_gets_an_error_in_our_form(started: Start) -> None:
    """400; a TLS hello, for one."""
    async with started() as server:
        for data in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", HEAD + b"Bad Name: x\r\n\r\n", b"GET x HTTP/1.1\r\n\r\n"):
            status, _, body = answer(await server.sends(data))
            assert (status, code_of(body)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Length: +1\r\n",
        b"Content-Length : 1\r\n",
    ],
)
async def test_an_ambiguous_length_is_refused(started: Start, headers: bytes) -> None:
    """Request smuggling lives of two readings. RFC 9112 §6.3."""
    async with started() as server:
        status, _, _ = answer(await server.sends(b"POST /x HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n0\r\n\r\n"))
        assert status == 400


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b" chunked "])
async def test_chunks_are_the_one_coding_that_is_taken(started: Start, coding: bytes) -> None:
    async with started() as server:
        head = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + coding + b"\r\n" + CLOSE + b"\r\n"
        status, _, _ = answer(await server.sends(head + b"1\r\nx\r\n0\r\n\r\n"))
        assert (status, server.app.bodies) == (200, [b"x"])


async def test_trailer_fields_are_not_merged_into_the_headers(started: Start) -> None:
    """RFC 9110 §6.5.1: an Authorization that no proxy has seen."""
    body = b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    async with started() as server:
        await server.sends(b"POST /x HTTP/1.1\r\nHost: x\r\n" + CLOSE + body)
        (scope,) = server.app.requests
    assert b"authorization" not in dict(scope["headers"])


async def test_a_slow_head_is_cut_off(started: Start) -> None:
    """Slow loris: 408 to who began a request, a plain close to who said nothing."""
    async with started(head_seconds=0.2) as server:
        before = time.monotonic()
        status, _, _ = answer(await server.sends(HEAD))
        silent = await server.sends(b"")
    assert (status, silent) == (408, b"")
    assert time.monotonic() - before < 4


async def test_a_slow_head_is_cut_off_on_a_used_connection_too(started: Start) -> None:
    """An empty line in place of a next request also counts."""
    async with started(head_seconds=0.2) as server, server.connection() as (reader, writer):
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"\r\n")
        rest = await asyncio.wait_for(reader.read(), 4)
    assert rest[:12] in (b"HTTP/1.1 408", b"")


async def test_a_long_answer_is_not_cut_off(started: Start) -> None:
    """The bound is on the request's head alone."""
    async with started(head_seconds=0.1) as server, server.connection() as (reader, writer):
        writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n")
        await asyncio.sleep(1.5)
        server.app.let_go.set()
        assert (await reader.read()).startswith(b"HTTP/1.1 200")


async def test_an_idle_connection_is_closed(started: Start) -> None:
    """After `keep_alive_seconds`."""
    async with started(keep_alive_seconds=1) as server:
        before = time.monotonic()
        assert (await server.sends(HEAD + b"\r\n")).startswith(b"HTTP/1.1 200")
    assert 0.9 < time.monotonic() - before < 4


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
OFFERING = b"POST /x HTTP/1.1\r\nHost: x\r\n" + OFFER


async def test_an_offered_upgrade_is_ignored_and_the_connection_closed(started: Start) -> None:
    """Java's HttpClient and curl --http2 offer h2c with their requests; the answer must say that it was the last."""
    async with started() as server:
        status, headers, _ = answer(await server.sends(HEAD + OFFER + b"\r\n"))
    assert (status, headers["connection"]) == (200, "close")


@pytest.mark.parametrize(
    "request_of",
    [
        lambda body: b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        lambda body: b"Transfer-Encoding: chunked\r\n\r\n%x;a=b\r\n%b\r\n0\r\nX: trailer\r\n\r\n" % (len(body), body),
    ],
    ids=["length", "chunks"],
)
@pytest.mark.parametrize("size", [1, 40_000])
async def test_the_body_that_comes_with_an_offered_upgrade_is_read(
    started: Start, request_of: Callable[[bytes], bytes], size: int
) -> None:
    """
    In however many pieces it comes, and longer than a head may be.

    Java's HttpClient signs in with a body and the offer, unless it is told to speak HTTP/1.1 only. RFC 9110 §7.8.
    """
    body = b"x" * size
    data = OFFERING + request_of(body)
    async with started() as server:
        whole, headers, _ = answer(await server.sends(data))
        async with server.connection() as (reader, writer):
            for start in range(0, len(data), 97 if size == 1 else 9_000):
                writer.write(data[start : start + (97 if size == 1 else 9_000)])
                await writer.drain()
                await asyncio.sleep(0)
            in_pieces, _, _ = answer(await asyncio.wait_for(reader.read(), 5))
        assert server.app.bodies == [body, body]
    assert (whole, in_pieces, headers["connection"]) == (200, 200, "close")


@pytest.mark.parametrize("request_end", [b"Content-Length: 0\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
async def test_an_empty_body_that_comes_with_an_offered_upgrade_is_not_waited_for(
    started: Start, request_end: bytes
) -> None:
    async with started() as server:
        status, _, _ = answer(await server.sends(OFFERING + request_end))
        assert (status, server.app.bodies) == (200, [b""])


async def test_what_follows_the_body_of_an_offered_upgrade_is_no_part_of_it(started: Start) -> None:
    """Another request behind it could be one that a proxy in front has not seen."""
    async with started() as server:
        received = await server.sends(
            OFFERING + b"Content-Length: 3\r\n\r\nabc" + b"POST /y HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ndef"
        )
        assert [scope["path"] for scope in server.app.requests] == ["/x"]
        assert server.app.bodies == [b"abc"]
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "behind", [b"\x00garbage\r\n\r\n", b"GET /y HTTP/1.1\r\nHost: a b\r\n\r\n", HEAD + b"X: 1\r\n" * 900]
)
async def test_what_is_refused_behind_a_request_does_not_cost_its_answer(started: Start, behind: bytes) -> None:
    """
    It goes out whole, nothing is written into it, and it is the last.

    The request may have changed something: a body with letters of two bytes whose length was counted in letters does.
    """
    async with started(max_header_bytes=4096) as server, server.connection() as (reader, writer):
        writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + behind)
        await until(lambda: bool(server.app.bodies))
        server.app.let_go.set()
        status, headers, body = answer(await asyncio.wait_for(reader.read(), 5))
        assert len(server.app.requests) == 1
    assert (status, headers["connection"], body) == (200, "close", b"5\r\n/wait\r\n0\r\n\r\n")


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"-1\r\nx\r\n", b"1\r\nxx\r\n", b"1;\nx\n0\n\n"])
async def test_a_body_that_cannot_be_read_is_told_so(started: Start, chunks: bytes) -> None:
    """400 in our error form; the application gets the end of the client."""
    async with started() as server:
        request = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        status, headers, body = answer(await server.sends(request + chunks))
        assert server.app.bodies == []
    assert (status, code_of(body), headers["connection"]) == (400, "BAD_USER_INPUT", "close")


async def test_a_body_that_cannot_be_read_behind_another_request_ends_the_connection(started: Start) -> None:
    """No answer is ready to be written before the one that is under way."""
    async with started() as server, server.connection() as (reader, writer):
        writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: bool(server.app.bodies))
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
