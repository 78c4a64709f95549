"""The gateway between servers that others wrote: uvicorn before it, the demo API behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from graphql import assert_object_type

from gatepass.domain.errors import GatepassError
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.forward import Gateway
from gatepass.gateway.http import http_upstream
from gatepass.gateway.http_lane import HttpLane
from gatepass.gateway.http_upstream import HttpUpstream
from gatepass.gateway.schema import UpstreamSchema
from gatepass.gateway.upstream import Upstream
from gatepass.http.asgi import App, Headers
from gatepass.http.edge import Edge
from gatepass.http.messages import Answer, ForwardedOperation, Request
from tests.gateway.actors import Client, Line, Revocations, answering_once, caller, chunk, chunked_head, http
from tests.gateway.conftest import Adapts, Guards, Opens

EXAMPLES = Path(__file__).parents[2] / "examples"
SIGN_IN_SDL = Path("src/gatepass/graphql/schema.graphql").read_text("utf-8")
EVENT = b"data: {}\n\n"


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[int]:
    """Uvicorn on a free port, in this loop."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", ws="none", log_level=60))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
            await asyncio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


def edge_over(gateway: Gateway, reports: list[BaseException], *, kind: str = "query") -> Edge:
    async def handle(request: Request) -> Answer:
        body = b""
        while (message := await request.receive()).get("more_body"):
            body += message["body"]
        return await gateway(ForwardedOperation(request, body + message["body"], kind, caller(), None))

    return Edge(handle, observe=lambda *_: None, report=lambda _, error: reports.append(error))


@asynccontextmanager
async def asked(
    port: int, body: bytes = b"{}", path: bytes = b"/graphql"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST %s HTTP/1.1\r\nHost: gate\r\nContent-Length: %d\r\n\r\n" % (path, len(body)) + body)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.fixture(params=["aiohttp", "lane", "asgi"])
async def register(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, closing: AsyncExitStack
) -> AsyncIterator[Upstream]:
    """The demo API as an upstream, in each of the three ways."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from company_register import create_app

    if request.param == "asgi":
        yield AsgiUpstream(create_app(), path="/graphql")
        return
    async with serving(create_app()) as port:
        adapter: type[HttpUpstream | HttpLane] = {"aiohttp": HttpUpstream, "lane": HttpLane}[request.param]
        upstream = adapter(f"http://127.0.0.1:{port}/graphql")
        closing.push_async_callback(upstream.close)
        yield upstream
        await upstream.close()


def asks(gateway: Gateway, query: str, *, kind: str = "query", headers: Headers | None = None) -> Client:
    body = json.dumps({"query": query}).encode()
    return Client(gateway, body=body, who=caller("ana", scopes=["read"]), kind=kind, headers=headers)


async def test_the_demo_api_answers_through_the_gateway(register: Upstream, guards: Guards) -> None:
    received = await asks(
        guards(register), "{ companies(first: 2) { items { company_number } } viewer { subject } }"
    ).asks()
    data = json.loads(received.body)["data"]
    assert len(data["companies"]["items"]) == 2
    assert data["viewer"]["subject"] == "ana"


async def test_the_demo_apis_errors_come_through(register: Upstream, guards: Guards) -> None:
    received = await asks(guards(register), "{ nonsense }").asks()
    assert json.loads(received.body)["errors"]
    assert received.code == "OK"


async def test_the_demo_apis_subscription_streams_and_ends_on_sign_out(
    register: Upstream, guards: Guards, revocations: Revocations
) -> None:
    from graphql import build_schema

    sdl = (EXAMPLES / "company_register" / "schema.graphql").read_text("utf-8")
    fields = assert_object_type(build_schema(sdl).subscription_type).fields
    name = next(iter(fields))
    client = asks(
        guards(register),
        f"subscription {{ {name} {{ __typename }} }}",
        kind="subscription",
        headers=[(b"host", b"gate"), (b"accept", b"text/event-stream")],
    )
    async with client.asking() as exchange:
        await client.has_head()
        assert (client.received.header(b"content-type") or b"").startswith(b"text/event-stream")
        await asyncio.sleep(0.1)
        assert not exchange.done()
        await revocations.sign_out()
    assert (client.received.whole, client.received.code) == (True, "UNAUTHENTICATED")


async def test_the_demo_apis_schema_is_read(register: Upstream, closing: AsyncExitStack) -> None:
    notices: list[str] = []
    source = UpstreamSchema(register, SIGN_IN_SDL, on_notice=notices.append)
    await source.refresh()
    current = source.current()
    assert current is not None
    assert {"companies", "company", "viewer", "gatepass"} <= set(assert_object_type(current.schema.query_type).fields)
    assert notices == []


@pytest.mark.parametrize("end", ["truncated", "chunked"])
async def test_a_broken_answer_is_visibly_cut_on_the_wire(
    opens: Opens, adapts: Adapts, guards: Guards, end: str
) -> None:
    """The client gets neither the announced length nor a last chunk, and the connection ends."""
    answers = {"truncated": http(b"x" * 100_000)[:-5], "chunked": chunked_head() + chunk(b"x" * 100_000)}
    upstream = await opens(answering_once(answers[end]))
    reports: list[BaseException] = []
    async with serving(edge_over(guards(adapts(upstream.url)), reports)) as port, asked(port) as (reader, _):
        received = await asyncio.wait_for(reader.read(), 5)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert not body.endswith(b"0\r\n\r\n")
    assert b"transfer-encoding" in head or len(body) < 100_000
    assert len(reports) == 1


async def test_a_client_that_leaves_uvicorn_ends_the_upstreams_stream(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(chunked_head(b"text/event-stream"), chunk(EVENT))
        await line.reader.read()

    upstream = await opens(behaviour)
    async with serving(edge_over(guards(adapts(upstream.url)), [], kind="subscription")) as port:
        async with asked(port) as (reader, _):
            await reader.readuntil(EVENT)
            assert not upstream.left.is_set()
        await asyncio.wait_for(upstream.left.wait(), 2)


async def test_a_signed_out_stream_ends_properly_on_the_wire(
    opens: Opens, adapts: Adapts, guards: Guards, revocations: Revocations
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(chunked_head(b"text/event-stream"), chunk(EVENT))
        await line.reader.read()

    upstream = await opens(behaviour)
    edge = edge_over(guards(adapts(upstream.url)), [], kind="subscription")
    async with serving(edge) as port, asked(port) as (reader, _):
        await reader.readuntil(EVENT)
        await revocations.sign_out()
        assert (await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 2)).endswith(b"0\r\n\r\n")


async def test_the_lane_serves_http_and_aiohttp_https() -> None:
    assert isinstance(http_upstream("http://api/graphql"), HttpLane)
    assert isinstance(http_upstream("https://api/graphql"), HttpUpstream)
    with pytest.raises(ValueError, match="address"):
        http_upstream("api:4000")
    with pytest.raises(ValueError, match="lean lane"):
        HttpLane("https://api/graphql")


def test_what_the_gateway_raises_is_in_the_tree_of_errors() -> None:
    from gatepass.gateway.answers import BrokenAnswer

    assert issubclass(BrokenAnswer, GatepassError)
