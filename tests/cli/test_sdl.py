"""The schema that `gatepass schema --sdl` prints is the one that the server has."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_client_schema, build_schema, graphql_sync, print_schema
from hypothesis import given
from hypothesis import strategies as st

from gatepass.cli.sdl import INTROSPECTION, INTROSPECTION_2018, sdl

ROOT = Path(__file__).parents[2]
ODD = '''
"""What it is about."""
schema { query: Root, subscription: Events }
"On a field."
directive @cost("how much" weight: Int = 1, unit: Unit = "x") repeatable on FIELD_DEFINITION | OBJECT
directive @plain on FIELD
scalar Unit
scalar Day @specifiedBy(url: "https://example.org/day")
interface Node { id: ID! }
interface Named implements Node {
  id: ID!
  name(long: Boolean = false, of: [String!]! = ["a", "b"]): String @deprecated
}
type Root implements Named & Node {
  "first"
  id: ID!
  name(long: Boolean = false, of: [String!]! = ["a", "b"]): String @deprecated
  """
  Two lines,
    the second further in.
  """
  all(
    "one"
    a: Filter = {min: 1, kind: OLD}
    b: Int
  ): [[Node]!]! @deprecated(reason: "use \\"name\\"")
}
type Events { ticked: Either, day: Day }
union Either = Root | Events
"With \\"quotes\\" and \\\\ backslashes."
enum Kind { "an old one" OLD, NEW @deprecated(reason: "too new") }
input Filter { min: Int! = 0, "which" kind: Kind = NEW, inner: [Filter!] }
'''


def introspected(schema: GraphQLSchema, query: str = INTROSPECTION) -> dict[str, object]:
    result = graphql_sync(schema, query)
    assert result.errors is None
    assert result.data is not None
    return result.data


def expected(schema: GraphQLSchema) -> str:
    """What a client of a GraphQL library would print, but for white space at the ends of lines."""
    printed = print_schema(build_client_schema(introspected(schema)))  # type: ignore[arg-type]
    return "".join(f"{line.rstrip()}\n" for line in printed.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        ODD,
        (ROOT / "src/gatepass/graphql/schema.graphql").read_text(),
        (ROOT / "examples/company_register/schema.graphql").read_text(),
        "type Query { a: Int }",
    ],
    ids=["odd", "gatepass", "demo", "least"],
)
def test_it_is_what_a_graphql_library_prints(text: str) -> None:
    """Letter by letter; and it can be read again."""
    schema = build_schema(text)
    printed = sdl(introspected(schema)["__schema"])  # type: ignore[arg-type]
    assert printed == expected(schema)
    assert print_schema(build_schema(printed)) == print_schema(schema)


def test_a_server_of_2018_can_be_asked() -> None:
    """Without the fields that came later."""
    for later in ("isRepeatable", "specifiedByURL"):
        assert later in INTROSPECTION
        assert later not in INTROSPECTION_2018
    assert INTROSPECTION.count("description") == INTROSPECTION_2018.count("description") + 1
    printed = sdl(introspected(build_schema("type Query { a: Int }"), INTROSPECTION_2018)["__schema"])  # type: ignore[arg-type]
    assert printed == "type Query {\n  a: Int\n}\n"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_description_comes_back_as_it_was(text: str) -> None:
    """Whatever a server's authors wrote: quotes, backslashes, line breaks, control characters."""
    schema = build_schema("type Query { a: Int }")
    schema.query_type.description = text  # type: ignore[union-attr]
    schema.query_type.fields["a"].description = text  # type: ignore[union-attr]
    schema.query_type.fields["a"].deprecation_reason = text  # type: ignore[union-attr]
    again = build_schema(sdl(introspected(schema)["__schema"]))  # type: ignore[arg-type]
    assert again.query_type is not None
    assert again.query_type.description == text
    assert again.query_type.fields["a"].description == text
    assert again.query_type.fields["a"].deprecation_reason == text
