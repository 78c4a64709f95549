"""A request's body, read within a size and a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType

from gatepass.http.edge import ClientGoneError
from gatepass.http.messages import Request
from gatepass.http.refusals import BadRequest, BodiesTooLarge, BodyTooLarge, RequestTimeout


class Arriving:
    """The bytes of all bodies that are on their way in, and how many may be held at once."""

    def __init__(self, most: int = 268_435_456) -> None:
        self._most = most
        self.bytes = 0

    def take(self, size: int) -> None:
        """
        Hold that many more.

        Raises:
            BodiesTooLarge: there is no room; nothing was taken.
        """
        if self.bytes + size > self._most:
            raise BodiesTooLarge(retry_after_seconds=1)
        self.bytes += size


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """
    How much a client may send, and how long it may take from the head to the last byte.

    `arriving` is shared by all who read bodies.
    """

    max_body_bytes: int = 1_048_576
    request_timeout: timedelta = timedelta(seconds=30)
    arriving: Arriving = field(default_factory=Arriving)


async def read_body(request: Request, limits: BodyLimits) -> bytes:
    """
    The whole body.

    Raises:
        BodyTooLarge: announced or sent more than allowed; the rest is not read.
        RequestTimeout: it did not come in time.
        BadRequest: Content-Length is not a number, or there twice.
        BodiesTooLarge: too much arrives at once; the rest is not read.
        ClientGoneError: the client hung up before the end; nobody is left to answer.
    """
    if request.whole is not None and (whole := request.whole.whole_body()) is not None:
        if len(whole) > limits.max_body_bytes:
            raise _too_large(limits)
        return whole
    _check_announced(request.header(b"content-length"), limits)
    chunks: list[bytes] = []
    try:
        with _Deadline(limits.request_timeout.total_seconds()):
            return await _rest(request, limits, chunks)
    finally:
        limits.arriving.bytes -= sum(map(len, chunks))


async def _rest(request: Request, limits: BodyLimits, chunks: list[bytes]) -> bytes:
    """Receive to the end; what is held meanwhile is in `chunks`."""
    size = 0
    while True:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limits.max_body_bytes:
            raise _too_large(limits)
        if not message.get("more_body", False):
            return b"".join(chunks) + chunk if chunks else chunk
        limits.arriving.take(len(chunk))
        chunks.append(chunk)


def _check_announced(length: bytes | None, limits: BodyLimits) -> None:
    if length is None:
        return
    if not length.isdigit():
        raise BadRequest("The header Content-Length is not a number.")
    # Leading zeros aside, more digits than the limit has is too much; `int` of a long text would be slow.
    digits = length.lstrip(b"0")
    if len(digits) > len(str(limits.max_body_bytes)) or int(digits or b"0") > limits.max_body_bytes:
        raise _too_large(limits)


def _too_large(limits: BodyLimits) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limits.max_body_bytes} bytes (setting max_body_bytes).")


class _Deadline:
    """
    `asyncio.timeout` at a quarter of its price, which counts: most bodies are there before they are asked for.

    Raises `RequestTimeout` out of the body of the `with`.
    """

    __slots__ = ("_cancelling", "_expired", "_handle", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a body can only be read inside a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.cancel()
        # As in asyncio.Timeout: a cancellation from outside that came on top of ours must go on.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise RequestTimeout(
                f"The request did not arrive within {self._seconds:g} seconds (setting request_timeout_seconds)."
            ) from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
