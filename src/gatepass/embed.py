"""`Gatepass`: the whole service as one ASGI application, alone or around yours."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gatepass.app.doors import Siblings
from gatepass.app.service import Service, compose, utc_now
from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Refused
from gatepass.gateway.header_names import IDENTITY, PassingNames
from gatepass.http.asgi import App, Receive, Scope, Send
from gatepass.http.bearer import bearer_token
from gatepass.http.lifespan import lifespan_of
from gatepass.http.messages import Request
from gatepass.settings import Settings
from gatepass.usecases.ports import Clock, Directory

_log = logging.getLogger("gatepass")

# On paths of its own the application may believe scope["gatepass"]; a header that claims an identity never.
_NOT_IDENTITY = PassingNames(IDENTITY)


class Gatepass:
    """
    Sign-in and bearer tokens around an ASGI GraphQL application, in one line:

        app = Gatepass(app, Settings.load())

    The GraphQL endpoint (`settings.graphql_path`, with and without closing slash) and the service routes are answered
    here; protected operations reach `app` with the caller in `scope["gatepass"]`, a `Caller`. Every other path is 404:
    many GraphQL applications answer wherever they are asked, and would answer everybody there. WebSockets are refused,
    for nothing would check them. It must be run with the lifespan protocol, or within `running()`.

    Args:
        app: the application to protect; None forwards operations to `settings.upstream` on HTTP.
        settings: what `Settings.load()` finds, unless given.
        unguarded: paths like `/report` that go to `app` as they come, WebSockets too, with all below them; `/` is every
            path but the endpoint and what is below that. **Nothing is refused there**: `scope["gatepass"]` is the
            caller where a good bearer was sent, and None otherwise.
        directory: checks credentials for `useManagementflow: false`.
        clock: what time it is; for tests.
        siblings: what several processes on one port share, as those of `gatepass serve --workers` do.
    """

    def __init__(
        self,
        app: App | None = None,
        settings: Settings | None = None,
        *,
        unguarded: Collection[str] = (),
        directory: Directory | None = None,
        clock: Clock = utc_now,
        siblings: Siblings | None = None,
    ) -> None:
        self.settings = settings if settings is not None else Settings.load()
        self._wrapped = app
        self._unguarded = _Unguarded(unguarded, self.settings.graphql_path)
        self._directory = directory
        self._clock = clock
        self._siblings = siblings
        self._service: Service | None = None
        self._has_told_of_closed_paths = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if self._service is None:
            raise RuntimeError(
                "Gatepass was not started: run it with a server that speaks the ASGI lifespan protocol "
                "(uvicorn: lifespan='on'), or, mounted in another application or in a test, within its running()."
            )
        ours = _without_root(scope)
        path = ours["path"]
        if self._wrapped is not None and path not in self._service.paths:
            if path in self._unguarded:
                await self._wrapped(await self._passed_on(self._service, scope, receive), receive, send)
                return
            self._tell_of_closed_paths(path)
        if scope["type"] == "http":
            await self._service.edge(ours, receive, send)
        else:
            await _refuse_websocket(receive, send)

    @asynccontextmanager
    async def running(self, state: dict[str, Any] | None = None) -> AsyncIterator[None]:
        """
        Started within, with the application; for where no server does it: below a mount, and in tests.

        Args:
            state: lifespan state, shared with the application.

        Raises:
            SettingsError, Fault: it cannot start.
            RuntimeError: the application cannot.
        """
        state = {} if state is None else state
        async with AsyncExitStack() as stack:
            if self._wrapped is not None:
                await stack.enter_async_context(lifespan_of(self._wrapped, state))
            composed = compose(
                self.settings, self._wrapped, self._directory, state, self._clock, siblings=self._siblings
            )
            self._service = await stack.enter_async_context(composed)
            try:
                yield
            finally:
                self._service = None

    def report(self) -> bytes:
        """What this process has counted, as JSON for its siblings."""
        return self._service.report() if self._service is not None else b"null"

    async def reload(self) -> None:
        """Read the upstream's schema again."""
        if self._service is not None:
            await self._service.reload()

    def _tell_of_closed_paths(self, path: str) -> None:
        """Once: who forgot to name a page finds out here, and a scanner fills no log."""
        if not self._has_told_of_closed_paths:
            self._has_told_of_closed_paths = True
            _log.warning("404 at %.100r: pages of the application need Gatepass(…, unguarded=[…])", path)

    async def _passed_on(self, service: Service, scope: Scope, receive: Receive) -> Scope:
        return {
            **scope,
            "headers": [(name, value) for name, value in scope["headers"] if _NOT_IDENTITY[name]],
            "gatepass": await _caller(service, scope, receive),
        }

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.running(scope.get("state", {})))
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


class _Unguarded:
    """The paths that go to the application unchecked; never those below the endpoint, where a mount would answer."""

    def __init__(self, paths: Collection[str], endpoint: str) -> None:
        if isinstance(paths, str) or not all(path.startswith("/") for path in paths):
            raise ValueError(f'unguarded takes paths that begin with a slash, such as ["/report"]; not {paths!r}.')
        self._places = tuple(path.rstrip("/") for path in paths)
        self._endpoint = endpoint

    def __contains__(self, path: str) -> bool:
        return not _is_at(path, self._endpoint) and any(_is_at(path, place) for place in self._places)


def _is_at(path: str, place: str) -> bool:
    """Whether a path is a place or below it; `/graphql` is not below `/g`."""
    return path == place or path.startswith(f"{place}/")


async def _caller(service: Service, scope: Scope, receive: Receive) -> Caller | None:
    """Who sent this, where that is proven. It is for the application to say who may come in on its own paths."""
    try:
        token = bearer_token(Request(scope, receive, request_id="", client=""))
        return await service.authenticate(token) if token is not None else None
    except Refused:
        return None


async def _refuse_websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "WebSockets are not served here."})


def _without_root(scope: Scope) -> Scope:
    """The scope with the path below the place where this application is mounted."""
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    return {**scope, "path": path[len(root) :] or "/"} if root and _is_at(path, root) else scope
