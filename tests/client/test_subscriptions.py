"""Subscriptions over `graphql-transport-ws` and over an event stream, blocking and awaited alike."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest

from gatepass.client import AsyncClient, Client, ClientError, GraphQLErrors, ProtocolError, ServerUnreachable
from gatepass.client.subscription_protocol import EventReader
from tests.kit.event_server import EventServer, event_server
from tests.kit.memory_store import MemoryStore
from tests.kit.plain_server import EMAIL, PASSWORD

Collect = Callable[..., list[Any]]


@pytest.fixture(params=["websocket", "events"])
def server(request: pytest.FixtureRequest) -> Iterator[EventServer]:
    with event_server(has_websocket=request.param == "websocket") as running:
        yield running


def signed_in(store: MemoryStore | None) -> dict[str, Any]:
    return {"profile": "plain", "store": store} if store is not None else {"username": EMAIL, "password": PASSWORD}


def follow(
    server: EventServer, query: str, *, before: Callable[[], object] = dict, store: Any = None, **more: Any
) -> list[Any]:
    """
    All that a subscription brings, and at the end the error if there is one.

    Args:
        before: done once the client has a token.
        store: where a sign-in is kept; without, the client has a password.
    """
    found: list[Any] = []
    with Client(server.address, **signed_in(store)) as api:
        api.token()
        before()
        try:
            for data in api.subscribe(query, **more):
                found.append(data)  # noqa: PERF402 - up to the error
        except ClientError as error:
            found.append(error)
    return found


async def follow_awaited(
    server: EventServer, query: str, *, before: Callable[[], object] = dict, store: Any = None, **more: Any
) -> list[Any]:
    """`follow`, awaited."""
    found: list[Any] = []
    async with AsyncClient(server.address, **signed_in(store)) as api:
        await api.token()
        before()
        try:
            async for data in api.subscribe(query, **more):
                found.append(data)  # noqa: PERF401 - up to the error
        except ClientError as error:
            found.append(error)
    return found


@pytest.fixture(params=["blocking", "awaited"])
def collect(request: pytest.FixtureRequest) -> Collect:
    """Either of the two."""
    if request.param == "blocking":
        return follow
    return lambda *arguments, **more: asyncio.run(follow_awaited(*arguments, **more))


def test_events_come_in_order_until_the_end(server: EventServer, collect: Collect) -> None:
    """With variables and the operation's name."""
    found = collect(server, "subscription a($x: Int) { count(to: 3) }", variables={"x": 5}, operation_name="a")
    assert found == [{"count": 1}, {"count": 2}, {"count": 3}]
    sent = json.loads(server.seen[-1].removeprefix("events "))
    assert (sent["variables"], sent["operationName"]) == ({"x": 5}, "a")
    assert server.seen[0].startswith("websocket graphql-transport-ws" if server.has_websocket else "events ")


@pytest.mark.parametrize(
    ("ending", "kind"),
    [("fail", GraphQLErrors), ("break", ServerUnreachable), ("close", ServerUnreachable), ("nonsense", ProtocolError)],
)
def test_what_ends_it_before_its_time_is_an_error(
    server: EventServer, collect: Collect, ending: str, kind: type[ClientError]
) -> None:
    """After the events that came. Nothing is subscribed again: some may have been missed."""
    *events, error = collect(server, f"subscription {{ count(to: 2) {ending} }}")
    assert events == [{"count": 1}, {"count": 2}]
    assert isinstance(error, kind), error
    assert ending != "fail" or error.code == "BROKEN"
    assert len([line for line in server.seen if "count" in line]) == 1


@pytest.mark.parametrize("checks", ["head", "init"])
@pytest.mark.parametrize("status", [200, 401, 403])
def test_a_token_that_is_refused_at_the_start_is_renewed(
    server: EventServer, collect: Collect, checks: Any, status: Any
) -> None:
    """Whether the server looks at the request's head or at the first message."""
    server.checks, server.plain.expired = checks, status
    found = collect(server, "subscription { count(to: 1) }", before=server.plain.expire_access_tokens)
    assert found == [{"count": 1}]
    assert server.plain.counts["signInRefresh"] == 1


@pytest.mark.parametrize("checks", ["head", "init"])
def test_what_another_process_renewed_and_has_ended_too_is_renewed(
    server: EventServer, collect: Collect, store: MemoryStore, checks: Any
) -> None:
    """A server that lost all access tokens: ours, and the one that is kept. The subscription begins nevertheless."""
    server.checks = checks
    with Client(server.address, profile="plain", store=store) as other:
        other.sign_in(EMAIL, PASSWORD)

        def renew_elsewhere() -> None:
            server.plain.expire_access_tokens()
            other("{ me }")
            server.plain.expire_access_tokens()

        found = collect(server, "subscription { count(to: 1) }", before=renew_elsewhere, store=store)
    assert found == [{"count": 1}]
    assert (server.plain.counts["signInRefresh"], server.plain.counts["reused"]) == (2, 0)


def test_a_server_that_refuses_every_token_is_told(server: EventServer, collect: Collect) -> None:
    """After one renewal."""
    (error,) = collect(server, "subscription { count(to: 1) refuse }")
    assert isinstance(error, GraphQLErrors)
    assert error.code == "UNAUTHENTICATED"
    assert server.plain.counts["signInRefresh"] == 1


