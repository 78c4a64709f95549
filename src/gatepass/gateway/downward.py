"""
What of an upstream's head comes down to the client.

A usable answer has a status of 2xx, 4xx or 5xx and a media type of GraphQL; its status and body come down as they are.
All else (a redirect, a page, an empty answer, another protocol) is no answer. Two statuses are translated:

- 401 to someone who showed a valid bearer becomes 403: the upstream refuses the caller, not the token, and a client
  that reads 401 would refresh and repeat for ever (RFC 9110 §15.5.4). To someone without a bearer (public operations)
  it stays 401, with our own challenge.
- 407 is between the gateway and a proxy of its own: no answer.

A 406 without GraphQL in it is told to the caller as one: it is the caller's Accept that the upstream cannot meet.

Headers come down without hop-by-hop ones; Set-Cookie (no cookie would go up again); challenges (their realm is not
ours, and `Basic` makes browsers ask for a password in our name); Access-Control-*, since who may read across origins is
the gateway's to say; the upstream's own X-Gatepass-*; what describes its machinery; and what changes a browser's state
for the whole origin, which is ours and has the IDE on it. What is asked with GET by a known caller is never cached by
others: caches do not know the header `Authorisation`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from gatepass.domain.errors import Refused, Unauthenticated, UpstreamUnavailable
from gatepass.gateway.header_names import HOP_BY_HOP, OURS, PassingNames, appended, without_named
from gatepass.gateway.upstream import Outgoing, UpstreamFailed
from gatepass.http.asgi import Headers
from gatepass.http.error_table import headers_of
from gatepass.http.messages import NO_STORE
from gatepass.http.refusals import NotAcceptable

_PASSING: Final = PassingNames(
    HOP_BY_HOP,
    OURS,
    "content-length location refresh set-cookie set-cookie2 www-authenticate authentication-info access-control-*",
    "server date via x-powered-by x-aspnet-version x-aspnetmvc-version x-accel-redirect x-sendfile",
    "strict-transport-security public-key-pins expect-ct alt-svc clear-site-data accept-ch critical-ch",
    "nel report-to reporting-endpoints service-worker-allowed",
)
_OPEN: Final = frozenset((b"text/event-stream", b"multipart/mixed"))
_GRAPHQL: Final = frozenset((b"application/json", b"application/graphql-response+json")) | _OPEN
REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_PROXY_AUTHENTICATION_REQUIRED: Final = 407
_USABLE: Final = frozenset((*range(200, 300), *range(400, 600))) - {204, 205, 206, _PROXY_AUTHENTICATION_REQUIRED}
_MAX_DIGITS: Final = 15


class Head:
    """
    The head of a usable answer as it goes down.

    `stays_open` marks media types that stay open: event streams and multipart ones.
    """

    __slots__ = ("content_length", "headers", "status", "stays_open")

    def __init__(self, status: int, headers: Headers, content_length: int | None, *, stays_open: bool) -> None:
        self.status = status
        self.headers = headers
        self.content_length = content_length
        self.stays_open = stays_open


def downward(status: int, headers: Headers, outgoing: Outgoing) -> Head:
    """
    The head that comes down, without Content-Length, which belongs to whoever sends the body.

    Raises:
        UpstreamFailed: this is no usable answer.
    """
    kept: Headers = []
    media_type = connection = retry_after = b""
    length: int | None = None
    for name, value in headers:
        if passed := _PASSING[name]:
            if passed == b"content-type":
                if media_type:
                    continue
                media_type = _media_type(value)
            elif passed == b"retry-after":
                retry_after = value
            kept.append((passed, value))
        elif (lower := name.lower()) == b"content-length":
            length = _number(value)
        elif lower == b"connection":
            connection = appended(connection, value)
    if status not in _USABLE or media_type not in _GRAPHQL:
        refuse_redirect(status, headers)
        raise UpstreamFailed(
            f"the upstream's answer has status {status} and media type {media_type[:100]!r}: not one of GraphQL",
            refusal=_refusal(status, _number(retry_after)),
        )
    if connection:
        kept = without_named(kept, connection)
    return _translated(Head(status, kept, length, stays_open=media_type in _OPEN), outgoing)


def refuse_redirect(status: int, headers: Headers) -> None:
    """
    Name where an upstream would rather be asked: it is asked with POST, and with an identity, which go nowhere else.

    Raises:
        UpstreamFailed: it redirects.
    """
    if status in REDIRECTS:
        place = next((value for name, value in headers if name.lower() == b"location"), b"")
        raise UpstreamFailed(f"the upstream redirects to {place[:200]!r}, and no redirect is followed")


def joined(headers: Headers, extra: Headers) -> Headers:
    """The upstream's headers and the edge's; where both have one, the edge's counts."""
    names = dict(extra)
    return [header for header in headers if header[0] not in names] + extra


def _refusal(status: int, retry_after: int | None) -> Refused:
    """GraphQL Yoga answers 406 and nothing more where a subscription was asked for as JSON: trying again is no use."""
    if status == NotAcceptable.status:
        return NotAcceptable(
            "The API behind this gateway does not answer this operation in a form that the Accept header names: "
            "subscriptions want text/event-stream."
        )
    return UpstreamUnavailable(retry_after_seconds=retry_after)


def _translated(head: Head, outgoing: Outgoing) -> Head:
    known = outgoing.caller is not None
    if head.status == _UNAUTHORIZED:
        head.status = _FORBIDDEN if known else _UNAUTHORIZED
        head.headers += [] if known else headers_of(Unauthenticated())
    if known and outgoing.request is not None and outgoing.request.method != "POST":
        head.headers = [*(header for header in head.headers if header[0] != NO_STORE[0]), NO_STORE]
    return head


@lru_cache(maxsize=128)
def _media_type(value: bytes) -> bytes:
    return value.partition(b";")[0].strip().lower()


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= _MAX_DIGITS else None
