"""An upstream in this process: any ASGI application."""

from __future__ import annotations

import re
from typing import Any, Final

from gatepass.gateway.downward import REDIRECTS
from gatepass.gateway.upstream import Outgoing, UpstreamFailed
from gatepass.http.asgi import App, Headers, Message, Receive, Scope, Send

DEFAULT_PATH: Final = "/graphql"


class AsgiUpstream:
    """
    Calls an ASGI application as if it were alone behind its server.

    It gets a scope of its own: POST with the validated JSON body, the path as requested, or as configured below the
    place where all of it is mounted (`root_path` is part of a path in ASGI, and Quart insists on it), no query string,
    the filtered headers, and the caller in `scope["gatepass"]` (a `Caller`, or None). Of the server's
    extensions it sees none, since they would lead around the gateway. There is no time limit: within one process the
    application keeps its own.
    """

    def __init__(
        self,
        app: App,
        *,
        path: str | None = None,
        state: dict[str, Any] | None = None,
        address: str = "http://localhost",
    ) -> None:
        """
        Take the application.

        Args:
            app: its lifespan is run by whoever composes it, not here.
            path: where its GraphQL endpoint is; None passes the path of each request.
            state: its lifespan state, copied into every scope; None passes the request's own.
            address: under which the gateway's own questions come, scheme and host: applications refuse unknown hosts.
        """
        scheme, _, authority = address.partition("://")
        self._scheme = scheme
        self._authority = authority.encode("ascii")
        self._app = app
        self._path = path
        self._state = state

    async def start(self) -> None:
        """Nothing to do."""

    async def run(self, outgoing: Outgoing, send: Send) -> None:
        """
        Run the application on a request, in the caller's task; what it sends goes to `send` as it comes.

        A client that hangs up does not end the application's work: it hears of it through `receive`, as always.
        """
        await self._app(self._scope(outgoing), _receive(outgoing), send)

    async def send(self, outgoing: Outgoing) -> CollectedAnswer:
        """
        As the port says, for the gateway's own questions: the application runs to its end first.

        Where it redirects to its path with a closing slash, as Starlette does for what is mounted there and Django for
        its routes, that is its path from now on.
        """
        answer = await self._collected(outgoing)
        if self._path and answer.redirects_to(f"{self._path}/"):
            self._path += "/"
            answer = await self._collected(outgoing)
        return answer

    async def _collected(self, outgoing: Outgoing) -> CollectedAnswer:
        answer = CollectedAnswer()
        try:
            await self.run(outgoing, answer.collect)
        except Exception as error:
            raise UpstreamFailed(f"the application failed with {type(error).__name__}") from error
        if not answer.complete:
            raise UpstreamFailed("the application ended without an answer")
        return answer

    async def close(self) -> None:
        """Nothing to do."""

    def _scope(self, outgoing: Outgoing) -> Scope:
        outer: Scope = outgoing.request.scope if outgoing.request is not None else {}
        root = outer.get("root_path", "")
        path = f"{root.rstrip('/')}{self._path}" if self._path else outer.get("path") or DEFAULT_PATH
        scope: Scope = {
            "type": "http",
            "asgi": outer.get("asgi", {"version": "3.0", "spec_version": "2.3"}),
            "http_version": outer.get("http_version", "1.1"),
            "method": "POST",
            "scheme": outer.get("scheme", self._scheme),
            "path": path,
            "raw_path": path.encode("utf-8"),
            "root_path": root,
            "query_string": b"",
            "headers": self._framed(outgoing),
            "client": outer.get("client"),
            "server": outer.get("server"),
            "gatepass": outgoing.caller,
        }
        state = self._state if self._state is not None else outer.get("state")
        if state is not None:
            scope["state"] = dict(state)
        return scope

    def _framed(self, outgoing: Outgoing) -> Headers:
        request = outgoing.request
        host = self._authority if request is None else request.header(b"host")
        headers = [*outgoing.headers, (b"content-length", b"%d" % len(outgoing.body))]
        return headers if host is None else [*headers, (b"host", host)]


class CollectedAnswer:
    """An application's whole answer."""

    __slots__ = ("_pieces", "complete", "headers", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.complete = False
        self._pieces: list[bytes] = []

    @property
    def ended(self) -> bool:
        """Whether everything has been handed out."""
        return not self._pieces

    async def collect(self, message: Message) -> None:
        """Take what the application sends."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._pieces.append(message.get("body", b""))
            self.complete = self.status > 0 and not message.get("more_body", False)

    def redirects_to(self, path: str) -> bool:
        """Whether it says to ask at this path, on whatever host."""
        there = re.compile(rb"(?:https?://[^/]*)?" + re.escape(path.encode()))
        places = [value for name, value in self.headers if name.lower() == b"location"]
        return self.status in REDIRECTS and any(there.fullmatch(place) for place in places)

    def keep_open(self) -> None:
        """Nothing to do: there is no idle limit."""

    async def read(self) -> bytes:
        """Everything at once, then nothing."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body

    async def close(self) -> None:
        """Nothing to do."""


def _receive(outgoing: Outgoing) -> Receive:
    """The whole body first, then silence until the client hangs up."""
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await outgoing.hangup.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": outgoing.body, "more_body": False}

    return receive
