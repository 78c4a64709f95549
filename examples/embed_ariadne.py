"""
Sign-in and bearer tokens for an Ariadne schema, in one line.

    pip install "gatepass[server]" ariadne
    gatepass init
    gatepass user add ana@example.org --scope read
    uvicorn embed_ariadne:app --app-dir examples

`/graphql` now has the sign-in mutations beside the fields below. Gatepass lets only callers with a valid access token
through to them, and tells who they are in the ASGI scope.
"""

from typing import Any

from ariadne import QueryType, gql, make_executable_schema
from ariadne.asgi import GraphQL
from graphql import GraphQLResolveInfo

from gatepass import Gatepass, Settings

SCHEMA = gql("""
    "A schema that knows nothing of tokens."
    type Query {
      "Greets somebody."
      hello(name: String! = "world"): String!
      "Who is asking; null where Gatepass let an anonymous request through."
      me: Me
    }

    "The account that is asking."
    type Me { subject: String!, scopes: [String!]!, session_id: String! }
""")

query = QueryType()


@query.field("hello")
def hello(_root: None, _info: "GraphQLResolveInfo[Any]", name: str) -> str:
    """Greet somebody."""
    return f"Hello, {name}!"


@query.field("me")
def me(_root: None, info: "GraphQLResolveInfo[Any]") -> dict[str, Any] | None:
    """Return who is asking."""
    caller = info.context["request"].scope.get("gatepass")
    return caller and {
        "subject": caller.subject,
        "scopes": sorted(caller.scopes),
        "session_id": caller.session_id,
    }


app = Gatepass(GraphQL(make_executable_schema(SCHEMA, query)), Settings.load())
