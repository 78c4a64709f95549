"""
Which web pages of other origins may read answers: those of a list, by their exact origin; none by default.

No answer allows credentials: nothing here goes by cookies, and a bearer that a page has is its own.

Source: Fetch Standard §3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gatepass.http.asgi import Headers
from gatepass.http.messages import Request, Response

_METHODS: Final = b"GET, POST"
_REQUEST_HEADERS: Final = b"Accept, Authorization, Content-Type, X-Request-ID"
_EXPOSED: Final = b"Retry-After, WWW-Authenticate, X-Request-ID"
_MAX_AGE_SECONDS: Final = b"600"
_VARY: Final = (b"vary", b"Origin")


class CrossOrigin:
    """
    Says to browsers whose pages may read.

    Args:
        origins: such as `https://app.example.org`; compared byte by byte. `null` is nobody's origin.
        verdicts: the path at which, and below which, proxies ask about requests to somebody else. A browser that asks
            there asks that somebody, and a good answer of ours would let it pass unproven.
    """

    def __init__(self, origins: Sequence[str] = (), *, verdicts: str | None = None) -> None:
        self._allowed = frozenset(origin.encode("ascii") for origin in origins)
        self._verdicts = verdicts

    def headers(self, request: Request) -> Headers:
        """What an answer to this request needs; nothing at all where no origin is allowed."""
        if not self._allowed:
            return []
        origin = self._allowed_origin(request)
        if origin is None:
            return [_VARY]
        return [_VARY, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED)]

    def preflight(self, request: Request) -> Response | None:
        """The answer to a browser that asks before it sends; None where it is something else, or of another page."""
        if request.method != "OPTIONS" or self._allowed_origin(request) is None:
            return None
        if all(name != b"access-control-request-method" for name, _ in request.headers):
            return None
        if self._verdicts and f"{request.path}/".startswith(f"{self._verdicts}/"):
            return None
        headers = [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", _MAX_AGE_SECONDS),
        ]
        return Response(204, b"", headers, operation="preflight")

    def _allowed_origin(self, request: Request) -> bytes | None:
        if not self._allowed:
            return None
        origins = [value for name, value in request.headers if name == b"origin"]
        return origins[0] if len(origins) == 1 and origins[0] in self._allowed else None
