"""
The one table of what a refusal is on the endpoints of OAuth 2.

| `error` | status | when |
| --- | --- | --- |
| `invalid_request` | 400, also 405, 408, 413 | the request cannot be understood |
| `invalid_client` | 401 | the client is not known, or not proven |
| `invalid_grant` | 400 | a code or a refresh token that is not good (any more), or another client's |
| `unauthorized_client` | 400 | the client was not registered for this grant |
| `unsupported_grant_type` | 400 | |
| `invalid_scope` | 400 | more than the client may have |
| `invalid_target` | 400 | `resource` is another API than the one behind this server |
| `authorization_pending`, `slow_down`, `access_denied`, `expired_token` | 400 | device sign-in |
| `temporarily_unavailable` | 429, 503 | too many; `Retry-After` says when to come back |
| `server_error` | 500 | ours; the request id finds it in the log |

Source: RFC 6749 §5.2, RFC 8628 §3.5, RFC 8707 §2; the last two are those of RFC 6749 §4.1.2.1.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gatepass.domain.errors import (
    ClientRefused,
    CodeDenied,
    CodeExpired,
    CodeRefused,
    GatepassError,
    GrantRefused,
    InvalidRefreshToken,
    Overloaded,
    RateLimited,
    Refused,
    ScopeRefused,
)
from gatepass.http.asgi import Headers
from gatepass.http.error_table import headers_of, message_of
from gatepass.http.messages import NO_STORE, Response
from gatepass.http.refusals import BadRequest
from gatepass.http.security_headers import NOT_A_PAGE

JSON: Final = (b"content-type", b"application/json")
PRAGMA: Final = (b"pragma", b"no-cache")
"""Asked for by RFC 6749 §5.1 beside `no-store`, for caches of 1996."""
_CHALLENGE: Final = (b"www-authenticate", b'Basic realm="gatepass", charset="UTF-8"')
_ROWS: Final[tuple[tuple[type[GatepassError], str, int], ...]] = (
    (ClientRefused, "invalid_client", 401),
    (GrantRefused, "unauthorized_client", 400),
    (ScopeRefused, "invalid_scope", 400),
    (CodeExpired, "expired_token", 400),
    (CodeDenied, "access_denied", 400),
    (CodeRefused, "invalid_grant", 400),
    (InvalidRefreshToken, "invalid_grant", 400),
    (RateLimited, "temporarily_unavailable", 429),
    (Overloaded, "temporarily_unavailable", 503),
)
"""The first that fits; transport refusals have their own status, and what is left is ours."""


class OauthError(BadRequest):
    """A refusal that has its word already."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class InvalidRequest(OauthError):
    """A parameter is missing, there twice, or cannot be used."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_request", description)


def word_of(error: GatepassError) -> tuple[str, int]:
    """`error` and status."""
    if isinstance(error, OauthError):
        return error.error, error.status
    for kind, word, status in _ROWS:
        if isinstance(error, kind):
            return word, status
    if isinstance(error, Refused):
        return "invalid_request", int(getattr(error, "status", 400))
    return "server_error", 500


def refusal(error: GatepassError, *, operation: str, request_id: str) -> Response:
    """The answer to a refusal or a fault, in the form of RFC 6749 §5.2."""
    word, status = word_of(error)
    body = {"error": word, "error_description": description_of(error)}
    if word == "server_error":
        body["error_description"] += f" Request id: {request_id}"
    headers: Headers = [JSON, NO_STORE, PRAGMA, NOT_A_PAGE, *headers_of(error)]
    if status == 401:  # noqa: PLR2004 - RFC 9110 §15.5.2: such an answer always has a challenge
        headers.append(_CHALLENGE)
    return Response(status, msgspec.json.encode(body), headers, operation=operation, code=word)


def description_of(error: GatepassError) -> str:
    """The words for people, in the characters that RFC 6749 §5.2 allows."""
    quoted = message_of(error).replace('"', "'").replace("\\", "/")
    return "".join(character if " " <= character <= "~" else "?" for character in quoted)
