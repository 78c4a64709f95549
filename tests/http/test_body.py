"""Reading a body within a size and a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from gatepass.http.asgi import Headers, Message
from gatepass.http.body import BodyLimits, read_body
from gatepass.http.edge import ClientGoneError
from gatepass.http.messages import Request
from gatepass.http.refusals import BadRequest, BodyTooLarge, RequestTimeout

LIMITS = BodyLimits(max_body_bytes=10, request_timeout=timedelta(milliseconds=50))


def request(receive: Callable[[], Awaitable[Message]], headers: Headers | None = None) -> Request:
    """A POST whose body comes from `receive`."""
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers or []}
    return Request(scope, receive, request_id="id", client="192.0.2.1")


def sending(*pieces: bytes, headers: Headers | None = None) -> Request:
    """A POST whose body comes in these pieces, and then no more."""
    waiting = list(pieces)

    async def receive() -> Message:
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    return request(receive, headers)


@pytest.mark.parametrize("pieces", [[b""], [b"0123456789"], [b"01234", b"56789"], [b"", b"0123", b"", b"456789", b""]])
async def test_the_body_is_read_whole_in_however_many_pieces(pieces: list[bytes]) -> None:
    """Up to the limit, to the byte."""
    assert await read_body(sending(*pieces), LIMITS) == b"".join(pieces)


@pytest.mark.parametrize("pieces", [[b"0123456789!"], [b"01234", b"56789!"], [b"0" * 10, b"", b"1"]])
async def test_more_than_allowed_is_413(pieces: list[bytes]) -> None:
    """As soon as it is too much; the rest is never asked for."""
    with pytest.raises(BodyTooLarge, match="max_body_bytes"):
        await read_body(sending(*pieces, b"never read"), LIMITS)


@pytest.mark.parametrize("length", [b"11", b"99999999999", b"9" * 4000, b"0" * 100 + b"11"])
async def test_an_announced_size_is_believed_when_it_is_too_much(length: bytes) -> None:
    """Nothing is read then."""

    async def receive() -> Message:
        raise AssertionError("read")

    with pytest.raises(BodyTooLarge):
        await read_body(request(receive, [(b"content-length", length)]), LIMITS)


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"", b"+5", b"5, 5", "\u0665".encode()])
async def test_a_content_length_that_is_no_number_is_400(length: bytes) -> None:
    """RFC 9110 §8.6."""
    with pytest.raises(BadRequest):
        await read_body(sending(b"x", headers=[(b"content-length", length)]), LIMITS)


@pytest.mark.parametrize("first", [None, b"0123"])
async def test_a_body_that_does_not_come_in_time_is_408(first: bytes | None) -> None:
    """From the head to the last byte: a slow client holds nothing for long."""
    pieces = [first] if first is not None else []

    async def receive() -> Message:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(), "more_body": True}
        await asyncio.sleep(60)
        raise AssertionError("waited")

    with pytest.raises(RequestTimeout, match="request_timeout_seconds"):
        await read_body(request(receive), LIMITS)


async def test_a_cancellation_from_outside_stays_one() -> None:
    """A server that shuts down cancels; that is no timeout of the client."""

    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("waited")

    task = asyncio.create_task(read_body(request(receive), BodyLimits()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_client_that_hangs_up_gets_no_answer() -> None:
    """Nobody is left to answer."""
    messages: list[Message] = [
        {"type": "http.request", "body": b"0123", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(ClientGoneError):
        await read_body(request(receive), LIMITS)


async def test_the_deadline_is_over_when_the_body_is_there() -> None:
    """Later work of the same task is not cut short by it."""
    assert await read_body(sending(b"x"), LIMITS) == b"x"
    await asyncio.sleep(0.1)
