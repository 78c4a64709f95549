"""
Sign-in and bearer tokens for a Strawberry schema, in one line.

    pip install "gatepass[server]" strawberry-graphql
    gatepass init
    gatepass user add ana@example.org --scope read
    uvicorn embed_strawberry:app --app-dir examples

`/graphql` now has the sign-in mutations beside the fields below. Gatepass lets only callers with a valid access token
through to them, and tells who they are in the ASGI scope.
"""

from typing import Any

import strawberry
from strawberry.asgi import GraphQL
from strawberry.types import Info

from gatepass import Gatepass, Settings


@strawberry.type
class Me:
    """The account that is asking."""

    subject: str
    scopes: list[str]
    session_id: str


@strawberry.type
class Query:
    """A schema that knows nothing of tokens."""

    @strawberry.field
    def hello(self, name: str = "world") -> str:
        """Greet somebody."""
        return f"Hello, {name}!"

    @strawberry.field
    def me(self, info: Info[dict[str, Any], None]) -> Me | None:
        """Return who is asking; null where Gatepass let an anonymous request through."""
        caller = info.context["request"].scope.get("gatepass")
        return caller and Me(subject=caller.subject, scopes=sorted(caller.scopes), session_id=caller.session_id)


app = Gatepass(GraphQL(strawberry.Schema(Query)), Settings.load())
