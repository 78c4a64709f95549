"""Which path is answered by whom; and the routes of the process itself: up, ready, public keys, metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gatepass.http.edge import Handler
from gatepass.http.messages import NO_STORE, Answer, Request, Response
from gatepass.http.refusals import MethodNotAllowed, NotFound
from gatepass.http.security_headers import NOT_A_PAGE

JWKS_PATH = "/.well-known/jwks.json"
# Gateways poll the JWKS every one to ten minutes; the next key is published long before it signs.
_JWKS_CACHING = (b"cache-control", b"public, max-age=300")
_JSON = (b"content-type", b"application/json")


class Paths:
    """The paths that are answered here: each as it stands, or, written `/authz/*`, all below one first segment."""

    def __init__(self, routes: Mapping[str, Handler]) -> None:
        self._routes = routes
        self.endpoint = next(iter(routes))

    def __contains__(self, path: str) -> bool:
        return self.handler(path) is not None

    def handler(self, path: str) -> Handler | None:
        """Who answers there."""
        return self._routes.get(path) or self._routes.get(f"/{path[1:].partition('/')[0]}/*")


def router(paths: Paths) -> Handler:
    """One handler for all of them; every other path is a 404 that says where the API is."""

    def route(request: Request) -> Awaitable[Answer]:
        handler = paths.handler(request.path)
        if handler is None:
            raise NotFound(f"There is nothing here. The API is at {paths.endpoint}.")
        return handler(request)

    return route


def service_routes(
    *,
    jwks: Callable[[], bytes],
    readiness: Callable[[], Awaitable[Mapping[str, bool]]],
    metrics: Callable[[], Awaitable[tuple[bytes, bytes]]],
) -> dict[str, Handler]:
    """Handlers by path. None of them waits for anything but the store, and `/livez` not even for that."""

    async def serve_jwks(request: Request) -> Response:
        _only_get(request)
        body = jwks()
        # Who polls it every minute need not read it every minute (RFC 9110 §13.1.2).
        tag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode("ascii")
        headers = [(b"etag", tag), _JWKS_CACHING, NOT_A_PAGE]
        if tag in (request.header(b"if-none-match") or b"").replace(b"W/", b"").replace(b" ", b"").split(b","):
            return Response(304, b"", headers, operation="jwks")
        return Response(200, body, [(b"content-type", b"application/jwk-set+json"), *headers], operation="jwks")

    async def livez(request: Request) -> Response:
        _only_get(request)
        return _health({}, operation="livez")

    async def readyz(request: Request) -> Response:
        _only_get(request)
        return _health(await readiness(), operation="readyz")

    async def serve_metrics(request: Request) -> Response:
        _only_get(request)
        body, content_type = await metrics()
        return Response(200, body, [(b"content-type", content_type), NO_STORE, NOT_A_PAGE], operation="metrics")

    return {JWKS_PATH: serve_jwks, "/livez": livez, "/readyz": readyz, "/metrics": serve_metrics}


def _health(checks: Mapping[str, bool], *, operation: str) -> Response:
    good = all(checks.values())
    body = {"status": "ok" if good else "unavailable", "checks": checks}
    status = 200 if good else 503
    return Response(status, msgspec.json.encode(body), [_JSON, NO_STORE, NOT_A_PAGE], operation=operation)


def _only_get(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("This address is for GET.", allow="GET, HEAD")
