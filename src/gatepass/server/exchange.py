"""
One request and its answer, as uvicorn's cycle has them, and the short way for those that are whole.

Most requests are here entirely before anybody looks at them, and most answers go out in one piece. Taken as such they
spare two messages in either direction, and a search of every header for what no header of ours has.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gatepass.http.asgi import Headers
from gatepass.http.request_id import NAME as REQUEST_ID

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Of the control characters the tab alone.
_IN_VALUES: Final = bytes(set(range(256)) - set(range(32)) - {127} | {9})
_OF_THE_CONNECTION: Final = frozenset((b"connection", b"content-length", b"transfer-encoding"))


class Exchange(RequestResponseCycle):
    """It implements `gatepass.http.asgi.WholeExchange`; its `receive` and `send` are uvicorn's."""

    def __init__(self, connection: HttpToolsProtocol, *, keep_alive: bool) -> None:
        """
        Begin with a request whose head is there.

        Uvicorn's own beginning, by name of its attributes; an access log there is not.
        """
        self.scope = connection.scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.access_log = False
        self.default_headers = connection.server_state.default_headers
        self.message_event = _News()  # type: ignore[assignment]  # what of an Event is needed
        self.on_response = connection.on_response_complete
        self.disconnected = False
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = connection.expect_100_continue
        self.body = bytearray()
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.chunked_encoding = None
        self.expected_content_length = 0

    def whole_body(self) -> bytes | None:
        """The body, if all of it is here. `receive` then waits for the client's end, as after the last piece."""
        if self.more_body or self.disconnected or self.response_complete:
            return None
        body = bytes(self.body)
        self.body = bytearray()
        # Who asked for permission and sent the body without it needs none (RFC 9110 §10.1.1).
        self.waiting_for_100_continue = False
        self.message_event.clear()
        self.flow.resume_reading()
        return body

    def answer(self, status: int, headers: Headers, body: bytes) -> bool:
        """
        Send a whole answer. False: not now, because the client is slow to take what it has got.

        Raises:
            ValueError: a header that no answer can have, or one that is the connection's own. Nothing was sent.
        """
        if self.flow.write_paused or self.response_started:
            return False
        if self.disconnected:
            return True
        pieces = [STATUS_LINE[status], *map(_line, self.default_headers)]
        pieces += [_written(header) if header[0] == REQUEST_ID else _line(header) for header in headers]
        pieces.append(b"content-length: %d\r\n" % len(body) if self.keep_alive else _last(len(body)))
        pieces.append(b"\r\n")
        if self.scope["method"] != "HEAD":
            pieces.append(body)
        self._complete(b"".join(pieces))
        return True

    def _complete(self, answer: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(answer)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class _News:
    """An `asyncio.Event` for waiters who mostly do not come."""

    __slots__ = ("_is_set", "_waiters")

    def __init__(self) -> None:
        self._is_set = False
        self._waiters: list[asyncio.Future[None]] | None = None

    def set(self) -> None:
        self._is_set = True
        if self._waiters is None:
            return
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = None

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        if self._is_set:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters = [*(self._waiters or ()), waiter]
        await waiter


def _written(header: tuple[bytes, bytes]) -> bytes:
    name, value = header
    is_name = name == REQUEST_ID or (_NAME.fullmatch(name) and name.lower() not in _OF_THE_CONNECTION)
    if not is_name or value.translate(None, _IN_VALUES):
        raise ValueError(f"no answer can have the header {name!r}")
    return b"%b: %b\r\n" % header


# The same few come in every answer, all but the request id.
_line: Final = lru_cache(maxsize=512)(_written)


def _last(length: int) -> bytes:
    return b"content-length: %d\r\nconnection: close\r\n" % length
