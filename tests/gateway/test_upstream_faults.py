"""An upstream that is down, slow, or talks nonsense: UPSTREAM_UNAVAILABLE in time, and nothing said about why."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from datetime import timedelta

import pytest

from gatepass.gateway.upstream import UpstreamLimits
from tests.gateway.actors import (
    ANSWER,
    LAST_CHUNK,
    Asked,
    Client,
    Line,
    Received,
    answering,
    answering_once,
    caller,
    chunk,
    chunked_head,
    http,
)
from tests.gateway.conftest import Adapts, Guards, Opens

IMPATIENT = UpstreamLimits(
    connect_timeout=timedelta(seconds=0.3), response_timeout=timedelta(seconds=0.4), idle_timeout=timedelta(seconds=0.3)
)


def refused(received: Received) -> bool:
    """The one answer to all of it: 502, a code, a safe message, and no hint at the upstream's address."""
    error = json.loads(received.body)["errors"][0]
    assert received.status == 502
    assert error["extensions"]["code"] == received.code == "UPSTREAM_UNAVAILABLE"
    assert "127.0.0.1" not in received.body.decode()
    assert "Traceback" not in received.body.decode()
    assert received.whole
    assert not received.reports
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_an_upstream_that_is_down(adapts: Adapts, guards: Guards, faults: list[str]) -> None:
    """Nobody listens: the caller is refused, and the operator hears of it once."""
    received = await Client(guards(adapts(f"http://127.0.0.1:{free_port()}/graphql")), who=caller()).asks()
    assert refused(received)
    assert len(faults) == 1


async def test_a_name_that_does_not_resolve(adapts: Adapts, guards: Guards, faults: list[str]) -> None:
    """It is refused like an upstream that is down, and the operator hears of it once."""
    assert refused(await Client(guards(adapts("http://upstream.invalid/graphql"))).asks())
    assert len(faults) == 1


