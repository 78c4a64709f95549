"""The answer of an application in this process: it runs while its answer goes out, without a task or queue between."""

from __future__ import annotations

from enum import Enum, auto

from gatepass.domain.errors import Code
from gatepass.gateway.answers import BrokenAnswer, code_of, finish, length_header
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.curfew import Curfew, Ending
from gatepass.gateway.downward import Head, downward, joined
from gatepass.gateway.upstream import OnFault, Outgoing, UpstreamFailed
from gatepass.http.asgi import Headers, Message, Send
from gatepass.http.edge import error_response
from gatepass.http.messages import Request


class BridgedAnswer:
    """
    Runs the application when it is sent. `status` and `code` are known afterwards.

    Because nothing of the application is known before, a missing or unusable head is answered here, in the edge's form,
    and not raised by the gateway.
    """

    __slots__ = ("_curfew", "_on_fault", "_outgoing", "_upstream", "code", "operation", "status")

    def __init__(self, upstream: AsgiUpstream, outgoing: Outgoing, curfew: Curfew, on_fault: OnFault) -> None:
        self._upstream = upstream
        self._outgoing = outgoing
        self._curfew = curfew
        self._on_fault = on_fault
        self.operation = outgoing.kind
        self.code: str = "OK"
        self.status = 0

    async def send_to(self, request: Request, send: Send, extra: Headers) -> None:
        """
        Run the application and pass its answer on, until it ends or the curfew comes.

        Work that follows a complete answer is run too; its failure is reported and harms nobody.

        Raises:
            BrokenAnswer: the application failed within its answer.
        """
        passage = _Passage(self._outgoing, self._curfew, request, send, extra)
        failure: Exception | None = None
        try:
            async with self._curfew:
                await self._upstream.run(self._outgoing, passage.take)
        except Exception as error:  # the application is not ours; whatever it raises is its failure
            failure = error
        try:
            await self._conclude(passage, failure)
        finally:
            self.status, self.code = passage.status, passage.code

    async def _conclude(self, passage: _Passage, failure: Exception | None) -> None:
        reason = passage.reason
        if passage.stage is _Stage.NOTHING:
            reason = "the application gave no answer"
            await passage.refuse(UpstreamFailed(reason))
        elif passage.stage is _Stage.STARTED:
            await passage.end(failure)
        elif failure is not None:
            reason = "the application failed after its answer"
        if reason:
            self._on_fault(reason, failure)


class _Stage(Enum):
    """How much of the answer is out."""

    NOTHING = auto()
    STARTED = auto()
    COMPLETE = auto()


class _Passage:
    """What stands between the application's `send` and the server's."""

    __slots__ = ("_curfew", "_extra", "_head", "_outgoing", "_request", "_send", "code", "reason", "stage", "status")

    def __init__(self, outgoing: Outgoing, curfew: Curfew, request: Request, send: Send, extra: Headers) -> None:
        self._outgoing = outgoing
        self._curfew = curfew
        self._request = request
        self._send = send
        self._extra = extra
        self._head: Head | None = None
        self.stage = _Stage.NOTHING
        self.status = 0
        self.code: str = "OK"
        self.reason = ""

    async def take(self, message: Message) -> None:
        """What the application sends; nothing passes once the answer is complete or the curfew has come."""
        if self.stage is _Stage.COMPLETE or self._curfew.ending is not None:
            return
        if message["type"] == "http.response.start":
            await self._take_head(message["status"], message.get("headers", []))
        elif message["type"] == "http.response.body" and self._head is not None:
            await self._take_piece(self._head, message.get("body", b""), more=message.get("more_body", False))

    async def refuse(self, failure: UpstreamFailed) -> None:
        """Answer in the application's place that it did not."""
        self.reason = failure.reason
        self.stage = _Stage.COMPLETE
        self.code = failure.refusal.code
        response = error_response(failure.refusal, self._request)
        self.status = response.status
        await response.send_to(self._request, self._send, self._extra)

    async def end(self, failure: Exception | None) -> None:
        """
        End what was started, as the curfew asks.

        Raises:
            BrokenAnswer: there was no curfew; the application broke off.
        """
        if self._curfew.ending is None or self._head is None:
            self.code = Code.UPSTREAM_UNAVAILABLE
            raise BrokenAnswer("the application did not complete its answer") from failure
        self.code = code_of(self._curfew.ending, self._head, self.code)
        await finish(self._send, self._curfew.ending)

    async def _take_head(self, status: int, headers: Headers) -> None:
        try:
            self._head = downward(status, headers, self._outgoing)
        except UpstreamFailed as failure:
            await self.refuse(failure)
            return
        self.status = self._head.status
        if self._head.stays_open:
            self._curfew.arm_for_client()
            self._curfew.arm_for_session()
            await self._start(self._head, None)

    async def _take_piece(self, head: Head, piece: bytes, *, more: bool) -> None:
        if self.stage is _Stage.NOTHING:
            await self._start(head, head.content_length if more else len(piece))
        if head.stays_open and not self._curfew.permits():
            return
        if not more:
            self.stage = _Stage.COMPLETE
        body = b"" if self._request.method == "HEAD" else piece
        await self._out({"type": "http.response.body", "body": body, "more_body": more})

    async def _start(self, head: Head, length: int | None) -> None:
        self.stage = _Stage.STARTED
        headers = joined(head.headers, self._extra)
        if length is not None:
            headers.append(length_header(length))
        await self._out({"type": "http.response.start", "status": head.status, "headers": headers})

    async def _out(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:  # what servers of ASGI 2.4 raise towards a client that is gone
            self._curfew.ending = Ending.CLIENT_GONE
            raise
