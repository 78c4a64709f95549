"""Transports for gql."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, cast

import pytest
from gql import Client as GqlClient
from gql import gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

from gatepass.client import AsyncClient, BearerAuth, Client, SignInRequired
from gatepass.client.gql_transports import GqlAsyncTransport, GqlTransport
from tests.kit.event_server import EventServer, event_server
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer

PAGE = "query ($first: Int!) { companies(first: $first) { items { company_name } } }"


@pytest.fixture
def events() -> Iterator[EventServer]:
    with event_server() as running:
        yield running


def test_an_operation_with_variables_through_the_schema_of_the_server(live: PlainServer) -> None:
    """Gql asks for the schema over the same transport."""
    with Client(live.address, username=EMAIL, password=PASSWORD) as api:
        client = GqlClient(transport=GqlTransport(api), fetch_schema_from_transport=True)
        query = gql(PAGE)
        query.variable_values = {"first": 1}
        assert client.execute(query) == {"companies": {"items": [{"company_name": "Plain Company 1"}]}}
        live.expire_access_tokens()
        assert client.execute(gql("{ me }")) == {"me": EMAIL}
    assert live.counts["signInRefresh"] == 1


def test_errors_of_graphql_are_gql_s_own_and_those_of_the_client_ours(live: PlainServer) -> None:
    """So that programs written for gql go on, and know what to run."""
    with Client(live.address, username=EMAIL, password=PASSWORD) as api:
        client = GqlClient(transport=GqlTransport(api))
        with pytest.raises(TransportQueryError, match="nonsense"):
            client.execute(gql("{ nonsense }"))
        with Client(live.address, token="x") as given, pytest.raises(SignInRequired):
            GqlClient(transport=GqlTransport(given)).execute(gql("{ me }"))


async def test_the_same_awaited(live: PlainServer) -> None:
    """With many at once in one session."""
    api = AsyncClient(live.address, username=EMAIL, password=PASSWORD)
    async with api, GqlClient(transport=GqlAsyncTransport(api)) as session:
        assert await session.execute(gql("{ me }")) == {"me": EMAIL}
        with pytest.raises(TransportQueryError):
            await session.execute(gql("{ nonsense }"))


async def test_a_subscription(events: EventServer) -> None:
    """Over whatever the server has."""
    api = AsyncClient(events.address, username=EMAIL, password=PASSWORD)
    async with api, GqlClient(transport=GqlAsyncTransport(api)) as session:
        following = session.subscribe(gql("subscription { count(to: 2) }"))
        assert [data async for data in following] == [{"count": 1}, {"count": 2}]


async def test_leaving_a_subscription_ends_it(events: EventServer) -> None:
    """At the server, too."""
    api = AsyncClient(events.address, username=EMAIL, password=PASSWORD)
    async with api, GqlClient(transport=GqlAsyncTransport(api)) as session:
        async with contextlib.aclosing(session.subscribe(gql("subscription { count(to: 1) wait }"))) as following:
            assert await anext(following) == {"count": 1}
        assert await asyncio.to_thread(events.ended.wait, 5)


def test_gql_s_own_transport_takes_bearer_auth(live: PlainServer) -> None:
    """As the documentation says."""
    with Client(live.address, username=EMAIL, password=PASSWORD) as api:
        transport = RequestsHTTPTransport(live.address, auth=cast(Any, BearerAuth(api)))
        with GqlClient(transport=transport) as session:
            assert session.execute(gql("{ me }")) == {"me": EMAIL}
            live.expire_access_tokens()
            live.expired = 401
            assert session.execute(gql("{ me }")) == {"me": EMAIL}
