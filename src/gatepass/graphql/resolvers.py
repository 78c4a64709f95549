"""The resolvers of the sign-in schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema

from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.graphql import account, tokens
from gatepass.graphql.context import Context
from gatepass.graphql.ports import Deeds
from gatepass.graphql.sign_in_schema import build_sign_in_schema


@cache
def executable_schema() -> GraphQLSchema:
    """The sign-in schema with its resolvers; what differs between servers comes in with the context."""
    schema = build_sign_in_schema()
    fields = {
        name: graphql_type.fields for name, graphql_type in schema.type_map.items() if hasattr(graphql_type, "fields")
    }
    fields["Mutation"]["signIn"].resolve = _sign_in
    fields["Mutation"]["signInRefresh"].resolve = _sign_in_refresh
    fields["Mutation"]["signOut"].resolve = _sign_out
    account.add_resolvers(fields)
    for name, field in fields["Tokens"].items():
        field.resolve = _token_field(name)
    return schema


async def sign_in(
    deeds: Deeds,
    occasion: Occasion,
    user_name: str,
    password: str,
    device_hint: str | None = None,
    *,
    use_management_flow: bool,
) -> IssuedTokens:
    """The one way from `signIn` to its use case, planned or not."""
    return await deeds.sign_in(
        user_name, Secret(password), occasion, use_management_flow=use_management_flow, device_hint=device_hint
    )


async def sign_in_refresh(
    deeds: Deeds, occasion: Occasion, refresh_token: str, *, use_management_flow: bool
) -> IssuedTokens:
    """The one way from `signInRefresh` to its use case, planned or not."""
    return await deeds.sign_in_refresh(Secret(refresh_token), occasion, use_management_flow=use_management_flow)


async def _sign_in(
    _root: object,
    info: GraphQLResolveInfo[Context],
    useManagementflow: bool,  # noqa: N803 - GraphQL's spelling
    credentials: dict[str, Any],
) -> IssuedTokens:
    context = info.context
    return await sign_in(
        context.deeds,
        context.occasion,
        credentials["userName"],
        credentials["password"],
        credentials.get("deviceHint"),
        use_management_flow=useManagementflow,
    )


async def _sign_in_refresh(
    _root: object,
    info: GraphQLResolveInfo[Context],
    useManagementflow: bool,  # noqa: N803
    credentials: dict[str, str],
) -> IssuedTokens:
    context = info.context
    return await sign_in_refresh(
        context.deeds, context.occasion, credentials["refreshToken"], use_management_flow=useManagementflow
    )


async def _sign_out(_root: object, info: GraphQLResolveInfo[Context], everywhere: bool) -> dict[str, int]:
    context = info.context
    return {"sessions": await context.deeds.sign_out(context.proven(), context.occasion, everywhere=everywhere)}


def _token_field(name: str) -> Any:
    read = tokens.FIELDS[name]
    return lambda issued, _info: read(issued)
