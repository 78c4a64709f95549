"""
The one table of what an error is on HTTP.

Two columns of statuses, because GraphQL over HTTP has two response media types: `application/json`, where scripts
of this protocol expect 200 for everything that reached the GraphQL layer, and `application/graphql-response+json`.
Refusals of the transport (`gatepass.http.refusals`) carry one status for both.

`executed` rows are field errors: the answer has `"data": null`, which the GraphQL-over-HTTP draft calls a partial
success (294). The others are request errors without a data entry.

Source: GraphQL over HTTP (draft) §6.4; statuses 400 for validation as the `graphql-http` audits ask; RFC 6750 §3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gatepass.domain.errors import Code, GatepassError, Refused, Unauthenticated
from gatepass.http.asgi import Headers
from gatepass.http.refusals import MethodNotAllowed

INTERNAL_MESSAGE: Final = "Internal error. Quote the request id when you report it."


@dataclass(frozen=True, slots=True)
class Row:
    """How one code is answered."""

    json: int
    graphql_response: int
    executed: bool = False


TABLE: Final[dict[Code, Row]] = {
    Code.INVALID_CREDENTIALS: Row(200, 294, executed=True),
    Code.INVALID_REFRESH_TOKEN: Row(200, 294, executed=True),
    Code.FLOW_UNAVAILABLE: Row(200, 294, executed=True),
    Code.UNAUTHENTICATED: Row(401, 401),
    Code.FORBIDDEN: Row(403, 403),
    Code.RATE_LIMITED: Row(200, 429),
    Code.OVERLOADED: Row(200, 503),
    Code.BAD_USER_INPUT: Row(200, 400),
    Code.GRAPHQL_PARSE_FAILED: Row(200, 400),
    Code.GRAPHQL_VALIDATION_FAILED: Row(200, 400),
    Code.REQUEST_TOO_LARGE: Row(413, 413),
    Code.UPSTREAM_UNAVAILABLE: Row(502, 502),
    Code.INTERNAL: Row(500, 500),
}


def status_of(error: GatepassError, *, graphql_response: bool) -> int:
    """The HTTP status of an error for one of the two media types."""
    fixed = getattr(error, "status", None)
    if isinstance(fixed, int):
        return fixed
    row = TABLE[error.code]
    return row.graphql_response if graphql_response else row.json


def headers_of(error: GatepassError) -> Headers:
    """
    The headers that belong to an error: the bearer challenge, Retry-After, Allow.

    Source: RFC 6750 §3, RFC 9110 §10.2.3 and §15.5.6.
    """
    headers: Headers = []
    if isinstance(error, Unauthenticated):
        headers.append(bearer_challenge("invalid_token", error.message) if error.presented else bearer_challenge())
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode("ascii")))
    if isinstance(error, Refused) and error.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
    return headers


def message_of(error: GatepassError) -> str:
    """What the caller may read. A fault says nothing of itself."""
    return error.message if isinstance(error, Refused) else INTERNAL_MESSAGE


def bearer_challenge(error: str | None = None, description: str = "", **more: str) -> tuple[bytes, bytes]:
    """
    The header WWW-Authenticate, with an error code of RFC 6750 §3.1 where a token was presented.

    Args:
        description: for people; what no quoted string may hold is replaced.
        more: further attributes, `scope` for example; of visible ASCII without quotes.
    """
    attributes = {"realm": "gatepass"}
    if error is not None:
        plain = (c if c.isascii() and c.isprintable() and c not in '"\\' else "'" for c in description)
        attributes |= {"error": error, "error_description": "".join(plain)}
    text = ", ".join(f'{name}="{value}"' for name, value in (attributes | more).items())
    return (b"www-authenticate", f"Bearer {text}".encode("ascii"))
