"""
Transports for gql: `gql.Client(transport=GqlTransport(Client(…)))`. Needs the package gql.

Errors of the client (`SignInRequired`, `ServerUnreachable`) come through gql as they are, those of GraphQL as gql's.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from gql.graphql_request import GraphQLRequest
from gql.transport import AsyncTransport, Transport
from gql.transport.exceptions import TransportQueryError
from graphql import ExecutionResult

from gatepass.client.async_client import AsyncClient
from gatepass.client.client import Client
from gatepass.client.errors import GraphQLErrors
from gatepass.client.reply import Reply


class GqlTransport(Transport):
    """gql over a `Client`. Who made the client closes it."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def execute(self, request: GraphQLRequest, *_args: Any, **_kwargs: Any) -> ExecutionResult:
        """Send one operation."""
        query, variables, name = _parts(request)
        return _result(self._api.execute(query, variables, operation_name=name))


class GqlAsyncTransport(AsyncTransport):
    """gql over an `AsyncClient`, with subscriptions. Who made the client closes it."""

    def __init__(self, api: AsyncClient) -> None:
        self._api = api

    async def connect(self) -> None:
        """Nothing: connections are opened when they are needed."""

    async def close(self) -> None:
        """Nothing: the client stays open."""

    async def execute(self, request: GraphQLRequest, *_args: Any, **_kwargs: Any) -> ExecutionResult:
        """Send one operation."""
        query, variables, name = _parts(request)
        return _result(await self._api.execute(query, variables, operation_name=name))

    async def subscribe(
        self, request: GraphQLRequest, *_args: Any, **_kwargs: Any
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Results as they come."""
        query, variables, name = _parts(request)
        try:
            async with contextlib.aclosing(self._api.subscribe(query, variables, operation_name=name)) as events:
                async for data in events:
                    yield ExecutionResult(data=data)
        except GraphQLErrors as error:
            raise TransportQueryError(str(error), errors=[dict(each) for each in error.errors]) from error


def _parts(request: GraphQLRequest) -> tuple[str, dict[str, Any] | None, str | None]:
    payload = request.payload
    return payload["query"], payload.get("variables"), payload.get("operationName")


def _result(reply: Reply) -> ExecutionResult:
    errors: Any = [dict(error) for error in reply.errors] or None  # gql takes them as they came
    return ExecutionResult(data=reply.data, errors=errors, extensions=dict(reply.extensions) or None)
