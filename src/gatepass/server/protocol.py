"""
HTTP/1.1 with bounds that uvicorn leaves open: the size of a request's head, and the time it may take to arrive.

Without them one client can make the parser keep a header without end, or hold connections open with a byte now and
then (slow loris).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from gatepass.domain.errors import Code
from gatepass.http.asgi import WHOLE, App
from gatepass.server.exchange import Connection, Exchange
from gatepass.server.offered_upgrade import body_parser, framing_of
from gatepass.server.refusal import BadHostError, HeadTooLargeError, TooManyPipelinedError, UnknownCodingError, refusal

_COLON_SPACE_AND_LINE_END: Final = 4
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%-]*(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_LEAST_READ: Final = 16_384
"""Bytes that a client has to read within `unread_seconds`."""
_LONGEST_REMEMBERED_PATH: Final = 128
_MAX_PIPELINED: Final = 100
"""Requests behind one that is not answered yet: each takes up to a hundred times its bytes."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """
    Bounds of connections.

    `head_seconds` is how long a request line and its headers may take, `unread_seconds` how long a client may leave
    what it was sent unread, `keep_alive_seconds` how long a connection may idle (longer than a proxy in front does, or
    it meets a closed one), `drain_seconds` how long open requests may go on once the server was told to stop,
    `linger_seconds` how long idle connections may still bring one then (at most half of the drain).
    """

    max_header_bytes: int = 32_768
    max_connections: int = 8192
    head_seconds: float = 30.0
    unread_seconds: float = 60.0
    keep_alive_seconds: int = 75
    drain_seconds: float = 8.0
    linger_seconds: float = 1.0
    backlog: int = 2048


class BoundedConfig(Config):
    """Uvicorn's configuration, with our limits."""

    def __init__(self, app: App, limits: ServerLimits) -> None:
        self.limits = limits
        super().__init__(
            app,
            http=BoundedHttpProtocol,
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            # Whose X-Forwarded-For counts is the application's decision, not a default.
            proxy_headers=False,
            server_header=False,
            backlog=limits.backlog,
            timeout_keep_alive=limits.keep_alive_seconds,
            timeout_graceful_shutdown=limits.drain_seconds,  # type: ignore[arg-type]  # passed on to wait_for
        )
        self.outbox = Outbox()


class Outbox:
    """
    Connections whose answer is ready, until the tasks that are ready too have run.

    Each write wakes whoever waits for it at the other end, and costs a third of an echo by that. Written in a row, the
    second one finds its reader awake.
    """

    def __init__(self) -> None:
        self._ready: list[BoundedHttpProtocol] = []

    def add(self, connection: BoundedHttpProtocol) -> None:
        """Have what it wrote sent at the end of this turn of the loop."""
        if not self._ready:
            connection.loop.call_soon(self._send)
        self._ready.append(connection)

    def _send(self) -> None:
        ready, self._ready = self._ready, []
        for connection in ready:
            connection.write_now()


