"""What is common to both middlewares: the header, how a request is refused, and the headers that are proven."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Unauthenticated
from gatepass.gateway.header_names import IDENTITY, PassingNames
from gatepass.http.asgi import Headers
from gatepass.http.identity_headers import identity_headers
from gatepass.verify.assertion import AssertionRefused

DEFAULT_MAX_BODY_BYTES: Final = 1_048_576
_OTHERS: Final = PassingNames(IDENTITY)
_log = logging.getLogger("gatepass.verify")


class RequestRefused(Exception):
    """An answer in the application's place, in the form of a GraphQL error. The caller is told nothing to work with."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.body = json.dumps({"errors": [{"message": message, "extensions": {"code": code}}]}).encode()
        self.headers: Headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", b"%d" % len(self.body)),
            (b"cache-control", b"no-store"),
            # RFC 9110 §15.5.2 wants a challenge; there is nothing that a browser or a client could do with it.
            *([(b"www-authenticate", b"Gatepass-Assertion")] if status == 401 else []),  # noqa: PLR2004
        ]
        super().__init__(message)

    @classmethod
    def too_large(cls, limit: int) -> RequestRefused:
        """The body is larger than the middleware reads."""
        return cls(413, "REQUEST_TOO_LARGE", f"The body is larger than {limit} bytes (max_body_bytes).")


@contextmanager
def refusing(method: str, path: str) -> Iterator[None]:
    """Turn what is wrong with an assertion into an answer, and tell the log of every refusal."""
    what = f"refused {ascii(method)[1:-1]} {ascii(path[:200])[1:-1]}"
    try:
        yield
    except RequestRefused as refused:
        _log.warning("%s: %s", what, refused)
        raise
    except AssertionRefused as refused:
        _log.warning("%s: %s", what, refused.reason)
        message = "This API answers what its gateway sends, and nothing else."
        raise RequestRefused(401, "UNAUTHENTICATED", message) from None


def anonymous(headers: Headers) -> Headers:
    """The headers without what claims an identity, in any spelling."""
    return [(name, value) for name, value in headers if _OTHERS[name]]


def proven_identity(caller: Caller | None) -> Headers:
    """
    The headers of an identity that is proven; none where nobody is signed in.

    Raises:
        AssertionRefused: it cannot stand in headers.
    """
    try:
        return list(identity_headers(caller)) if caller is not None else []
    except Unauthenticated:
        raise AssertionRefused("the assertion says who is asking in characters that cannot stand in headers") from None