@pytest.mark.parametrize("status", [403, 404, 426])
def test_a_server_without_websockets_gives_an_event_stream(collect: Collect, status: int) -> None:
    """Whatever it says to the upgrade."""
    with event_server(has_websocket=False, says_no_with=status) as server:
        assert collect(server, "subscription { count(to: 1) }") == [{"count": 1}]


def test_without_the_extra_it_is_an_event_stream(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which needs nothing."""
    for module in ("subscribing", "subscribing_tasks"):
        monkeypatch.setattr(f"gatepass.client.{module}.has_websockets", lambda: False)
    with event_server() as server:
        assert collect(server, "subscription { count(to: 1) }") == [{"count": 1}]
        assert server.seen[0].startswith("events ")


def test_a_server_with_neither_says_what_is_wrong(collect: Collect) -> None:
    """In its own words."""
    with event_server(has_websocket=False, has_events=False) as server:
        (error,) = collect(server, "subscription { count(to: 1) }")
        assert isinstance(error, GraphQLErrors)


def test_leaving_the_loop_ends_the_subscription(server: EventServer) -> None:
    """The server hears of it."""
    with Client(server.address, username=EMAIL, password=PASSWORD) as api:
        with contextlib.closing(api.subscribe("subscription { count(to: 2) wait }")) as events:
            assert next(events) == {"count": 1}
        assert server.ended.wait(5)
        assert api("{ me }") == {"me": EMAIL}


async def test_leaving_the_loop_ends_the_subscription_awaited(server: EventServer) -> None:
    """Also when it is another task that closes it, as at a loop's end."""
    async with AsyncClient(server.address, username=EMAIL, password=PASSWORD) as api:
        async with contextlib.aclosing(api.subscribe("subscription { count(to: 2) wait }")) as events:
            async for data in events:
                assert data == {"count": 1}
                break
        assert await asyncio.to_thread(server.ended.wait, 5)
        server.ended.clear()
        following = api.subscribe("subscription { count(to: 1) wait }")
        assert await anext(following) == {"count": 1}
        await asyncio.create_task(following.aclose())
        assert await asyncio.to_thread(server.ended.wait, 5)


async def test_a_cancelled_subscriber_ends_the_subscription(server: EventServer) -> None:
    """No task is left over."""
    follows = asyncio.Event()
    async with AsyncClient(server.address, username=EMAIL, password=PASSWORD) as api:

        async def follow() -> None:
            async with contextlib.aclosing(api.subscribe("subscription { count(to: 1) wait }")) as events:
                async for _ in events:
                    follows.set()

        task = asyncio.create_task(follow())
        await asyncio.wait_for(follows.wait(), 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.ended.wait, 5)
    assert [each.get_name() for each in asyncio.all_tasks() if "gatepass" in each.get_name()] == []


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("event: next\ndata: {}\n\n", [("next", "{}")]),
        ("event:next\ndata:{}\n\n", [("next", "{}")]),
        ("data: a\ndata: b\n\n", [("", "a\nb")]),
        (": comment\n\n\n\nevent: complete\n\n", [("complete", "")]),
        ("retry: 5\nid: 1\n\n", []),
        ("event: next\ndata: {}\n", []),
        ("event: next\ndata: a\n\ndata: b\n\n", [("next", "a"), ("", "b")]),
        ("data: a\u2028\u0085\x0b\x0c\x1cé\n\n", [("", "a\u2028\u0085\x0b\x0c\x1cé")]),
    ],
)
def test_an_event_stream_is_read_as_browsers_read_it(text: str, events: list[tuple[str, str]]) -> None:
    """WHATWG HTML §9.2.5 and §9.2.6: whichever its line ends are, and wherever it was cut into pieces."""
    for line_end in ("\n", "\r", "\r\n"):
        stream = text.replace("\n", line_end).encode()
        for size in (1, 2, 3, 100):
            reader = EventReader()
            pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
            assert [event for piece in pieces for event in reader.take(piece)] == events


@pytest.mark.parametrize(
    ("begin", "piece", "events"),
    [
        (b"", b"data: " + b"x" * 1_000_000 + b"\n", 0),
        (b"data: ", b"x" * 1_000_000, 0),
        (b"", b"x" * 1_000_000, 0),
        (b"", b"data:\n" * 20_000, 0),
        (b"data: a\n\n" * 10, b"data\n" * 20_000, 10),
    ],
)
def test_an_event_without_end_is_not_collected_for_ever(begin: bytes, piece: bytes, events: int) -> None:
    """16 MiB are enough, in lines that end or not, and in lines that hold nothing."""
    reader = EventReader()
    assert len(list(reader.take(begin))) == events
    for _ in range(10):
        assert list(reader.take(piece)) == []
    with pytest.raises(ProtocolError, match="16 MiB"):
        list(chain.from_iterable(map(reader.take, [piece] * 10)))


def test_what_is_between_events_is_not_counted() -> None:
    """A stream may stay open for days."""
    reader = EventReader()
    for _ in range(40):
        assert list(reader.take(b": alive\n" * 50_000 + b"data: " + b"x" * 500_000 + b"\n\n")) != []
