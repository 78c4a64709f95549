"""One connection of the lean lane, and the answer that comes in on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from gatepass.gateway.keep_alive import probe
from gatepass.gateway.upstream import UpstreamFailed
from gatepass.http.asgi import Headers

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_BUFFERED_BYTES: Final = 128 * 1024
"""More than this is not read from the upstream before the client has taken what is there."""

_TRANSFER_ENCODING: Final = b"transfer-encoding"
_FRAMING: Final = frozenset((_TRANSFER_ENCODING, b"content-length"))
_INTERIM: Final = range(100, 200)
_BODILESS: Final = frozenset((204, 304))


class LaneAnswer:
    """An answer as it comes in. It belongs to one request alone, so that no two answers can meet in it."""

    __slots__ = (
        "_failure", "_idle_seconds", "_line", "_pieces", "_size", "_waiter",
        "complete", "has_head", "headers", "status",
    )  # fmt: skip

    def __init__(self, line: Line, idle_seconds: float) -> None:
        self._line = line
        self._idle_seconds: float | None = idle_seconds
        self._pieces: list[bytes] = []
        self._size = 0
        self._failure: UpstreamFailed | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self.status = 0
        self.headers: Headers = []
        self.has_head = False
        self.complete = False

    @property
    def ended(self) -> bool:
        """Whether everything has been handed out."""
        return self.complete and not self._pieces

    def keep_open(self) -> None:
        """Lift the idle limit."""
        self._idle_seconds = None

    async def head(self, seconds: float | None) -> bool:
        """
        Wait for the head. False: it is not there after so many seconds.

        Raises:
            UpstreamFailed: there will be none.
        """
        while not self.has_head:
            if self._failure is not None:
                raise self._failure
            if not await self._news(seconds):
                return False
        return True

    async def read(self) -> bytes:
        """As the port says."""
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self.complete:
                return b""
            if not await self._news(self._idle_seconds):
                raise UpstreamFailed("the upstream fell silent within its answer")
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._line.resume()
        return body

    async def close(self) -> None:
        """Give the connection back if the answer was whole, cut it otherwise."""
        self._line.release(self)

    def take(self, piece: bytes) -> bool:
        """Add a piece of the body; whether there is room for more."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self._size < MAX_BUFFERED_BYTES

    def fail(self, failure: UpstreamFailed) -> None:
        """No more will come, and it was not the whole. What is there can still be read."""
        if not self.complete and self._failure is None:
            self._failure = failure
            self.tell()

    def tell(self) -> None:
        """Wake whoever waits for news."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    async def _news(self, seconds: float | None) -> bool:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_later(seconds, _give_up, waiter) if seconds is not None else None
        try:
            return await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()


class Line(asyncio.Protocol):
    """
    A connection that carries one request at a time.

    The parser is llhttp, strict: what is doubtful about an answer's framing fails the answer. Bytes that nobody asked
    for end the connection, because they would otherwise become the answer to the next caller's request.
    """

    def __init__(self, released: Callable[[Line], None], lost: Callable[[Line], None]) -> None:
        """
        Tell two things to the pool.

        Args:
            released: the line is free for the next request.
            lost: it is closed.
        """
        self._released = released
        self._lost = lost
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: LaneAnswer | None = None
        self._reusable = False
        self._until_end = False
        self._paused = False
        self._head_bytes = 0
        self.used = False
        self.silent = True
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether a request can be sent, as far as is known here."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes, idle_seconds: float) -> LaneAnswer:
        """Send a request; its answer is empty as yet. `silent` says whether any byte has come back."""
        answer = self._answer = LaneAnswer(self, idle_seconds)
        self._reusable = self._until_end = False
        self._head_bytes = 0
        self.silent = True
        if self._transport is None:
            answer.fail(UpstreamFailed("the connection is closed"))
        else:
            self._transport.write(request)
        return answer

    def release(self, answer: LaneAnswer) -> None:
        """An answer is over for its reader; the line is free if it was whole, and cut otherwise. Once is enough."""
        if self._answer is not answer:
            return
        self._answer = None
        if answer.complete and self._reusable and self.usable:
            self.used = True
            self._released(self)
        else:
            self.cut()

    def cut(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Go on reading."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # -- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)
        probe(transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone. For an answer without a length a clean end is its end (RFC 9112 §6.3)."""
        self._transport = self._parser = None
        if self._answer is not None:
            if self._until_end and exc is None:
                self._answer.complete = True
                self._answer.tell()
            self._answer.fail(_failure("the upstream closed the connection before its answer was complete", exc))
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        answer = self._answer
        if answer is None or answer.complete or self._parser is None:
            self.cut()
            return
        self.silent = False
        try:
            self._parser.feed_data(data)
            if not answer.has_head:
                self._count(len(data))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, UpstreamFailed) as error:
            self._reusable = False
            answer.fail(_failure(f"the upstream's answer is malformed: {error.__context__ or error}"[:200], error))
            self.cut()
        if answer.has_head:
            answer.tell()

    # -- what the parser calls; an answer that is complete takes no more

    def on_message_begin(self) -> None:
        """A head begins."""
        self._current()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody reads."""
        answer = self._current()
        if answer.has_head:
            return
        self._count(len(name) + len(value))
        if len(name) == len(_TRANSFER_ENCODING) and name.lower() == _TRANSFER_ENCODING and value.lower() != b"chunked":
            raise UpstreamFailed("an unknown transfer coding")
        answer.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head ends. Interim ones are not it (RFC 9110 §15.2)."""
        answer = self._current()
        status = self._parser.get_status_code() if self._parser is not None else 0
        if status in _INTERIM:
            answer.headers.clear()
            return
        answer.status = status
        answer.has_head = True
        if not self._parser_keeps_alive():
            framed = any(name.lower() in _FRAMING for name, _ in answer.headers)
            self._until_end = not framed and status not in _BODILESS

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._current().take(body) and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is whole."""
        answer = self._current()
        if answer.has_head:
            answer.complete = True
            self._reusable = self._parser_keeps_alive()

    def _current(self) -> LaneAnswer:
        if self._answer is None or self._answer.complete:
            raise UpstreamFailed("more than one answer")
        return self._answer

    def _parser_keeps_alive(self) -> bool:
        """False also for a body without a length, which ends with its connection."""
        return self._parser is not None and self._parser.should_keep_alive()

    def _count(self, size: int) -> None:
        """Bytes of a head count when they come and when they are understood, so that neither can be without end."""
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise UpstreamFailed("the head is too large")


def _failure(reason: str, cause: BaseException | None) -> UpstreamFailed:
    failure = UpstreamFailed(reason)
    failure.__cause__ = cause
    return failure


def _give_up(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
