"""
A server with subscriptions and uploads that is not ours: aiohttp around a `PlainServer`, no code of `gatepass`.

Subscriptions over `graphql-transport-ws` and over an event stream; uploads as the multipart request specification has
them. What it sends is what the subscription asks for: `{ count(to: 3) }`, and then how it ends, in a second field:
`fail`, `break`, `close`, `nonsense`, `refuse` or `wait`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aiohttp import BodyPartReader, WSCloseCode, web

from tests.kit.plain_server import PlainServer

_COUNT = re.compile(r"count\(to: (\d+)\)\s*(\w*)")
_REFUSED = {"message": "You are not signed in."}
_CODE = {"extensions": {"code": "UNAUTHENTICATED"}}


@dataclass
class EventServer:
    """
    Its switches, and what it saw.

    Args:
        checks: where it looks for the token: at the request's head, or in the first message.
        has_websocket: whether it takes the upgrade; if not it says 404, or 403 as ASGI servers do.
    """

    plain: PlainServer = field(default_factory=PlainServer)
    checks: Literal["head", "init"] = "head"
    has_websocket: bool = True
    has_events: bool = True
    says_no_with: int = 404
    address: str = ""
    seen: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    async def graphql(self, request: web.Request) -> web.StreamResponse:
        """Everything at one address."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        if request.content_type == "multipart/form-data":
            return await self._upload(request)
        body = await request.json()
        if "text/event-stream" in request.headers.get("Accept", "") and self.has_events:
            return await self._events(request, body)
        status, answer = await asyncio.to_thread(self.plain.answers, body, request.headers.get("Authorization"))
        return web.json_response(answer, status=status)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if not self.has_websocket:
            return web.Response(status=self.says_no_with)
        if self.checks == "head" and not self._is_good(request.headers.get("Authorization")):
            return web.json_response({"errors": [self._refused]}, status=401)
        socket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await socket.prepare(request)
        self.seen.append(f"websocket {socket.ws_protocol}")
        try:
            await self._converse(socket)
        finally:
            self.ended.set()
        return socket

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        hello = await socket.receive_json()
        assert hello["type"] == "connection_init"
        if self.checks == "init" and not self._is_good(hello["payload"].get("Authorization")):
            await socket.close(code=4403, message=b"Forbidden")
            return
        await socket.send_json({"type": "connection_ack"})
        await socket.send_json({"type": "ping"})
        subscribe: dict[str, Any] = {}
        pong: dict[str, Any] = {}
        for _ in range(2):
            message = await socket.receive_json()
            subscribe, pong = (message, pong) if message["type"] == "subscribe" else (subscribe, message)
        assert pong["type"] == "pong"
        self.seen.append(json.dumps(subscribe["payload"]))
        async for kind, payload in self._happens(subscribe["payload"]):
            match kind:
                case "next":
                    await socket.send_json({"id": subscribe["id"], "type": "next", "payload": payload})
                case "fail":
                    await socket.send_json({"id": subscribe["id"], "type": "error", "payload": [payload]})
                case "break":
                    assert socket._req is not None
                    assert socket._req.transport is not None
                    socket._req.transport.abort()
                    return
                case "close":
                    await socket.close(code=WSCloseCode.GOING_AWAY, message=b"going away")
                    return
                case "nonsense":
                    await socket.send_str("[1, 2")
                case "wait":
                    await socket.receive()
                    return
        await socket.send_json({"id": subscribe["id"], "type": "complete"})
        await socket.receive()

    async def _events(self, request: web.Request, body: Any) -> web.StreamResponse:
        if not self._is_good(request.headers.get("Authorization")):
            return web.json_response({"errors": [self._refused]}, status=self.plain.expired)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await stream.prepare(request)
        self.seen.append(f"events {json.dumps(body)}")
        try:
            await stream.write(b":\n\n")
            await self._stream(request, stream, body)
        except ConnectionResetError:
            pass
        finally:
            self.ended.set()
        return stream

    async def _stream(self, request: web.Request, stream: web.StreamResponse, body: Any) -> None:
        async for kind, payload in self._happens(body):
            match kind:
                case "next":
                    # In two lines of data, as JSON may come; and with the line ends that some servers have.
                    first, rest = json.dumps(payload).split(" ", 1)
                    await stream.write(f"event: next\r\nid: 5\r\ndata: {first}\r\ndata: {rest}\r\n\r\n".encode())
                case "fail":
                    errors = json.dumps({"errors": [payload]})
                    await stream.write(f"event: next\ndata: {errors}\n\n".encode())
                case "break":
                    assert request.transport is not None
                    request.transport.abort()
                    return
                case "close":
                    return
                case "nonsense":
                    await stream.write(b"event: next\ndata: [1, 2\n\n")
                case "wait":
                    while True:
                        await stream.write(b":\n\n")
                        await asyncio.sleep(0.02)
        await stream.write(b"event: complete\ndata:\n\n")

    async def _happens(self, payload: Any) -> AsyncIterator[tuple[str, Any]]:
        found = _COUNT.search(payload["query"])
        assert found is not None
        if found[2] == "refuse":
            yield "fail", self._refused
            return
        for number in range(1, int(found[1]) + 1):
            yield "next", {"data": {"count": number}}
        if found[2] == "fail":
            yield "fail", {"message": "It broke.", "extensions": {"code": "BROKEN"}}
        elif found[2]:
            yield found[2], None

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """The multipart request specification, v2.0: `operations` first, then `map`, then the files."""
        if not self._is_good(request.headers.get("Authorization")):
            await request.read()
            return web.json_response({"errors": [self._refused]}, status=self.plain.expired)
        names: list[str] = []
        fields: dict[str, Any] = {}
        files: dict[str, Any] = {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            assert part.name is not None
            names.append(part.name)
            content = await part.read()
            if part.filename is None:
                fields[part.name] = json.loads(content)
            else:
                files[part.name] = [part.filename, part.headers.get("Content-Type"), content.decode()]
        assert names[:2] == ["operations", "map"]
        data = {"operations": fields["operations"], "map": fields["map"], "files": files}
        return web.json_response({"data": data})

    @property
    def _refused(self) -> dict[str, Any]:
        return _REFUSED | (_CODE if self.plain.has_error_codes else {})

    def _is_good(self, authorization: str | None) -> bool:
        if self.plain._is_good(authorization):
            return True
        self.plain.counts["refused"] += 1
        return False


@contextlib.contextmanager
def event_server(**switches: Any) -> Iterator[EventServer]:
    """On a free port of loopback, in a thread with a loop of its own."""
    server = EventServer(**switches)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        application = web.Application()
        application.router.add_route("*", "/graphql/", server.graphql)
        runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.address = f"http://127.0.0.1:{runner.addresses[0][1]}/graphql/"
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


EXPIRED_AS: Final = ("200", "200 no code", "401", "403 no code")
"""How servers that are not ours answer an expired token: the status, and whether an error code says why."""


@contextlib.contextmanager
def foreign_server(expired_as: str) -> Iterator[EventServer]:
    """One that answers expired tokens in one of the ways of `EXPIRED_AS`."""
    with event_server(checks="init") as server:
        server.plain.expired = int(expired_as[:3])  # type: ignore[assignment]
        server.plain.has_error_codes = "no code" not in expired_as
        yield server
