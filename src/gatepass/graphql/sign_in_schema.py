"""The sign-in schema: what stands in `schema.graphql`, and the names that make a field ours."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from graphql import GraphQLSchema, build_schema

SIGN_IN_FIELDS: Final = frozenset({"signIn", "signInRefresh"})
"""Fields that take credentials. They are ours in every kind of operation, so that none is forwarded by mistake."""

ACCOUNT_FIELD: Final = "gatepass"
"""What there is about the service and the account that is signed in; also in every kind: a password can be below."""

RESERVED: Final = SIGN_IN_FIELDS | {ACCOUNT_FIELD}
"""Root fields that are never forwarded, whatever kind of operation they stand in."""

MUTATION_FIELDS: Final = RESERVED | {"signOut"}
QUERY_FIELDS: Final = frozenset({ACCOUNT_FIELD})
CHANGE_PASSWORD: Final = "changePassword"  # noqa: S105 - a field
OPEN_FIELDS: Final = frozenset({"issuer", "accessTokenSeconds"})
"""What everybody may ask below `gatepass`."""
GUARDED_FIELDS: Final = frozenset({"account", "sessions", "revokeSession", "signOutEverywhere", CHANGE_PASSWORD})
"""What needs a bearer there."""


@cache
def sdl() -> str:
    """The text of `schema.graphql`."""
    return files("gatepass.graphql").joinpath("schema.graphql").read_text("utf-8")


def build_sign_in_schema() -> GraphQLSchema:
    """The schema without resolvers."""
    return build_schema(sdl())
