"""The port to the API behind the gateway. Its adapters: HTTP, and an ASGI application in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Refused, UpstreamUnavailable
from gatepass.gateway.hangup import Hangup
from gatepass.http.asgi import Headers
from gatepass.http.messages import Request


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """
    What the gateway grants an upstream on HTTP.

    connect_timeout: name resolution, TCP and TLS of a new connection.
    response_timeout: from the first step until the head of the answer, waiting for a free connection included.
    idle_timeout: silence within a body. Event streams may be silent for longer; see `UpstreamAnswer.keep_open`.
    max_connections: for queries and mutations; more of them wait for a free one.
    max_streams: for subscriptions, counted apart: readers of streams must not starve everyone else.
    """

    connect_timeout: timedelta = timedelta(seconds=5)
    response_timeout: timedelta = timedelta(seconds=30)
    idle_timeout: timedelta = timedelta(seconds=60)
    max_connections: int = 128
    max_streams: int = 1024

    def __post_init__(self) -> None:
        if min(self.connect_timeout, self.response_timeout, self.idle_timeout) <= timedelta(0):
            raise ValueError("the time limits towards the upstream must be longer than nothing")
        if min(self.max_connections, self.max_streams) < 1:
            raise ValueError("there must be at least one connection to the upstream")


OnFault = Callable[[str, BaseException | None], None]
"""Told what is wrong with the upstream, for the log: words, and the error behind them where there is one."""


class UpstreamFailed(Exception):
    """
    The upstream gave no usable answer.

    `reason` is for the log; it may name addresses, so no caller sees it. `refusal` is what the caller reads.
    """

    def __init__(self, reason: str, *, refusal: Refused | None = None) -> None:
        self.reason = reason
        self.refusal = refusal if refusal is not None else UpstreamUnavailable()
        super().__init__(reason)


class ClientGone(Exception):
    """The client hung up before the upstream answered, and the upstream's work was dropped."""


class Outgoing:
    """
    One request to the upstream: always a POST with a JSON body.

    `kind` is query, mutation or subscription; a query has no effects, so it may be sent again when a kept connection
    turns out to be closed. `request` is the client's, None where the gateway asks for itself.
    """

    __slots__ = ("body", "caller", "hangup", "headers", "kind", "request")

    def __init__(
        self,
        body: bytes,
        headers: Headers,
        kind: str,
        *,
        hangup: Hangup,
        caller: Caller | None = None,
        request: Request | None = None,
    ) -> None:
        self.body = body
        self.headers = headers
        self.kind = kind
        self.hangup = hangup
        self.caller = caller
        self.request = request


class UpstreamAnswer(Protocol):
    """
    An answer whose head is there. `headers` are as the upstream spelled them; `ended`: nothing is left to read.

    Whoever holds it must `close` it.
    """

    status: int
    headers: Headers

    @property
    def ended(self) -> bool:  # noqa: D102
        ...

    def keep_open(self) -> None:
        """Lift the idle limit: this is a stream of events."""
        ...

    async def read(self) -> bytes:
        """
        The next piece as it comes; nothing is read ahead beyond a small buffer. Empty: that was the end.

        Raises:
            UpstreamFailed: it broke off, was malformed or fell silent.
        """
        ...

    async def close(self) -> None:
        """Let go of everything that belongs to it. An unfinished answer is cut off, so that the upstream notices."""
        ...


class Upstream(Protocol):
    """The API behind the gateway."""

    async def start(self) -> None:
        """Make ready. Nothing is sent; the upstream need not be there yet."""
        ...

    async def send(self, outgoing: Outgoing) -> UpstreamAnswer:
        """
        Send a request and wait for the head of its answer.

        Raises:
            UpstreamFailed: there is no answer, or none in time.
            ClientGone: the client hung up meanwhile.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...
