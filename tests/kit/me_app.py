"""A tiny ASGI GraphQL application that says who is calling, as an embedder would write it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from graphql import build_schema, graphql, graphql_sync

from gatepass.http.asgi import Receive, Scope, Send

_SCHEMA = build_schema(
    """
    type Query { me: Me, hello: String! }
    type Mutation { rename(name: String!): String! }
    type Me { subject: String!, scopes: [String!]!, session: String! }
    """
)


class MeApp:
    """Answers POSTs; remembers what it received, for tests that ask what reached it."""

    def __init__(self) -> None:
        self.received: list[tuple[Scope, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application; it has no lifespan."""
        if scope["type"] != "http":
            raise RuntimeError("only http here")
        body = (await receive()).get("body", b"")
        self.received.append((scope, body))
        if scope["path"].endswith("/elsewhere"):
            await _answer(send, {"caller": scope["gatepass"] and scope["gatepass"].subject})
            return
        asked = json.loads(body)
        if "__schema" in asked["query"] and not asked.get("variables"):
            await _answer(send, _introspected(asked["query"]))
            return
        result = await graphql(
            _SCHEMA,
            asked["query"],
            root_value=_Root(scope["gatepass"]),
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
        )
        await _answer(send, result.formatted)


@cache
def _introspected(query: str) -> Any:
    """Asked at each start of a service, hundreds of times a run, and a third of what a start costs."""
    return graphql_sync(_SCHEMA, query).formatted


class _Root:
    def __init__(self, caller: Any) -> None:
        self._caller = caller

    def me(self, _info: Any) -> dict[str, Any] | None:
        if self._caller is None:
            return None
        return {
            "subject": self._caller.subject,
            "scopes": sorted(self._caller.scopes),
            "session": self._caller.session_id,
        }

    def hello(self, _info: Any) -> str:
        return "world"

    def rename(self, _info: Any, name: str) -> str:
        return name


async def _answer(send: Send, body: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
