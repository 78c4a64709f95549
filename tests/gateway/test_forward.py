"""A protected operation through the gateway to an HTTP upstream, over each of the adapters."""

from __future__ import annotations

import asyncio

import pytest

from gatepass.gateway.upstream import UpstreamLimits
from tests.gateway.actors import (
    ANSWER,
    BODY,
    LAST_CHUNK,
    SESSION,
    Asked,
    Client,
    Line,
    answering,
    caller,
    chunk,
    chunked_head,
    http,
)
from tests.gateway.conftest import Adapts, Guards, Opens


async def test_the_bytes_that_were_validated_are_the_bytes_that_go_up(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    """Nothing is parsed and written again: what was classified is what the upstream reads."""
    odd = b'\n{ "query" : "{ a \\u007b }" ,\t"variables":{"x":1.0e0,"y":"\xc3\xa9"}}  '
    asked: list[Asked] = []
    upstream = await opens(answering(http(), asked=asked))
    received = await Client(guards(adapts(upstream.url)), body=odd, who=caller()).asks()
    assert received.whole
    assert asked[0].body == odd
    assert asked[0].line == b"POST /graphql HTTP/1.1"
    assert asked[0].header(b"content-length") == b"%d" % len(odd)
    assert asked[0].header(b"content-type") == b"application/json"
    assert asked[0].header(b"host") == b"127.0.0.1:%d" % upstream.port


async def test_the_upstream_learns_who_calls(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    asked: list[Asked] = []
    upstream = await opens(answering(http(), asked=asked))
    await Client(
        guards(adapts(upstream.url)),
        headers=[(b"x-gatepass-subject", b"mallory"), (b"x_gatepass_subject", b"mallory"), (b"user-agent", b"curl/8")],
        who=caller("ana"),
    ).asks()
    assert asked[0].header(b"x-gatepass-subject") == b"ana"
    assert asked[0].header(b"x-gatepass-scope") == b"admin read"
    assert asked[0].header(b"x-gatepass-session") == SESSION.encode()
    assert asked[0].header(b"user-agent") == b"curl/8"
    assert asked[0].header(b"x-request-id")
    assert b"mallory" not in asked[0].head


async def test_no_library_signs_the_request(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """No header tells which library speaks, and in which version."""
    asked: list[Asked] = []
    upstream = await opens(answering(http(), asked=asked))
    await Client(guards(adapts(upstream.url)), headers=[]).asks()
    assert asked[0].header(b"user-agent") in (None, b"gatepass")
    assert b"python" not in asked[0].head.lower()
    assert b"aiohttp" not in asked[0].head.lower()
    assert asked[0].header(b"accept-encoding") == b"identity"


@pytest.mark.parametrize("body", [b"", ANSWER, b"x" * 65536, b"y" * 300_000], ids=len)
async def test_status_headers_and_body_come_down(opens: Opens, adapts: Adapts, guards: Guards, body: bytes) -> None:
    upstream = await opens(
        answering(http(body, status=b"202 Accepted", headers=[(b"X-Cost", b"12"), (b"Server", b"s")]))
    )
    received = await Client(guards(adapts(upstream.url)), who=caller()).asks()
    assert (received.status, received.body, received.whole, received.code) == (202, body, True, "OK")
    assert received.header(b"x-cost") == b"12"
    assert received.header(b"server") is None
    assert received.header(b"content-length") == b"%d" % len(body)
    assert received.header(b"content-type") == b"application/json"


@pytest.mark.parametrize(
    "status", [b"400 Bad Request", b"403 Forbidden", b"500 Internal Server Error", b"503 Unavailable"]
)
async def test_graphql_errors_of_the_upstream_come_down_as_they_are(
    opens: Opens, adapts: Adapts, guards: Guards, status: bytes
) -> None:
    body = b'{"errors":[{"message":"theirs"}]}'
    upstream = await opens(answering(http(body, status=status, media=b"application/graphql-response+json")))
    received = await Client(guards(adapts(upstream.url)), who=caller()).asks()
    assert (b"%d" % received.status, received.body) == (status[:3], body)


async def test_a_small_chunked_answer_goes_out_in_one_piece(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(answering(chunked_head() + chunk(ANSWER[:9]) + chunk(ANSWER[9:]) + LAST_CHUNK))
    received = await Client(guards(adapts(upstream.url))).asks()
    assert received.pieces == [ANSWER]
    assert received.header(b"content-length") == b"%d" % len(ANSWER)


async def test_a_slow_chunked_answer_comes_chunk_by_chunk(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    go_on = asyncio.Event()

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(chunked_head(), chunk(b"one "))
        await go_on.wait()
        await line.say(chunk(b"two"), LAST_CHUNK)

    upstream = await opens(behaviour)
    client = Client(guards(adapts(upstream.url)))
    async with client.asking():
        await client.has(b"one ")
        assert client.received.header(b"content-length") is None
        go_on.set()
    assert (client.received.body, client.received.whole) == (b"one two", True)


async def test_an_answer_that_ends_with_its_connection_is_whole(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """HTTP/1.0 style; RFC 9112 §6.3."""

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", ANSWER[:5])
        await asyncio.sleep(0.05)
        await line.say(ANSWER[5:])

    upstream = await opens(behaviour)
    received = await Client(guards(adapts(upstream.url))).asks()
    assert (received.body, received.whole) == (ANSWER, True)


async def test_a_compressed_body_passes_unopened(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    import gzip

    body = gzip.compress(ANSWER)
    upstream = await opens(answering(http(body, headers=[(b"Content-Encoding", b"gzip")])))
    received = await Client(guards(adapts(upstream.url)), headers=[(b"accept-encoding", b"gzip")]).asks()
    assert received.body == body
    assert received.header(b"content-encoding") == b"gzip"


async def test_an_interim_answer_is_skipped(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """RFC 9110 §15.2."""
    upstream = await opens(answering(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + http()))
    received = await Client(guards(adapts(upstream.url))).asks()
    assert (received.status, received.body) == (200, ANSWER)


async def test_connections_are_kept(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(answering(http()))
    gateway = guards(adapts(upstream.url))
    for _ in range(10):
        await Client(gateway).asks()
    assert upstream.lines == 1


async def test_connections_are_bounded(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    async def slowly(line: Line) -> None:
        while True:
            await line.request()
            await asyncio.sleep(0.02)
            await line.say(http())

    upstream = await opens(slowly)
    gateway = guards(adapts(upstream.url, UpstreamLimits(max_connections=3)))
    answers = await asyncio.gather(*(Client(gateway).asks() for _ in range(12)))
    assert {answer.status for answer in answers} == {200}
    assert upstream.lines == 3


async def test_streams_do_not_take_the_connections_of_queries(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """A few readers of subscriptions must not starve everyone else."""

    async def behaviour(line: Line) -> None:
        while True:
            request = await line.request()
            if b"subscription" in request.body:
                await line.say(chunked_head(b"text/event-stream"), chunk(b":\n\n"))
            else:
                await line.say(http())

    upstream = await opens(behaviour)
    gateway = guards(adapts(upstream.url, UpstreamLimits(max_connections=1)))
    listeners = [Client(gateway, kind="subscription", body=b"subscription") for _ in range(3)]
    async with listeners[0].asking(), listeners[1].asking(), listeners[2].asking():
        for listener in listeners:
            await listener.has(b":\n\n")
        assert (await asyncio.wait_for(Client(gateway).asks(), 2)).status == 200
        for listener in listeners:
            listener.hangs_up()


async def test_callers_are_never_mixed(opens: Opens, adapts: Adapts, guards: Guards, faults: list[str]) -> None:
    """200 requests at once, each with its own caller: every answer belongs to its request."""

    async def behaviour(line: Line) -> None:
        while True:
            request = await line.request()
            await asyncio.sleep(0)
            subject = request.header(b"x-gatepass-subject")
            assert subject is not None
            await line.say(http(subject + b" " + request.body))

    upstream = await opens(behaviour)
    gateway = guards(adapts(upstream.url))

    async def one(number: int) -> None:
        await asyncio.sleep(number % 7 / 1000)
        received = await Client(gateway, who=caller(f"account-{number}"), body=b"%d" % number).asks()
        assert received.body == b"account-%d %d" % (number, number), faults

    await asyncio.gather(*(one(number) for number in range(200)))


async def test_a_slow_reader_slows_the_upstream_down(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    """Backpressure: what the client does not take is not read into memory."""
    written = 0

    async def behaviour(line: Line) -> None:
        nonlocal written
        await line.request()
        await line.say(chunked_head())
        for _ in range(1000):
            await line.say(chunk(b"x" * 65536))
            written += 65536
        await line.say(LAST_CHUNK)

    upstream = await opens(behaviour)
    client = Client(guards(adapts(upstream.url)))
    client.reads.clear()
    async with client.asking():
        await asyncio.sleep(0.5)
        assert written < 16_000_000
        client.reads.set()
    assert len(client.received.body) == 65_536_000
    assert client.received.whole


async def test_a_head_request_gets_no_body(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(answering(http()))
    received = await Client(guards(adapts(upstream.url)), method="HEAD").asks()
    assert (received.status, received.body, received.whole) == (200, b"", True)
    assert received.header(b"content-length") == b"%d" % len(ANSWER)


async def test_the_operations_kind_is_logged(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(answering(http()))
    received = await Client(guards(adapts(upstream.url)), kind="mutation", body=BODY).asks()
    assert (received.operation, received.code) == ("mutation", "OK")


@pytest.mark.parametrize(
    "url", ["ftp://api/", "api:4000/graphql", "http://", "http://user:secret@api/", "http://api/#x"]
)
def test_an_address_that_cannot_be_meant_is_refused(adapts: Adapts, url: str) -> None:
    with pytest.raises(ValueError, match="upstream's address"):
        adapts(url)
