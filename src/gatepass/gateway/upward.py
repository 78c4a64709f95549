"""
Which headers go up to the upstream: the client's, without

- hop-by-hop ones, the framing of the client's own message, Expect, Range and If-*: the upstream always gets one
  complete JSON POST;
- credentials: Authorization and Authorisation (the bearer goes up only where the setting says so), and Cookie. A
  browser sends cookies unasked, so an upstream that honours one would see a second identity beside the bearer's;
- what speaks in a proxy's place: Forwarded, X-Forwarded-*, X-Real-IP, Remote-User and their like, overrides of method
  and URL, and every X-Gatepass-* in any spelling. Also Proxy, which CGI makes the variable HTTP_PROXY of (httpoxy).

Accept is reduced to what can be passed down again. Accept-Encoding goes up as it is, because bodies pass unopened;
none becomes `identity`. A missing User-Agent stays missing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gatepass.gateway.header_names import HOP_BY_HOP, OURS, PassingNames, appended, without_named
from gatepass.http.asgi import Headers
from gatepass.http.identity_headers import identity_headers
from gatepass.http.messages import ForwardedOperation

_PASSING: Final = PassingNames(
    HOP_BY_HOP,
    OURS,
    "host content-* expect max-forwards range if-* accept accept-encoding",
    "authorization authorisation cookie cookie2",
    "forwarded x-forwarded-* via x-real-ip x-client-ip x-cluster-client-ip true-client-ip cf-connecting-ip",
    "client-ip fastly-client-ip remote-* x-remote-* x-auth-request-* proxy",
    "x-original-* x-rewrite-url x-http-method x-http-method-override x-method-override",
)
_JSON: Final = (b"content-type", b"application/json")
_ACCEPTABLE: Final = frozenset(
    ("application/json", "application/graphql-response+json", "text/event-stream", "multipart/mixed")
)
_PARAMETERS: Final = re.compile(r'[A-Za-z0-9=.;" _-]{0,100}')
_MAX_ACCEPT_BYTES: Final = 1024


def upward(operation: ForwardedOperation, *, forward_bearer: bool) -> Headers:
    """
    The headers that go up, all but Host and Content-Length, which belong to the upstream's adapter.

    Identity is what `identity_headers` makes of the caller. X-Request-ID is the request's id, X-Forwarded-For the
    client's address as the edge determined it.

    Raises:
        Unauthenticated: the caller's identity cannot stand in headers.
    """
    request = operation.request
    headers: Headers = [_JSON]
    accept = encoding = connection = b""
    for name, value in request.headers:
        if passed := _PASSING[name]:
            headers.append((passed, value))
        elif name == b"accept":
            accept = appended(accept, value)
        elif name == b"accept-encoding":
            encoding = appended(encoding, value)
        elif name == b"connection":
            connection = appended(connection, value)
    if connection:
        headers = without_named(headers, connection)
    headers.append((b"accept", accepted(accept[:_MAX_ACCEPT_BYTES])))
    headers.append((b"accept-encoding", encoding or b"identity"))
    headers.append((b"x-request-id", request.id.encode("ascii")))
    if request.client:
        headers.append((b"x-forwarded-for", request.client.encode("latin-1", "replace")))
    if operation.caller is not None:
        headers += identity_headers(operation.caller)
    if forward_bearer and operation.bearer is not None:
        headers.append((b"authorization", b"Bearer " + operation.bearer.encode("ascii")))
    return headers


@lru_cache(maxsize=512)
def accepted(accept: bytes) -> bytes:
    """
    The Accept header for the upstream: what the client accepts of what can be passed down.

    A wildcard becomes `application/json`, which is what the scripts of this protocol expect from it.
    """
    found: dict[str, str] = {}
    for part in accept.decode("latin-1").split(","):
        name, _, parameters = (piece.strip() for piece in part.partition(";"))
        name = "application/json" if name in ("*/*", "application/*") else name.lower()
        if name in _ACCEPTABLE and name not in found and _PARAMETERS.fullmatch(parameters):
            found[name] = f"{name};{parameters}" if parameters else name
    return ", ".join(found.values()).encode("latin-1") or b"application/json"
