"""The sign-in schema: what stands in `schema.graphql`, and the names that make a field ours."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from graphql import GraphQLSchema, build_schema

SIGN_IN_FIELDS: Final = frozenset({"signIn", "signInRefresh"})
"""Fields that take credentials. They are ours in every kind of operation, so that none is forwarded by mistake."""

MUTATION_FIELDS: Final = SIGN_IN_FIELDS | {"signOut"}
QUERY_FIELDS: Final = frozenset({"gatepass"})


@cache
def sdl() -> str:
    """The text of `schema.graphql`."""
    return files("gatepass.graphql").joinpath("schema.graphql").read_text("utf-8")


def build_sign_in_schema() -> GraphQLSchema:
    """The schema without resolvers."""
    return build_schema(sdl())
