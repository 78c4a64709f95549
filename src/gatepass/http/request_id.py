"""The request id: taken from a well-formed X-Request-ID, made here otherwise."""

from __future__ import annotations

import re
import secrets

from gatepass.http.asgi import Headers

NAME = b"x-request-id"
_FORM = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def request_id(headers: Headers) -> str:
    """
    The id under which this request is logged, answered and forwarded.

    A foreign id is believed only in a form that can do no harm in a log line or a header.
    """
    for name, value in headers:
        if name == NAME:
            return value.decode("ascii") if _FORM.fullmatch(value) else secrets.token_hex(8)
    return secrets.token_hex(8)
