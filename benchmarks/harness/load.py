"""A load client: keep-alive connections over raw asyncio protocols, cheap enough not to be what is measured."""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import uvloop

from benchmarks.harness.machine import Cores, pinned

NextRequest = Callable[[bytes | None], bytes]
"""The bytes of a connection's next request, given the body of its last answer (None at first)."""

Result = TypeVar("Result")

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_PATIENCE_SECONDS = 30


class RefusedError(Exception):
    """An answer was not what the benchmark is about, so its figures would mean nothing."""


@dataclass
class Outcome:
    """What a run did: how many answers in how many seconds, and the seconds that each took."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds below which this share of the answers stayed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class _Connection(asyncio.Protocol):
    """One keep-alive connection. `done` tells of its end, or of what went wrong."""

    def __init__(self, next_request: NextRequest, outcome: Outcome, until: float, pause: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._next = next_request
        self._outcome = outcome
        self._until = until
        self._pause = pause
        self._received = b""
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self) -> None:
        """Send the first request."""
        self._send(self._next(None))

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            body = _body_of(self._received)
            # Also after the last answer: who keeps a token in hand has to see the newest.
            request = None if body is None else self._next(body)
        except RefusedError as error:
            self._fail(error)
            return
        if request is None:
            return
        self._received = b""
        self._outcome.latencies.append(time.perf_counter() - self._sent_at)
        if self._pause:
            self._loop.call_later(self._pause, self._send, request)
        else:
            self._send(request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(exc or RefusedError("the server closed a connection"))

    def _send(self, request: bytes) -> None:
        if self._transport.is_closing():
            return
        if time.perf_counter() >= self._until:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
        self._transport.close()


def _body_of(received: bytes) -> bytes | None:
    """The body of an answer; None as long as it is not whole. There is never more than one answer under way."""
    head_end = received.find(b"\r\n\r\n") + 4
    if head_end < 4:
        return None
    if length := _LENGTH.search(received, 0, head_end):
        is_whole = len(received) >= head_end + int(length[1])
    elif _CHUNKED.search(received, 0, head_end):
        is_whole = received.endswith(b"0\r\n\r\n")
    else:
        raise RefusedError(f"an answer of unknown length: {received[:300]!r}")
    if not is_whole:
        return None
    if b" 200 " not in received[:16] or b'"errors"' in received[head_end:]:
        raise RefusedError(received[:1000].decode("utf-8", "replace"))
    return received[head_end:]


def post(body: bytes, port: int, *, bearer: str = "") -> bytes:
    """A POST of JSON to the GraphQL endpoint, as bytes."""
    authorization = f"Authorization: Bearer {bearer}\r\n" if bearer else ""
    head = (
        f"POST /graphql/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nAccept: */*\r\n"
        f"{authorization}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


async def drive(port: int, connections: Sequence[NextRequest], seconds: float, *, pause: float = 0.0) -> Outcome:
    """
    Keep every connection busy, one request at a time, for so many seconds.

    Args:
        pause: seconds that a connection rests between two requests; 0 is as quick as it goes.

    Raises:
        RefusedError: an answer was not 200, or had errors; or there was none.
    """
    loop = asyncio.get_running_loop()
    outcome = Outcome()
    started = time.perf_counter()
    opened = []
    for next_request in connections:
        connection = _Connection(next_request, outcome, started + seconds, pause)
        await loop.create_connection(lambda it=connection: it, "127.0.0.1", port)  # type: ignore[misc]
        opened.append(connection)
    for number, connection in enumerate(opened):
        # Spread over the pause, so that a steady load does not come in bursts.
        loop.call_later(pause * number / len(opened), connection.begin)
    await asyncio.wait_for(asyncio.gather(*(connection.done for connection in opened)), seconds + _PATIENCE_SECONDS)
    outcome.seconds = time.perf_counter() - started
    if not outcome.answers:
        raise RefusedError(f"no answer within {seconds:g} s: the machine is busy with something else")
    return outcome


def run(work: Coroutine[Any, Any, Result], cores: Cores | None = None) -> Result:
    """Run a `drive`, or several at once, on a loop of its own, without the pauses of garbage collection."""
    gc.collect()
    gc.disable()
    try:
        with pinned(cores), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    finally:
        gc.enable()
