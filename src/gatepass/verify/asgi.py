"""Verified identity for ASGI applications."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from gatepass.crypto.public_keys import PublicKey
from gatepass.gateway.header_names import ASSERTION
from gatepass.http.asgi import App, Headers, Message, Receive, Scope, Send
from gatepass.verify.assertion import Presented, Verifier, take_apart
from gatepass.verify.request import (
    DEFAULT_MAX_BODY_BYTES,
    RequestRefused,
    anonymous,
    proven_identity,
    refusing,
)


class VerifiedAsgi:
    """
    Lets only those HTTP requests reach an application that Gatepass sent, unchanged.

    The application finds the `Caller` in `scope["gatepass"]`, as one inside `Gatepass` does, and in X-Gatepass-*
    headers that are now proven: what the request itself had under such names is gone. The caller is None where nobody
    is signed in (Gatepass reads the schema like that). All else is answered with 401, and the log says why: logger
    `gatepass.verify`. WebSockets are refused, for Gatepass sends none.
    """

    def __init__(
        self,
        app: App,
        *,
        audience: str,
        jwks: str | Mapping[str, object],
        issuer: str | None = None,
        leeway: timedelta = timedelta(seconds=5),
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    ) -> None:
        """
        Stand before an application.

        Args:
            max_body_bytes: larger bodies are answered with 413; as much as Gatepass lets through, or more.
            audience, jwks, issuer, leeway: as `Verifier` takes them.

        Raises:
            ValueError: as `Verifier`.
        """
        self._app = app
        self._verifier = Verifier(audience=audience, jwks=jwks, issuer=issuer, leeway=leeway)
        self._max_body_bytes = max_body_bytes
        self._fetching = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        match scope["type"]:
            case "lifespan":
                await self._app(scope, receive, send)
            case "http":
                await self._answer(scope, receive, send)
            case _:
                await receive()
                await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with refusing(scope["method"], scope["path"]):
                presented = take_apart(_assertion(scope["headers"]))
                proven = self._verifier.proven(presented, await self._key(presented))
                body = await self._body(receive)
                if body is None:
                    return
                caller = proven.for_body(body)
                headers = [*anonymous(scope["headers"]), *proven_identity(caller)]
        except RequestRefused as refusal:
            await send({"type": "http.response.start", "status": refusal.status, "headers": refusal.headers})
            await send({"type": "http.response.body", "body": refusal.body})
            return
        verified = {**scope, "headers": headers, "gatepass": caller}
        await self._app(verified, _replaying(body, receive), send)

    async def _key(self, presented: Presented) -> PublicKey | None:
        found = self._verifier.keys.known(presented.key_id)
        if found.final or (found.key is not None and self._fetching.locked()):
            return found.key
        # One thread at most waits for the network, however many requests wait for it.
        async with self._fetching:
            return await asyncio.to_thread(self._verifier.keys.find, presented.key_id)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None where the client hung up."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                raise RequestRefused.too_large(self._max_body_bytes)
            if not message.get("more_body", False):
                return bytes(body)


def _assertion(headers: Headers) -> str | None:
    values = [value for name, value in headers if name.lower() == ASSERTION]
    return b",".join(values).decode("latin-1") if values else None


def _replaying(body: bytes, receive: Receive) -> Receive:
    """The body that was verified, then what else the server has to say."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
