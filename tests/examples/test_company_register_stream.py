"""How the demo API streams: GraphQL over SSE, distinct connections mode."""

import asyncio
import gc
import json
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.types import Message

CHANGE = "{ company_number company_name previous_rating new_rating }"
SCALE = ["GOLD", "SILVER", "BRONZE", "ONE_RED_FLAG", "TWO_RED_FLAGS"]


class Listener:
    """A caller of a stream, who can hang up. Speaks ASGI itself: a client would wait for the end of the answer."""

    def __init__(self, app: Starlette, query: str, *, buffer: int = 0) -> None:
        self._sent = asyncio.Queue[Message](buffer)
        self._received = asyncio.Queue[Message]()
        self._received.put_nowait({"type": "http.request", "body": json.dumps({"query": query}).encode()})
        headers = [(b"content-type", b"application/json"), (b"accept", b"text/event-stream")]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
        self.call = asyncio.ensure_future(app(scope, self._received.get, self._sent.put))

    async def hears(self) -> tuple[str, Any]:
        """Return the next event's name and data."""
        while (message := await asyncio.wait_for(self._sent.get(), timeout=5))["type"] != "http.response.body":
            assert message["status"] == 200
        name, data = message["body"].decode().removesuffix("\n\n").split("\n")
        return name.removeprefix("event: "), json.loads(data.removeprefix("data:") or "null")

    async def hangs_up(self) -> None:
        """Close the connection and wait until the API has noticed."""
        self._received.put_nowait({"type": "http.disconnect"})
        done, _ = await asyncio.wait({self.call}, timeout=2)
        assert done, "the API goes on talking to nobody"
        self.call.result()
        await asyncio.sleep(0)


@contextmanager
def all_generators_closed() -> Iterator[None]:
    """Fail if a generator is left to the garbage collector, which finds it late or never."""
    forgotten: list[AsyncGenerator[Any, Any]] = []
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=forgotten.append)
    yield
    gc.collect()
    sys.set_asyncgen_hooks(*hooks)
    assert forgotten == []


def watching(arguments: str) -> str:
    return f"subscription {{ healthChanged({arguments}) {CHANGE} }}"


async def changes_of(listener: Listener, count: int) -> list[dict[str, Any]]:
    events = [await listener.hears() for _ in range(count)]
    assert {name for name, _ in events} == {"next"}
    return [data["data"]["healthChanged"] for _, data in events]


async def test_ratings_move_one_step_at_a_time_and_then_the_stream_is_complete(app: Starlette) -> None:
    listener = Listener(app, watching('company_number: "GP000042", interval_seconds: 0.05, first: 5'))
    changes = await changes_of(listener, 5)
    assert await listener.hears() == ("complete", None)
    for before, after in pairwise(changes):
        assert before["new_rating"] == after["previous_rating"]
    for change in changes:
        assert change["company_number"] == "GP000042"
        assert abs(SCALE.index(change["previous_rating"]) - SCALE.index(change["new_rating"])) == 1
    await listener.call


async def test_every_subscriber_sees_the_same_changes(app: Starlette) -> None:
    ask = watching("interval_seconds: 0.05, first: 4")
    assert await changes_of(Listener(app, ask), 4) == await changes_of(Listener(app, ask), 4)


async def test_a_client_that_hangs_up_while_nothing_happens_frees_the_stream(app: Starlette) -> None:
    """The stream sleeps for ten seconds; it must not take that long, nor leave a task behind."""
    tasks = asyncio.all_tasks()
    with all_generators_closed():
        listener = Listener(app, watching("interval_seconds: 10"))
        await listener.hears()
        assert app.state.register.feed.open_streams == 1
        await listener.hangs_up()
        del listener
    assert app.state.register.feed.open_streams == 0
    assert asyncio.all_tasks() == tasks


async def test_a_client_that_hangs_up_while_it_is_written_to_frees_the_stream(app: Starlette) -> None:
    """Back-pressure: the server waits in `send` and not in the source of the events."""
    with all_generators_closed():
        listener = Listener(app, watching("interval_seconds: 0.05"), buffer=2)
        await listener.hears()
        await asyncio.sleep(0.3)
        assert app.state.register.feed.open_streams == 1
        await listener.hangs_up()
        del listener
    assert app.state.register.feed.open_streams == 0


async def test_a_server_that_stops_frees_the_stream(app: Starlette) -> None:
    """Cancelling the call is how an ASGI server ends what does not end by itself."""
    with all_generators_closed():
        listener = Listener(app, watching("interval_seconds: 10"))
        await listener.hears()
        listener.call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listener.call
        await asyncio.sleep(0)
        del listener
    assert app.state.register.feed.open_streams == 0


async def test_the_register_stays_as_it_is(app: Starlette, api: httpx2.AsyncClient) -> None:
    ask = '{ company(company_number: "GP000042") { health_rating } }'
    before = (await api.post("/graphql", json={"query": ask})).json()
    await changes_of(Listener(app, watching('company_number: "GP000042", first: 1')), 1)
    assert (await api.post("/graphql", json={"query": ask})).json() == before


@pytest.mark.parametrize(
    "arguments",
    ["interval_seconds: 0.01", "interval_seconds: 11", "first: 0", "first: 1001", 'company_number: "GP0"'],
)
async def test_what_cannot_be_watched_is_an_error_event(app: Starlette, arguments: str) -> None:
    """Errors come as events, for a browser's EventSource cannot read the body of a 400."""
    listener = Listener(app, watching(arguments))
    name, data = await listener.hears()
    assert (name, data["errors"][0]["extensions"]["code"]) == ("next", "BAD_USER_INPUT")
    assert await listener.hears() == ("complete", None)
    assert app.state.register.feed.open_streams == 0


@pytest.mark.parametrize(
    "query", ["{ __typename }", "{ nothing }", "{", 'query { company(company_number: "x") { town } }']
)
async def test_any_operation_can_be_answered_as_events(app: Starlette, api: httpx2.AsyncClient, query: str) -> None:
    listener = Listener(app, query)
    assert await listener.hears() == ("next", (await api.post("/graphql", json={"query": query})).json())
    assert await listener.hears() == ("complete", None)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/graphql-response+json"])
async def test_a_subscription_without_event_stream_is_406(api: httpx2.AsyncClient, accept: str) -> None:
    answer = await api.post("/graphql", json={"query": watching("first: 1")}, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (406, "BAD_USER_INPUT")


async def test_get_streams_too(api: httpx2.AsyncClient) -> None:
    """A browser's EventSource can send nothing but GET."""
    parameters = {"query": watching("first: 1")}
    answer = await api.get("/graphql", params=parameters, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text.startswith("event: next\ndata: {")
    assert answer.text.endswith("\n\nevent: complete\ndata:\n\n")
