"""A request as every room sees it, and the answer it gives back. One pass: a handler returns, the edge sends."""

from __future__ import annotations

from typing import Final, Protocol

from gatepass.domain.access_token import Caller
from gatepass.http.asgi import Headers, Receive, Scope, Send, WholeExchange
from gatepass.http.refusals import BadRequest

NO_STORE: Final = (b"cache-control", b"no-store")
_NOT_MODIFIED: Final = 304
SINGLE: Final = frozenset({b"authorization", b"authorisation", b"content-type", b"content-length", b"host"})


class Request:
    """
    An HTTP request on its way through.

    `id` is the request id (made here or taken from a well-formed X-Request-ID), `client` the client's address as
    `ClientAddress` finds it, `method` empty where a WebSocket is asked for, `whole` the short way to read and answer
    it, where there is one, `counted_as` what `InFlight` counts it as.
    """

    __slots__ = ("_by_name", "client", "counted_as", "headers", "id", "method", "path", "receive", "scope", "whole")

    def __init__(
        self, scope: Scope, receive: Receive, *, request_id: str, client: str, whole: WholeExchange | None = None
    ) -> None:
        self.scope = scope
        self.whole = whole
        self.receive = receive
        self.id = request_id
        self.client = client
        self.counted_as: str | None = None
        self.method: str = scope.get("method", "")
        self.path: str = scope["path"]
        self.headers: Headers = scope["headers"]
        self._by_name = dict(self.headers)

    def header(self, name: bytes) -> bytes | None:
        """
        The value of a header, the first where it may repeat.

        Raises:
            BadRequest: one of `SINGLE` is there twice; which one counts is where attacks live.
        """
        if len(self._by_name) == len(self.headers):
            return self._by_name.get(name)
        values = self._values(name)
        if len(values) > 1 and name in SINGLE:
            raise BadRequest(f"The header {name.decode('ascii').title()} is there more than once: send it once.")
        return values[0] if values else None

    def header_list(self, name: bytes) -> bytes | None:
        """The value of a header that is a list; several are one list (RFC 9110 §5.3)."""
        if len(self._by_name) == len(self.headers):
            return self._by_name.get(name)
        return b",".join(self._values(name)) if name in self._by_name else None

    def _values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    @property
    def query_string(self) -> bytes:
        """The raw query string."""
        value: bytes = self.scope.get("query_string", b"")
        return value


class Answer(Protocol):
    """
    What a handler returns. After `send_to` its attributes hold what went out, for the log line.

    `operation` is a short fixed word (`sign_in`, `query`, `introspection`, …), `code` "OK" or an error code.
    """

    operation: str
    code: str
    status: int

    async def send_to(self, request: Request, send: Send, extra: Headers) -> None:
        """Send it once; `extra` are the headers that the edge adds to every answer."""
        ...


class Response:
    """An answer whose body is there."""

    __slots__ = ("body", "code", "headers", "operation", "status")

    def __init__(self, status: int, body: bytes, headers: Headers, *, operation: str = "", code: str = "OK") -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.operation = operation
        self.code = code

    async def send_to(self, request: Request, send: Send, extra: Headers) -> None:
        """Send head and body; a HEAD request gets the head alone, and 304 says nothing of a length (RFC 9110 §8.6)."""
        await send_whole(request, send, self.status, [*self.headers, *extra], self.body)


async def send_whole(request: Request, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """
    Send an answer whose body is there. A HEAD request gets the head alone.

    Args:
        headers: all but Content-Length.
    """
    if status != _NOT_MODIFIED:
        if request.whole is not None and request.whole.answer(status, headers, body):
            return
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


class ForwardedOperation:
    """
    A protected operation on its way to the upstream: classified, bearer checked.

    `body` is JSON and the very bytes that were validated; `kind` is query, mutation or subscription; `caller` is None
    only where public operations are allowed and no bearer was sent; `bearer` is the token as presented.
    """

    __slots__ = ("bearer", "body", "caller", "kind", "request")

    def __init__(self, request: Request, body: bytes, kind: str, caller: Caller | None, bearer: str | None) -> None:
        self.request = request
        self.body = body
        self.kind = kind
        self.caller = caller
        self.bearer = bearer


class Forward(Protocol):
    """The gateway, as the GraphQL endpoint sees it."""

    async def __call__(self, operation: ForwardedOperation) -> Answer:
        """
        Send the operation to the upstream and answer with what it answers.

        Raises:
            UpstreamUnavailable: no usable answer within the timeout.
        """
        ...
