"""The outermost part: ASGI in, one answer out, one observation, and nothing escapes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import msgspec

from gatepass.domain.errors import Code, Fault, GatepassError
from gatepass.http.asgi import Headers, Receive, Scope, Send, whole_exchange
from gatepass.http.client_address import ClientAddress
from gatepass.http.cross_origin import CrossOrigin
from gatepass.http.error_table import headers_of, message_of, status_of
from gatepass.http.in_flight import InFlight
from gatepass.http.messages import NO_STORE, Answer, Request, Response
from gatepass.http.query_string import refuse_endless
from gatepass.http.request_id import NAME, request_id
from gatepass.http.security_headers import EVERY_ANSWER, NOT_A_PAGE

Handler = Callable[[Request], Awaitable[Answer]]
Observer = Callable[[Request, Answer, float], None]
"""Told of each answer when it is out, with the seconds that it took."""
FaultReporter = Callable[[Request, BaseException], None]


class ClientGoneError(Exception):
    """The client hung up before its request was whole. Nobody is left to answer."""


class Edge:
    """Turns a handler into an ASGI application for `http` scopes."""

    def __init__(
        self,
        handler: Handler,
        *,
        observe: Observer,
        report: FaultReporter,
        client_address: ClientAddress | None = None,
        cross_origin: CrossOrigin | None = None,
        in_flight: InFlight | None = None,
    ) -> None:
        self._handler = handler
        self._client_address = client_address or ClientAddress()
        self._cross_origin = cross_origin or CrossOrigin()
        self._in_flight = in_flight or InFlight()
        self._observe = observe
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A fault becomes 500 with a request id and is reported; it never shows itself."""
        started = time.perf_counter()
        request = Request(
            scope,
            receive,
            request_id=request_id(scope["headers"]),
            client="",
            whole=whole_exchange(scope, receive, send),
        )
        try:
            await self._exchange(request, send, started)
        except ClientGoneError:
            return
        finally:
            self._in_flight.leave(request)

    async def _exchange(self, request: Request, send: Send, started: float) -> None:
        answer = await self._answer(request)
        extra: Headers = [(NAME, request.id.encode("ascii")), *EVERY_ANSWER, *self._cross_origin.headers(request)]
        try:
            await answer.send_to(request, send, extra)
        except Exception as error:
            # The head is out: returning without an end makes the server cut the connection, so that a broken
            # answer never looks like a whole one.
            answer.code = Code.INTERNAL if answer.code == "OK" else answer.code
            self._report(request, error)
        self._observe(request, answer, time.perf_counter() - started)

    async def _answer(self, request: Request) -> Answer:
        try:
            request.client = self._client_address(request.scope)
            if request.query_string:
                refuse_endless(request.query_string)
            self._in_flight.enter(request)
            return self._cross_origin.preflight(request) or await self._handler(request)
        except ClientGoneError:
            raise
        except GatepassError as error:
            if isinstance(error, Fault):
                self._report(request, error)
            return error_response(error, request)
        except Exception as error:  # the last place that can keep a stack trace from the caller
            self._report(request, error)
            return error_response(Fault(), request)


def error_response(error: GatepassError, request: Request) -> Response:
    """The answer to an error outside GraphQL's own media types: JSON in the shape of a GraphQL error."""
    body = {"errors": [{"message": message_of(error), "extensions": {"code": error.code, "requestId": request.id}}]}
    return Response(
        status_of(error, graphql_response=False),
        msgspec.json.encode(body),
        [(b"content-type", b"application/json; charset=utf-8"), NO_STORE, NOT_A_PAGE, *headers_of(error)],
        code=error.code,
    )
