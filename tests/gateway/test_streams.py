"""Event streams through the gateway: kept open, and ended when they must. DESIGN §6: revocation within one second."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from gatepass.domain.access_token import Caller
from gatepass.gateway.forward import Gateway
from gatepass.gateway.upstream import UpstreamLimits
from tests.gateway.actors import LAST_CHUNK, Client, Line, Revocations, caller, chunk, chunked_head
from tests.gateway.conftest import Adapts, Guards, Opens

BRIEF = UpstreamLimits(idle_timeout=timedelta(seconds=0.2))
SSE = chunked_head(b"text/event-stream")
ACCEPT = [(b"accept", b"text/event-stream")]
EVENT = b"event: next\ndata: {}\n\n"


async def quietly(line: Line) -> None:
    """Sends one event, then stays silent until the gateway leaves."""
    await line.request()
    await line.say(SSE, chunk(EVENT))
    await line.reader.read()


def subscribes(gateway: Gateway, who: Caller | None = None) -> Client:
    """Somebody's subscription: Ana's where nobody is named."""
    return Client(gateway, kind="subscription", headers=ACCEPT, who=who or caller())


async def test_the_head_of_a_stream_does_not_wait_for_an_event(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(SSE)
        await line.reader.read()

    upstream = await opens(behaviour)
    client = subscribes(guards(adapts(upstream.url)))
    async with client.asking():
        await client.has_head()
        assert client.received.header(b"content-type") == b"text/event-stream"
        client.hangs_up()


async def test_events_come_one_by_one_and_the_end_is_the_upstreams(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    go_on: asyncio.Queue[None] = asyncio.Queue()

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(SSE)
        for _ in range(3):
            await go_on.get()
            await line.say(chunk(EVENT))
        await line.say(LAST_CHUNK)
        await line.reader.read()

    upstream = await opens(behaviour)
    client = subscribes(guards(adapts(upstream.url)))
    async with client.asking():
        await client.has_head()
        for count in (1, 2, 3):
            await go_on.put(None)
            await client.has(EVENT * count)
    assert (client.received.whole, client.received.code) == (True, "OK")


async def test_a_stream_may_be_silent_for_longer_than_the_idle_limit(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(SSE, chunk(EVENT))
        await asyncio.sleep(0.6)
        await line.say(chunk(EVENT), LAST_CHUNK)

    upstream = await opens(behaviour)
    received = await subscribes(guards(adapts(upstream.url, BRIEF))).asks()
    assert (received.body, received.whole) == (EVENT * 2, True)


async def test_signing_out_ends_the_sessions_streams(
    opens: Opens, adapts: Adapts, guards: Guards, revocations: Revocations
) -> None:
    """Cleanly, within a second, and the upstream is let go."""
    upstream = await opens(quietly)
    client = subscribes(guards(adapts(upstream.url)))
    async with client.asking():
        await client.has(EVENT)
        started = time.monotonic()
        await revocations.sign_out()
    assert time.monotonic() - started < 1
    assert (client.received.whole, client.received.code) == (True, "UNAUTHENTICATED")
    await asyncio.wait_for(upstream.left.wait(), 5)


async def test_signing_out_elsewhere_leaves_other_sessions_alone(
    opens: Opens, adapts: Adapts, guards: Guards, revocations: Revocations
) -> None:
    upstream = await opens(quietly)
    client = subscribes(guards(adapts(upstream.url)))
    async with client.asking() as exchange:
        await client.has(EVENT)
        await revocations.sign_out("01890a5d-ac96-774b-bcce-000000000000")
        await asyncio.sleep(0.1)
        assert not exchange.done()
        client.hangs_up()


async def test_a_session_revoked_before_the_head_gets_no_event(
    opens: Opens, adapts: Adapts, guards: Guards, revocations: Revocations
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await revocations.sign_out()
        await line.say(SSE, chunk(EVENT))
        await line.reader.read()

    upstream = await opens(behaviour)
    received = await subscribes(guards(adapts(upstream.url))).asks()
    assert (received.body, received.whole, received.code) == (b"", True, "UNAUTHENTICATED")


async def test_the_end_of_the_token_ends_its_streams(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(quietly)
    started = time.monotonic()
    received = await subscribes(guards(adapts(upstream.url)), who=caller(lives=timedelta(seconds=0.3))).asks()
    assert 0.2 < time.monotonic() - started < 5
    assert (received.body, received.whole, received.code) == (EVENT, True, "UNAUTHENTICATED")
    await asyncio.wait_for(upstream.left.wait(), 5)


async def test_no_event_goes_out_while_revocations_are_unknown(
    opens: Opens, adapts: Adapts, guards: Guards, revocations: Revocations
) -> None:
    """Fails closed, like every request with a bearer."""
    go_on = asyncio.Event()

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(SSE, chunk(EVENT))
        await go_on.wait()
        await line.say(chunk(b"data: too late\n\n"))
        await line.reader.read()

    upstream = await opens(behaviour)
    client = subscribes(guards(adapts(upstream.url)))
    usual = revocations.clock
    async with client.asking():
        await client.has(EVENT)
        revocations.clock = lambda: usual() + timedelta(minutes=1)
        go_on.set()
    assert (client.received.body, client.received.whole, client.received.code) == (EVENT, True, "INTERNAL")


async def test_a_client_that_leaves_ends_the_upstreams_stream(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(quietly)
    client = subscribes(guards(adapts(upstream.url)))
    async with client.asking():
        await client.has(EVENT)
        client.hangs_up()
    assert client.received.code == "OK"
    await asyncio.wait_for(upstream.left.wait(), 5)


async def test_an_upstream_that_breaks_a_stream_breaks_it_for_the_client(
    opens: Opens, adapts: Adapts, guards: Guards
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(SSE, chunk(EVENT))
        await asyncio.sleep(0.05)
        line.reset()

    upstream = await opens(behaviour)
    received = await subscribes(guards(adapts(upstream.url))).asks()
    assert (received.body, received.whole, received.code) == (EVENT, False, "UPSTREAM_UNAVAILABLE")


async def test_a_client_that_does_not_read_cannot_keep_a_revoked_stream(
    opens: Opens, adapts: Adapts, guards: Guards, revocations: Revocations
) -> None:
    upstream = await opens(quietly)
    client = subscribes(guards(adapts(upstream.url)))
    async with client.asking():
        await client.has(EVENT)
        client.reads.clear()
        await revocations.sign_out()
        await asyncio.wait_for(upstream.left.wait(), 5)
    assert not client.received.whole


async def test_a_stream_for_nobody_has_no_session_to_watch(opens: Opens, adapts: Adapts, guards: Guards) -> None:
    upstream = await opens(quietly)
    client = Client(guards(adapts(upstream.url)), kind="subscription", headers=ACCEPT, who=None)
    async with client.asking():
        await client.has(EVENT)
        client.hangs_up()
    assert client.received.body == EVENT


@pytest.mark.parametrize("count", [100])
async def test_many_streams_end_at_once(
    opens: Opens, adapts: Adapts, guards: Guards, revocations: Revocations, count: int
) -> None:
    upstream = await opens(quietly)
    gateway = guards(adapts(upstream.url))
    clients = [subscribes(gateway) for _ in range(count)]
    tasks = [asyncio.create_task(client.asks()) for client in clients]
    for client in clients:
        await client.has(EVENT)
    started = time.monotonic()
    await revocations.sign_out()
    await asyncio.gather(*tasks)
    assert time.monotonic() - started < 1
    assert all(client.received.whole for client in clients)