async def test_an_upstream_that_comes_back_is_used_again(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(answering(http()))
    gateway = guards(adapts(upstream.url))
    await Client(gateway).asks()
    await upstream.close()
    assert refused(await Client(gateway).asks())
    await upstream.open(upstream.port)
    assert (await Client(gateway).asks()).status == 200


async def test_an_upstream_that_never_answers(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """It is given up after the response limit, and the connection is let go."""

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.reader.read()

    upstream = await opens(behaviour)
    started = time.monotonic()
    assert refused(await Client(guards(adapts(upstream.url, IMPATIENT))).asks())
    assert time.monotonic() - started < 5
    await asyncio.wait_for(upstream.left.wait(), 5)


async def test_an_upstream_that_drips_its_head(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """The limit is on the whole head, not on each byte of it."""

    async def behaviour(line: Line) -> None:
        await line.request()
        for byte in http():
            await line.say(bytes([byte]))
            await asyncio.sleep(0.05)

    upstream = await opens(behaviour)
    started = time.monotonic()
    assert refused(await Client(guards(adapts(upstream.url, IMPATIENT))).asks())
    assert time.monotonic() - started < 5


async def test_waiting_for_a_free_connection_is_limited_too(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await asyncio.sleep(30)

    upstream = await opens(behaviour)
    limits = UpstreamLimits(
        connect_timeout=timedelta(seconds=1), response_timeout=timedelta(seconds=0.3), max_connections=1
    )
    gateway = guards(adapts(upstream.url, limits))
    for received in await asyncio.gather(*(Client(gateway).asks() for _ in range(3))):
        assert refused(received)


@pytest.mark.parametrize(
    "answer",
    {
        "nothing": b"",
        "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 what is this",
        "half a head": b"HTTP/1.1 200 OK\r\nContent-Type: appl",
        "a truncated body": http()[:-5],
        "no chunk size": chunked_head() + b"ZZ\r\nhello\r\n",
        "two lengths": http().replace(b"Content-Length:", b"Content-Length: 5\r\nContent-Length:"),
        "a negative length": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n"
        + ANSWER,
        "length and chunks": chunked_head().replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
        + chunk(b"abc")
        + LAST_CHUNK,
        "a huge header": http(headers=[(b"X-Huge", b"h" * 1_000_000)]),
        "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 100_000,
        "a bad header": http().replace(b"Content-Length", b"no colon here\r\nContent-Length"),
        "NUL in a header": http(headers=[(b"X-Nul", b"a\x00b")]),
        "a page": http(b"<h1>It works</h1>", media=b"text/html"),
        "an error page": http(b"<h1>Oops</h1>", media=b"text/html", status=b"500 Internal Server Error"),
        "a bare 502": http(b"bad gateway", media=b"text/plain", status=b"502 Bad Gateway"),
        "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
        "another protocol": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "status zero": b"HTTP/1.1 000 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n",
    }.items(),
    ids=lambda item: item[0].replace(" ", "-"),
)
async def test_an_answer_that_is_none(
    opens: Opens, adapts: Adapts, guards: Guards, faults: list[str], answer: tuple[str, bytes]
) -> None:
    """What is not a whole GraphQL answer is refused in time and reported once, whatever is wrong with it."""
    upstream = await opens(answering_once(answer[1]))
    started = time.monotonic()
    assert refused(await Client(guards(adapts(upstream.url, IMPATIENT)), who=caller(), kind="mutation").asks())
    assert time.monotonic() - started < 5
    assert len(faults) == 1


async def test_an_upstream_that_resets(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """A connection that is cut before the answer is a refusal."""

    async def behaviour(line: Line) -> None:
        await line.request()
        line.reset()

    upstream = await opens(behaviour)
    assert refused(await Client(guards(adapts(upstream.url)), kind="mutation").asks())


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary", b"308 Permanent"])
async def test_no_redirect_is_followed(opens: Opens, adapts: Adapts, guards: Guards, status: bytes) -> None:
    """The body holds what only this upstream may read, and the identity headers what only this upstream may believe."""
    elsewhere = await opens(answering(http()))
    upstream = await opens(answering(http(b"{}", status=status, headers=[(b"Location", elsewhere.url.encode())])))
    received = await Client(guards(adapts(upstream.url)), who=caller()).asks()
    assert refused(received)
    assert received.header(b"location") is None
    assert elsewhere.lines == 0


async def test_no_cookie_is_kept(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """A cookie set for one caller must not go up with the next."""
    asked: list[Asked] = []
    upstream = await opens(answering(http(headers=[(b"Set-Cookie", b"session=ana")]), asked=asked))
    gateway = guards(adapts(upstream.url))
    for who in ("ana", "bob"):
        received = await Client(gateway, who=caller(who), headers=[(b"cookie", b"theirs=1")]).asks()
        assert received.header(b"set-cookie") is None
    assert [request.header(b"cookie") for request in asked] == [None, None]


async def test_a_proxy_in_the_environment_is_not_used(
    opens: Opens, adapts: Adapts, guards: Guards, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await opens(answering(http(b'"proxy"')))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    upstream = await opens(answering(http()))
    assert (await Client(guards(adapts(upstream.url))).asks()).body == ANSWER
    assert proxy.lines == 0


async def test_retry_after_of_an_overloaded_upstream_is_passed_on(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    busy = http(b"busy", media=b"text/plain", status=b"503 Unavailable", headers=[(b"Retry-After", b"9")])
    upstream = await opens(answering(busy))
    received = await Client(guards(adapts(upstream.url))).asks()
    assert refused(received)
    assert received.header(b"retry-after") == b"9"


async def test_an_upstream_that_cannot_meet_accept_is_no_outage(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """GraphQL Yoga says 406 without a word where a subscription was asked for as JSON; "try again later" misled."""
    upstream = await opens(answering(b"HTTP/1.1 406 Not Acceptable\r\nContent-Length: 0\r\n\r\n"))
    received = await Client(guards(adapts(upstream.url)), kind="subscription").asks()
    assert (received.status, received.code) == (406, "BAD_USER_INPUT")
    assert b"text/event-stream" in received.body


async def test_a_query_is_sent_again_when_a_kept_connection_was_closed(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    """A query has no effects, so the common race with an upstream's keep-alive end harms nobody. RFC 9110 §9.2.2."""

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(http())
        if line.number == 1:
            await line.request()
            line.reset()
        else:
            await asyncio.sleep(30)

    upstream = await opens(behaviour)
    gateway = guards(adapts(upstream.url))
    await Client(gateway).asks()
    assert (await Client(gateway).asks()).status == 200
    assert upstream.lines == 2


async def test_a_mutation_is_never_sent_twice(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    bodies: list[bytes] = []

    async def behaviour(line: Line) -> None:
        while True:
            request = await line.request()
            bodies.append(request.body)
            if request.body == b"again":
                line.reset()
                return
            await line.say(http())

    upstream = await opens(behaviour)
    gateway = guards(adapts(upstream.url))
    await Client(gateway, kind="mutation", body=b"first").asks()
    assert refused(await Client(gateway, kind="mutation", body=b"again").asks())
    assert bodies == [b"first", b"again"]


MEASURED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "end"),
    [
        *((MEASURED_HEAD, end) for end in ("close", "reset", "silence")),
        *((chunked_head(), end) for end in ("close", "reset", "silence", "nonsense")),
    ],
    ids=lambda value: value if isinstance(value, str) else ("chunked" if b"chunked" in value else "measured"),
)
async def test_an_answer_that_breaks_never_looks_whole(
    opens: Opens, adapts: Adapts, guards: Guards, head: bytes, end: str
) -> None:
    """Its head is out, so all that is left is to cut the connection where everyone can see it."""

    async def behaviour(line: Line) -> None:
        await line.request()
        piece = b"x" * 100_000
        await line.say(head, chunk(piece) if b"chunked" in head else piece)
        await asyncio.sleep(0.1)
        match end:
            case "reset":
                line.reset()
            case "silence":
                await line.reader.read()
            case "nonsense":
                await line.say(b"ZZ\r\nboom\r\n")
                await line.reader.read()

    upstream = await opens(behaviour)
    received = await Client(guards(adapts(upstream.url, IMPATIENT)), who=caller()).asks()
    assert received.status == 200
    assert not received.whole
    assert [type(report).__name__ for report in received.reports] == ["BrokenAnswer"]
    await asyncio.wait_for(upstream.left.wait(), 5)


async def test_a_client_that_leaves_while_the_upstream_thinks_frees_it(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.reader.read()

    upstream = await opens(behaviour)
    client = Client(guards(adapts(upstream.url, UpstreamLimits())), who=caller())
    async with client.asking():
        await asyncio.sleep(0.05)
        client.hangs_up()
    assert (client.received.status, client.received.code) == (0, "CLIENT_GONE")
    await asyncio.wait_for(upstream.left.wait(), 5)


async def test_a_client_that_leaves_within_an_answer_frees_the_upstream(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(chunked_head(), chunk(b"one"))
        await line.reader.read()

    upstream = await opens(behaviour)
    client = Client(guards(adapts(upstream.url)))
    async with client.asking():
        await client.has(b"one")
        client.hangs_up()
    assert not client.received.whole
    assert client.received.code == "CLIENT_GONE"
    await asyncio.wait_for(upstream.left.wait(), 5)


async def test_what_an_upstream_says_unasked_is_never_an_answer(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """Bytes after an answer would otherwise become the answer to the next caller's request on this connection."""

    async def behaviour(line: Line) -> None:
        while True:
            await line.request()
            await line.say(http() + http(b'"someone else\'s"'))

    upstream = await opens(behaviour)
    gateway = guards(adapts(upstream.url))
    for _ in range(5):
        received = await Client(gateway).asks()
        assert received.status == 502 or received.body == ANSWER
