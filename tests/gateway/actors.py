"""Who plays in the gateway's tests: upstreams on real sockets, and clients that go through the real edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gatepass.domain.access_token import Caller
from gatepass.domain.identifiers import SessionId
from gatepass.gateway.forward import Gateway
from gatepass.http.asgi import Headers, Message, Scope
from gatepass.http.edge import Edge
from gatepass.http.messages import Answer, ForwardedOperation, Request
from gatepass.usecases.ports import Revocation, RevocationPage
from gatepass.usecases.revoked_sessions import RevokedSessions

BODY = b'{"query":"{ companies { total } }"}'
ANSWER = b'{"data":{"companies":{"total":1000}}}'
SESSION = "01890a5d-ac96-774b-bcce-b302099a8057"


def now() -> datetime:
    return datetime.now(UTC)


def caller(
    subject: str = "ana", *, scopes: Sequence[str] = ("read", "admin"), lives: timedelta = timedelta(hours=1)
) -> Caller:
    return Caller(subject, frozenset(scopes), SESSION, "gatepass", now() + lives)


class Feed:
    """A revocation feed that can also be out of order."""

    def __init__(self) -> None:
        self.revoked: list[SessionId] = []

    async def news(self, at_most: float) -> None:
        await asyncio.sleep(at_most)

    async def since(self, cursor: int, now: datetime) -> RevocationPage:
        page = [Revocation(session, now + timedelta(hours=1)) for session in self.revoked[cursor:]]
        return RevocationPage(page, len(self.revoked))


@dataclass
class Revocations:
    """The store's side of revocation: `sign_out` is what another process would do."""

    feed: Feed = field(default_factory=Feed)
    clock: Callable[[], datetime] = now

    def __post_init__(self) -> None:
        self.sessions = RevokedSessions(self.feed, self.now, timedelta(seconds=5))

    def now(self) -> datetime:
        return self.clock()

    async def sign_out(self, session: str = SESSION) -> None:
        self.feed.revoked.append(SessionId(UUID(session)))
        await self.sessions.refresh()


@dataclass
class Received:
    """What came back to a client. `whole` says whether the answer was completed."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    whole: bool = False
    code: str = ""
    operation: str = ""
    reports: list[BaseException] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def header(self, name: bytes) -> bytes | None:
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name!r} came more than once"
        return values[0] if values else None


class Client:
    """Sends one operation through edge and gateway. It can hang up, and it can be slow to read."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        headers: Headers | None = None,
        body: bytes = BODY,
        kind: str = "query",
        who: Caller | None = None,
        bearer: str | None = None,
        method: str = "POST",
        scope: Scope | None = None,
    ) -> None:
        self._gateway = gateway
        self._operation = (body, kind, who, bearer)
        self._scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "path": "/graphql",
            "query_string": b"",
            "headers": headers if headers is not None else [(b"host", b"gate.example"), (b"accept", b"*/*")],
            "client": ("203.0.113.7", 5555),
            **(scope or {}),
        }
        self._gone = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.received = Received()
        self.got = asyncio.Condition()

    def hangs_up(self) -> None:
        self._gone.set()

    async def asks(self) -> Received:
        edge = Edge(self._handle, observe=self._observe, report=lambda _, error: self.received.reports.append(error))
        await edge(self._scope, self._receive, self._send)
        return self.received

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[asyncio.Task[Received]]:
        """The exchange in the background, for what happens meanwhile; it must be over when the body is."""
        task = asyncio.create_task(self.asks())
        try:
            yield task
            await asyncio.wait_for(task, 5)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def has(self, body: bytes) -> None:
        """Wait until exactly this much of the body has come."""
        async with asyncio.timeout(5), self.got:
            await self.got.wait_for(lambda: self.received.body == body)

    async def has_head(self) -> None:
        async with asyncio.timeout(5), self.got:
            await self.got.wait_for(lambda: self.received.status > 0)

    async def _handle(self, request: Request) -> Answer:
        return await self._gateway(ForwardedOperation(request, *self._operation))

    def _observe(self, request: Request, answer: Answer, seconds: float) -> None:
        self.received.code = str(answer.code)
        self.received.operation = answer.operation
        assert answer.status in (self.received.status, 499)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        received = self.received
        assert not received.whole, "something was sent after the end"
        if message["type"] == "http.response.start":
            assert received.status == 0, "a second head was sent"
            received.status, received.headers = message["status"], message["headers"]
        else:
            assert received.status, "a body came before its head"
            if message["body"]:
                received.pieces.append(bytes(message["body"]))
            received.whole = not message.get("more_body", False)
        async with self.got:
            self.got.notify_all()


@dataclass
class Asked:
    """A request as it arrived at an upstream."""

    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def headers(self) -> Headers:
        lines = (line.split(b": ", 1) for line in self.head.split(b"\r\n")[1:] if line)
        return [(name.lower(), value) for name, value in lines]

    def header(self, name: bytes) -> bytes | None:
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name!r} went up more than once"
        return values[0] if values else None


Behaviour = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection at an upstream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number

    async def request(self) -> Asked:
        head = await self.reader.readuntil(b"\r\n\r\n")
        asked = Asked(head[:-4], b"")
        asked.body = await self.reader.readexactly(int(asked.header(b"content-length") or 0))
        return asked

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


class RawUpstream:
    """An upstream that says, byte by byte, what a test wants it to say."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked: list[Asked] = []
        self.lines = 0
        self.port = 0
        self.left = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.lines += 1
        line = Line(reader, writer, self.lines)
        try:
            await self._behaviour(line)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self.left.set()
            writer.close()


def answering(*pieces: bytes, asked: list[Asked] | None = None) -> Behaviour:
    """Answers every request on the connection with the same bytes."""

    async def behaviour(line: Line) -> None:
        while True:
            request = await line.request()
            if asked is not None:
                asked.append(request)
            await line.say(*pieces)

    return behaviour


def answering_once(*pieces: bytes) -> Behaviour:
    """Answers the first request and closes."""

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(*pieces)

    return behaviour


def http(
    body: bytes = ANSWER,
    *,
    status: bytes = b"200 OK",
    media: bytes = b"application/json",
    headers: Headers | None = None,
) -> bytes:
    lines = [
        b"HTTP/1.1 " + status,
        b"Content-Type: " + media,
        b"Content-Length: %d" % len(body),
        *(name + b": " + value for name, value in headers or []),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked_head(media: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: " + media + b"\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n" % len(piece) + piece + b"\r\n"


LAST_CHUNK = b"0\r\n\r\n"
