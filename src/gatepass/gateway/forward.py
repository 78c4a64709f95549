"""The gateway itself: from a classified operation to the upstream's answer."""

from __future__ import annotations

from typing import Final

from gatepass.gateway.answers import CompleteAnswer, NoAnswer, StreamedAnswer
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.assertion import Assertions
from gatepass.gateway.bridge import BridgedAnswer
from gatepass.gateway.curfew import Curfew
from gatepass.gateway.downward import downward
from gatepass.gateway.hangup import Hangup
from gatepass.gateway.upstream import ClientGone, OnFault, Outgoing, Upstream, UpstreamAnswer, UpstreamFailed
from gatepass.gateway.upward import upward
from gatepass.http.asgi import Headers
from gatepass.http.messages import Answer, ForwardedOperation
from gatepass.usecases.ports import Clock
from gatepass.usecases.revoked_sessions import RevokedSessions

SMALL_BODY_BYTES: Final = 64 * 1024
"""An answer announced as no longer than this is read whole before it is sent, so that a broken one is still refused."""


class Gateway:
    """
    Forwards operations to one upstream. It implements `http.messages.Forward`.

    Small answers go out in one piece; larger ones and streams as they come. An upstream that gives no usable answer in
    time is `UpstreamUnavailable`; what was wrong is told to `on_fault` alone.
    """

    def __init__(
        self,
        upstream: Upstream,
        revoked: RevokedSessions,
        clock: Clock,
        *,
        on_fault: OnFault,
        forward_bearer: bool = False,
        assertions: Assertions | None = None,
    ) -> None:
        """
        Put a gateway before an upstream.

        Args:
            upstream: started and closed by whoever made it.
            revoked: ends the open streams of sessions that are revoked.
            on_fault: told of each failure of the upstream.
            forward_bearer: whether the client's access token goes up too. An upstream that has it can use it on
                everything else behind Gatepass; the identity headers are enough for most.
            assertions: signs who is asking what; None: the upstream is not told that way.
        """
        self._upstream = upstream
        self._revoked = revoked
        self._clock = clock
        self._on_fault = on_fault
        self._forward_bearer = forward_bearer
        self._assertions = assertions

    async def __call__(self, operation: ForwardedOperation) -> Answer:
        """
        Send the operation to the upstream and answer with what it answers.

        Raises:
            UpstreamUnavailable: no usable answer within the timeout.
            NotAcceptable: the upstream has none in a form that the client accepts.
            Unauthenticated: the caller's identity cannot stand in headers.
            KeyUnusable: an assertion was to go along, and there is no key to sign it.
        """
        request = operation.request
        hangup = Hangup(request.receive)
        outgoing = Outgoing(
            operation.body,
            self._upward(operation),
            operation.kind,
            hangup=hangup,
            caller=operation.caller,
            request=request,
        )
        if isinstance(self._upstream, AsgiUpstream):
            return BridgedAnswer(self._upstream, outgoing, self._curfew(outgoing), self._on_fault)
        try:
            return await self._fetched(self._upstream, outgoing)
        except ClientGone:
            return NoAnswer(operation=operation.kind)
        except UpstreamFailed as failure:
            self._on_fault(failure.reason, failure.__cause__)
            raise failure.refusal from None

    def _upward(self, operation: ForwardedOperation) -> Headers:
        headers = upward(operation, forward_bearer=self._forward_bearer)
        if self._assertions is not None:
            headers.append(self._assertions.header(operation.caller, operation.body))
        return headers

    async def _fetched(self, upstream: Upstream, outgoing: Outgoing) -> Answer:
        answer = None
        try:
            answer = await upstream.send(outgoing)
            return await self._answer(answer, outgoing)
        except BaseException:
            outgoing.hangup.stop()
            if answer is not None:
                await answer.close()
            raise

    async def _answer(self, answer: UpstreamAnswer, outgoing: Outgoing) -> Answer:
        head = downward(answer.status, answer.headers, outgoing)
        pieces: list[bytes] = []
        if head.stays_open:
            answer.keep_open()
        else:
            whole = head.content_length is not None and head.content_length <= SMALL_BODY_BYTES
            pieces.append(await answer.read())
            while whole and not answer.ended:
                pieces.append(await answer.read())
            if answer.ended:
                outgoing.hangup.stop()
                await answer.close()
                return CompleteAnswer(head, b"".join(pieces), operation=outgoing.kind)
        return StreamedAnswer(answer, head, pieces, self._curfew(outgoing), operation=outgoing.kind)

    def _curfew(self, outgoing: Outgoing) -> Curfew:
        return Curfew(outgoing.hangup, outgoing.caller, self._revoked, self._clock)
