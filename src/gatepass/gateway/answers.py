"""How an upstream's answer goes out to the client."""

from __future__ import annotations

import asyncio
from typing import Final

from gatepass.domain.errors import Code, Fault
from gatepass.gateway.curfew import Curfew, Ending
from gatepass.gateway.downward import Head, joined
from gatepass.gateway.upstream import UpstreamAnswer, UpstreamFailed
from gatepass.http.asgi import Headers, Send
from gatepass.http.messages import Request, send_whole

CLIENT_GONE: Final = "CLIENT_GONE"
"""The `code` of an answer that its client did not wait for."""

CLIENT_CLOSED_REQUEST: Final = 499
"""Never sent; stands in the log, as with nginx."""

FAREWELL_SECONDS: Final = 1.0
"""How long a client that does not read gets to take the end of a stream that was ended."""


class BrokenAnswer(Fault):
    """
    The upstream's answer broke after its head was sent.

    Whoever catches it must not complete the answer: the server then cuts the connection, and the client sees that
    what it has is not the whole.
    """


class CompleteAnswer:
    """An answer that is here as a whole."""

    __slots__ = ("_body", "_head", "code", "operation", "status")

    def __init__(self, head: Head, body: bytes, *, operation: str) -> None:
        self.status = head.status
        self.operation = operation
        self.code: str = "OK"
        self._head = head
        self._body = body

    async def send_to(self, request: Request, send: Send, extra: Headers) -> None:
        """Send head and body; a HEAD request gets the head alone."""
        await send_whole(request, send, self.status, joined(self._head.headers, extra), self._body)


class NoAnswer:
    """What is left where the client hung up before there was an answer."""

    __slots__ = ("code", "operation", "status")

    def __init__(self, *, operation: str) -> None:
        self.status = CLIENT_CLOSED_REQUEST
        self.code: str = CLIENT_GONE
        self.operation = operation

    async def send_to(self, request: Request, send: Send, extra: Headers) -> None:
        """Nothing is sent, since nobody listens."""


class StreamedAnswer:
    """
    An answer that goes out piece by piece as it comes in; a slow client slows the upstream down.

    An ordinary body is passed whole or, where it breaks, visibly cut. An event stream also ends, cleanly, when the
    caller's session is revoked or the access token expires; not a byte goes out once the one or the other is known.
    """

    __slots__ = ("_answer", "_curfew", "_first", "_head", "code", "operation", "status")

    def __init__(
        self, answer: UpstreamAnswer, head: Head, first: list[bytes], curfew: Curfew, *, operation: str
    ) -> None:
        self.status = head.status
        self.operation = operation
        self.code: str = "OK"
        self._answer = answer
        self._head = head
        self._first = first
        self._curfew = curfew

    async def send_to(self, request: Request, send: Send, extra: Headers) -> None:
        """
        Send until the upstream ends, or the curfew comes.

        Raises:
            BrokenAnswer: the upstream broke off, or the client takes nothing any more.
        """
        try:
            async with self._curfew as curfew:
                curfew.arm_for_client()
                if self._head.stays_open:
                    curfew.arm_for_session()
                await send({"type": "http.response.start", "status": self.status, "headers": self._headers(extra)})
                if request.method != "HEAD":
                    await self._pass(send)
        except UpstreamFailed as failure:
            self.code = Code.UPSTREAM_UNAVAILABLE
            raise BrokenAnswer(failure.reason) from failure
        except OSError:  # what servers of ASGI 2.4 raise towards a client that is gone
            self._curfew.ending = Ending.CLIENT_GONE
        finally:
            self.code = code_of(self._curfew.ending, self._head, self.code)
            await self._answer.close()
        await finish(send, self._curfew.ending)

    async def _pass(self, send: Send) -> None:
        for piece in self._first:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        while (piece := await self._answer.read()) and self._curfew.permits():
            await send({"type": "http.response.body", "body": piece, "more_body": True})

    def _headers(self, extra: Headers) -> Headers:
        headers = joined(self._head.headers, extra)
        if self._head.content_length is not None:
            headers.append(length_header(self._head.content_length))
        return headers


def length_header(length: int) -> tuple[bytes, bytes]:
    """The one Content-Length of an answer."""
    return (b"content-length", b"%d" % length)


def code_of(ending: Ending | None, head: Head, code: str) -> str:
    """The `code` of an answer that went out, for the log. A client may leave an event stream when it likes."""
    match ending:
        case None:
            return code
        case Ending.CLIENT_GONE:
            return "OK" if head.stays_open else CLIENT_GONE
        case Ending.REVOKED | Ending.EXPIRED:
            return Code.UNAUTHENTICATED
        case Ending.UNSURE:
            return Code.INTERNAL


async def finish(send: Send, ending: Ending | None) -> None:
    """
    Complete an answer.

    Raises:
        BrokenAnswer: it was ended by the curfew, and the client does not take the end.
    """
    if ending is Ending.CLIENT_GONE:
        return
    try:
        async with asyncio.timeout(None if ending is None else FAREWELL_SECONDS):
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        raise BrokenAnswer("the client did not take the end of its stream") from None
