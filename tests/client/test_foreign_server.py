"""
Everything that a client does, on a server that is not ours, when its token has expired there without warning.

The server says so with HTTP 200 and an error, with 401 or with 403, with a code or without; its tokens are opaque, it
gives no `expiresIn`, and a refresh token works once. `BearerAuth` and `AiohttpBearer` there: `test_bearer_auth`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gql import Client as GqlClient
from gql import gql

from gatepass.client import AsyncClient, Client
from gatepass.client.gql_transports import GqlAsyncTransport, GqlTransport
from tests.kit.event_server import EXPIRED_AS, EventServer, foreign_server
from tests.kit.plain_server import COMPANIES, EMAIL, PASSWORD

PAGE = "query ($after: String) { companies(first: 100, after: $after) { items { turnover } pageInfo { endCursor } } }"
RENAME = 'mutation ($name: String!) { rename(company_number: "PL000001", company_name: $name) { company_name } }'
UPLOAD = "mutation ($file: Upload!) { store(file: $file) }"
COUNT = "subscription { count(to: 2) }"
COUNTED = [{"count": 1}, {"count": 2}]
Deed = Callable[[Client], None]


@pytest.fixture(scope="module", params=EXPIRED_AS)
def running(request: pytest.FixtureRequest) -> Iterator[EventServer]:
    with foreign_server(request.param) as server:
        yield server


@pytest.fixture
def server(running: EventServer) -> EventServer:
    """As if it had begun just now."""
    running.plain.counts.clear()
    running.has_websocket = True
    return running


@pytest.fixture
def api(server: EventServer) -> Iterator[Client]:
    """Signed in and kept; the access token is no good any more, and nobody said so."""
    with Client(server.address) as api:
        api.sign_in(EMAIL, PASSWORD)
        server.plain.expire_access_tokens()
        yield api


def awaited(deed: Callable[[AsyncClient], Any]) -> Deed:
    """The same with an `AsyncClient` on the same stored sign-in."""

    def do(api: Client) -> None:
        async def begin() -> None:
            async with AsyncClient(api.url) as ours:
                await deed(ours)

        asyncio.run(begin())

    return do


def query(api: Client) -> None:
    assert api("{ me }") == {"me": EMAIL}


def mutation(api: Client) -> None:
    assert api(RENAME, {"name": "New"}) == {"rename": {"company_name": "New"}}


def many(api: Client) -> None:
    assert [reply.data for reply in api.execute_many(["{ me }"] * 20)] == [{"me": EMAIL}] * 20


async def many_awaited(api: AsyncClient) -> None:
    assert [reply.data for reply in await api.execute_many(["{ me }"] * 20)] == [{"me": EMAIL}] * 20


def pages(api: Client) -> None:
    assert len(list(api.paginate(PAGE))) == COMPANIES


async def pages_awaited(api: AsyncClient) -> None:
    assert len([item async for item in api.paginate(PAGE)]) == COMPANIES


def upload(api: Client) -> None:
    assert api(UPLOAD, files={"file": io.BytesIO(b"Hello.")})["files"]["0"][2] == "Hello."


async def upload_awaited(api: AsyncClient) -> None:
    assert (await api(UPLOAD, files={"file": b"Hello."}))["files"]["0"][2] == "Hello."


def subscription(api: Client) -> None:
    assert list(api.subscribe(COUNT)) == COUNTED


async def subscription_awaited(api: AsyncClient) -> None:
    assert [data async for data in api.subscribe(COUNT)] == COUNTED


def through_gql(api: Client) -> None:
    assert GqlClient(transport=GqlTransport(api)).execute(gql("{ me }")) == {"me": EMAIL}


async def through_gql_awaited(api: AsyncClient) -> None:
    async with GqlClient(transport=GqlAsyncTransport(api)) as session:
        assert await session.execute(gql("{ me }")) == {"me": EMAIL}


async def subscription_through_gql(api: AsyncClient) -> None:
    async with GqlClient(transport=GqlAsyncTransport(api)) as session:
        assert [data async for data in session.subscribe(gql(COUNT))] == COUNTED


DEEDS: dict[str, Deed] = {
    **{each.__name__: each for each in (query, mutation, many, pages, upload, subscription, through_gql)},
    **{
        each.__name__: awaited(each)
        for each in (
            many_awaited, pages_awaited, upload_awaited, subscription_awaited, through_gql_awaited,
            subscription_through_gql,
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_what_the_library_does_works_there(server: EventServer, api: Client, deed: Deed) -> None:
    """With one renewal, whatever was under way at once, and no second sign-in."""
    deed(api)
    assert (server.plain.counts["signIn"], server.plain.counts["signInRefresh"]) == (1, 1)
    assert server.plain.counts["reused"] == 0


def test_an_event_stream_works_there_too(server: EventServer, api: Client) -> None:
    """Where the server takes no WebSocket."""
    server.has_websocket = False
    subscription(api)
    assert server.plain.counts["signInRefresh"] == 1
