"""Requests that never become one for the application: what stops the parser, and what the client reads."""

from __future__ import annotations

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gatepass.domain.errors import Code
from gatepass.http.asgi import Headers
from gatepass.http.security_headers import EVERY_ANSWER


class HeadTooLargeError(Exception):
    """Raised through the parser to stop it."""


class BadHostError(Exception):
    """Raised through the parser to stop it: no Host, several, or one that is none."""


class TooManyPipelinedError(Exception):
    """Raised through the parser to stop it: what is here is answered, and the client sends the rest again."""


class UnknownCodingError(Exception):
    """Raised through the parser to stop it: the body is not only chunked, and whoever decodes it reads another one."""


def refusal(status: int, code: Code, message: str, default_headers: Headers) -> bytes:
    """The whole answer, in our error form; it is the last of its connection."""
    body = msgspec.json.encode({"errors": [{"message": message, "extensions": {"code": code}}]})
    headers = [
        *default_headers,
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
        *EVERY_ANSWER,
    ]
    return STATUS_LINE[status] + b"".join(b"%b: %b\r\n" % pair for pair in headers) + b"\r\n" + body
