"""The request id: taken from a well-formed X-Request-ID, made here otherwise."""

from __future__ import annotations

import itertools
import re
import secrets

from gatepass.http.asgi import Headers

NAME = b"x-request-id"
_FORM = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


# Unique and not secret: a random part for each process, then a number.
_PROCESS = secrets.token_hex(6)
_NUMBERS = itertools.count(1)


def request_id(headers: Headers) -> str:
    """
    The id under which this request is logged, answered and forwarded.

    A foreign id is believed only in a form that can do no harm in a log line or a header.
    """
    for name, value in headers:
        if name == NAME:
            return value.decode("ascii") if _FORM.fullmatch(value) else _made()
    return _made()


def _made() -> str:
    return f"{_PROCESS}-{next(_NUMBERS):x}"
