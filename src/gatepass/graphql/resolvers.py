"""The resolvers of the sign-in schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema

from gatepass.domain.access_token import Caller, IssuedTokens
from gatepass.domain.errors import Unauthenticated
from gatepass.domain.secret import Secret
from gatepass.graphql import tokens
from gatepass.graphql.ports import Deeds
from gatepass.graphql.sign_in_schema import build_sign_in_schema


@dataclass(frozen=True, slots=True)
class Context:
    """What resolvers see of a request. `caller` is proven, and there only where the operation needs one."""

    deeds: Deeds
    issuer: str
    access_ttl: timedelta
    caller: Caller | None = None


@cache
def executable_schema() -> GraphQLSchema:
    """The sign-in schema with its resolvers; what differs between servers comes in with the context."""
    schema = build_sign_in_schema()
    fields = {
        name: graphql_type.fields for name, graphql_type in schema.type_map.items() if hasattr(graphql_type, "fields")
    }
    fields["Query"]["gatepass"].resolve = _gatepass
    fields["Mutation"]["signIn"].resolve = _sign_in
    fields["Mutation"]["signInRefresh"].resolve = _sign_in_refresh
    fields["Mutation"]["signOut"].resolve = _sign_out
    for name, field in fields["Tokens"].items():
        field.resolve = _token_field(name)
    return schema


async def sign_in(deeds: Deeds, user_name: str, password: str, *, use_management_flow: bool) -> IssuedTokens:
    """The one way from `signIn` to its use case, planned or not."""
    return await deeds.sign_in(user_name, Secret(password), use_management_flow=use_management_flow)


async def sign_in_refresh(deeds: Deeds, refresh_token: str, *, use_management_flow: bool) -> IssuedTokens:
    """The one way from `signInRefresh` to its use case, planned or not."""
    return await deeds.sign_in_refresh(Secret(refresh_token), use_management_flow=use_management_flow)


def _gatepass(_root: object, info: GraphQLResolveInfo[Context]) -> dict[str, Any]:
    context = info.context
    return {"issuer": context.issuer, "accessTokenSeconds": int(context.access_ttl.total_seconds())}


async def _sign_in(
    _root: object,
    info: GraphQLResolveInfo[Context],
    useManagementflow: bool,  # noqa: N803 - GraphQL's spelling
    credentials: dict[str, str],
) -> IssuedTokens:
    context = info.context
    return await sign_in(
        context.deeds, credentials["userName"], credentials["password"], use_management_flow=useManagementflow
    )


async def _sign_in_refresh(
    _root: object,
    info: GraphQLResolveInfo[Context],
    useManagementflow: bool,  # noqa: N803
    credentials: dict[str, str],
) -> IssuedTokens:
    context = info.context
    return await sign_in_refresh(context.deeds, credentials["refreshToken"], use_management_flow=useManagementflow)


async def _sign_out(_root: object, info: GraphQLResolveInfo[Context], everywhere: bool) -> dict[str, int]:
    context = info.context
    if context.caller is None:
        raise Unauthenticated
    return {"sessions": await context.deeds.sign_out(context.caller, everywhere=everywhere)}


def _token_field(name: str) -> Any:
    read = tokens.FIELDS[name]
    return lambda issued, _info: read(issued)