class BoundedHttpProtocol(Connection):
    """One connection."""

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_seconds = config.limits.head_seconds
        self._max_header_bytes = config.limits.max_header_bytes
        self._max_connections = config.limits.max_connections
        self._unread_seconds = config.limits.unread_seconds
        self._unread_since: float | None = None
        self._unread_bytes = 0
        self._hosts: list[bytes] = []
        self._head_began: float | None = None
        self._idle_since: float | None = None
        self._reads_head = True
        self._head_bytes = 0
        self._unparsed_bytes = 0
        self._refused = False
        self._linger_seconds = min(config.limits.linger_seconds, config.limits.drain_seconds / 2)
        self._drains = False
        self._outbox = config.outbox
        self._unsent = b""

    def connection_made(  # type: ignore[override]  # as in uvicorn
        self, transport: asyncio.Transport
    ) -> None:
        """Start the clock: a connection must say something."""
        super().connection_made(transport)
        self._head_began = self.loop.time()
        if len(self.connections) > self._max_connections:
            self._refuse(503, Code.OVERLOADED, "The server has too many connections. Wait and try again.")

    def pause_writing(self) -> None:
        """Start the clock of a client that does not read."""
        super().pause_writing()
        self._unread_since, self._unread_bytes = self.loop.time(), self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """Stop it."""
        super().resume_writing()
        self._unread_since = None

    def data_received(self, data: bytes) -> None:
        """
        Feed the parser, within bounds.

        It keeps what it has of an unfinished header to itself, so the bytes that are fed before a head is complete
        are counted here.
        """
        if self._refused:
            return
        self.write_now()
        self._idle_since = None
        if self._head_began is None and self._is_between_answers():
            self._head_began = self.loop.time()
        if self._reads_head:
            self._unparsed_bytes += len(data)
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                self._ignore_offer(data[offer.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")
        if self._reads_head and self._unparsed_bytes > self._max_header_bytes:
            self._refuse_large_head()

    def write_soon(self, answer: bytes) -> None:
        """Write it with what else becomes ready; at once where a request behind it may be answered any moment."""
        self._unsent += answer
        if self.pipeline:
            self.write_now()
        else:
            self._outbox.add(self)

    def write_now(self) -> None:
        """Write what is to be written soon. To be called before anything else is written, and before closing."""
        answer, self._unsent = self._unsent, b""
        if answer and not self.transport.is_closing():
            self.transport.write(answer)

    def on_message_begin(self) -> None:
        """Begin a head. Its first bytes are not counted as unparsed: the last request's may be in the same piece."""
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise TooManyPipelinedError
        super().on_message_begin()
        self._hosts.clear()
        self._reads_head = True
        self._head_bytes = self._unparsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._head_bytes += len(url)
        if self._head_bytes > self._max_header_bytes:
            raise HeadTooLargeError
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """
        Count a header, and take it if it is one.

        A trailer field is not: merged into the headers it could pass for one that a proxy in front has checked.

        Source: RFC 9110 §6.5.1.
        """
        self._head_bytes += len(name) + len(value) + _COLON_SPACE_AND_LINE_END
        if self._head_bytes > self._max_header_bytes:
            raise HeadTooLargeError
        if self._reads_head:
            # What uvicorn does here, written out: one call less for each header of each request.
            name = name.lower()
            if name == b"host":
                self._hosts.append(value)
            elif name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            elif name == b"transfer-encoding" and value.rstrip(b" ").lower() != b"chunked":
                raise UnknownCodingError
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """
        Stop the clock, and start on the request, or put it behind the one before.

        What uvicorn does here, with our exchange, and without what is never configured: a root path, WebSockets, a
        limit of connections.
        """
        self._reads_head = False
        self._head_began = None
        version = self.parser.get_http_version()
        if not _is_one_host(self._hosts, version):
            raise BadHostError
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        is_usual = b"?" not in self.url and len(self.url) <= _LONGEST_REMEMBERED_PATH
        scope["path"], scope["raw_path"], scope["query_string"] = (_usual_target if is_usual else _target)(self.url)
        former: RequestResponseCycle | None = self.cycle
        cycle = self.cycle = Exchange(self, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        scope["extensions"] = {WHOLE: cycle}
        if self._drains:
            self._last_answer()
        if former is None or former.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_response_complete(self) -> None:
        """
        Go on with the next request, or rest.

        `check_time` looks for connections that rest too long; uvicorn's timer for each request is not needed.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = self.loop.time()

    def on_message_complete(self) -> None:
        """Whatever comes next begins a head."""
        self._reads_head = True
        self._unparsed_bytes = 0
        cycle: RequestResponseCycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def shutdown(self) -> None:
        """
        Begin the drain: the next answer, or the one that is under way, is the last.

        A connection that idles stays open for a moment. A proxy may be sending a request on it right now, and when
        that meets a closed connection nobody knows whether it was run, so the proxy cannot send it elsewhere.
        """
        self._drains = True
        if self._is_between_answers():
            self.loop.call_later(self._linger_seconds, self._close_if_idle)
        else:
            self._last_answer()

    def _last_answer(self) -> None:
        """Say `Connection: close` with the answer that is under way."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None:
            cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self._is_between_answers():
            self.write_now()
            self.transport.close()

    def check_time(self, now: float) -> None:
        """Close the connection if it idles, does not read, or its head takes too long. Called about once a second."""
        if self._unread_since is not None and self._reads_too_slowly(now, self._unread_since):
            # `close` would wait until all of it is read.
            self.transport.abort()
            return
        if self._idle_since is not None and now - self._idle_since > self.timeout_keep_alive:
            self.transport.close()
        if self._head_began is None or now - self._head_began <= self._head_seconds or self._refused:
            return
        if self._head_bytes or self._unparsed_bytes:
            self._refuse(408, Code.BAD_USER_INPUT, "The request took too long to arrive.")
        else:
            self._refused = True
            self.transport.close()

    def _reads_too_slowly(self, now: float, since: float) -> bool:
        """A slow line gets on; a byte now and then is none."""
        left = self.transport.get_write_buffer_size()
        if self._unread_bytes - left >= _LEAST_READ:
            self._unread_since, self._unread_bytes = now, left
            return False
        return now - since > self._unread_seconds

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """Answer what the parser stopped at: not HTTP, or a head that was found too large."""
        if self._head_bytes > self._max_header_bytes:
            self._refuse_large_head()
        else:
            self._refuse(400, Code.BAD_USER_INPUT, "The request is not valid HTTP/1.1.")

    def _ignore_offer(self, rest: bytes) -> None:
        """
        Answer as if no upgrade was offered, and close after that.

        The parser takes nothing more, not even the body, for whose end it took the end of the head: another one does.
        """
        self._last_answer()
        framing = framing_of(self.headers) if self.scope["method"] != "CONNECT" else b""
        if framing:
            self.parser = body_parser(self.on_body, self.on_message_complete)
            self._reads_head = False
            self.cycle.more_body = True
            self.parser.feed_data(framing + rest)

    def _is_between_answers(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _refuse_large_head(self) -> None:
        message = f"The request line and headers are larger than {self._max_header_bytes} bytes."
        self._refuse(431, Code.REQUEST_TOO_LARGE, message)

    def _refuse(self, status: int, code: Code, message: str) -> None:
        """
        Answer in our error form, and close. Never into an answer that is on its way.

        That one goes out, as the last, unless it needs a body that cannot be read: its request may have changed much.
        """
        self._refused = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                self._last_answer()
                return
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(refusal(status, code, message, self.server_state.default_headers))
        self.transport.close()


def _target(url: bytes) -> tuple[str, bytes, bytes]:
    """Path, path as it came, query string."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


_usual_target: Final = lru_cache(maxsize=256)(_target)


def _is_one_host(hosts: list[bytes], version: str) -> bool:
    """
    Whether there is exactly one, of the form of one; HTTP/1.0 may do without.

    Source: RFC 9112 §3.2.
    """
    if len(hosts) != 1:
        return not hosts and version == "1.0"
    return _HOST.fullmatch(hosts[0]) is not None
