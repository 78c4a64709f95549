"""The resolvers below `gatepass`: about the account that is signed in, and what it does to itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from graphql import GraphQLResolveInfo

from gatepass.domain.access_token import Caller
from gatepass.domain.account import Account
from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import SessionId
from gatepass.domain.secret import Secret
from gatepass.graphql.context import Context
from gatepass.graphql.tokens import instant
from gatepass.usecases.ports import ListedSession

Info = GraphQLResolveInfo[Context]
Shown = dict[str, Any]


def add_resolvers(fields: Mapping[str, Any]) -> None:
    """
    Put the resolvers into the sign-in schema.

    Args:
        fields: the fields of each type, by the type's name.
    """
    fields["Query"]["gatepass"].resolve = _gatepass
    fields["Mutation"]["gatepass"].resolve = _nothing_yet
    fields["Gatepass"]["account"].resolve = _account
    fields["Gatepass"]["sessions"].resolve = _sessions
    fields["GatepassMutation"]["revokeSession"].resolve = _revoke_session
    fields["GatepassMutation"]["signOutEverywhere"].resolve = _sign_out_everywhere
    fields["GatepassMutation"]["changePassword"].resolve = _change_password


def _gatepass(_root: object, info: Info) -> Shown:
    service = info.context.service
    return {"issuer": service.issuer, "accessTokenSeconds": int(service.access_ttl.total_seconds())}


def _nothing_yet(_root: object, _info: Info) -> Shown:
    return {}


async def _account(_root: object, info: Info) -> Shown:
    return _shown_account(await info.context.deeds.show_account(info.context.proven()))


async def _sessions(_root: object, info: Info, first: int, after: str | None = None) -> list[Shown]:
    caller = info.context.proven()
    last_seen = None if after is None else _session_id(after)
    listed = await info.context.deeds.list_sessions(caller, first, last_seen)
    return [_shown_session(each, caller) for each in listed]


async def _revoke_session(_root: object, info: Info, id: str) -> Shown:  # noqa: A002 - GraphQL's name
    context = info.context
    ended = await context.deeds.revoke_session(context.proven(), _session_id(id), context.occasion)
    return {"sessions": int(ended)}


async def _sign_out_everywhere(_root: object, info: Info, exceptThis: bool) -> Shown:  # noqa: N803
    context = info.context
    ended = await context.deeds.sign_out(context.proven(), context.occasion, everywhere=True, but_here=exceptThis)
    return {"sessions": ended}


async def _change_password(
    _root: object,
    info: Info,
    currentPassword: str,  # noqa: N803
    newPassword: str,  # noqa: N803
    endOtherSessions: bool,  # noqa: N803
) -> Shown:
    context = info.context
    ended = await context.deeds.change_own_password(
        context.proven(),
        Secret(currentPassword),
        Secret(newPassword),
        context.occasion,
        ends_others=endOtherSessions,
    )
    return {"sessions": ended}


def _session_id(text: str) -> SessionId:
    """What a caller names as a session; its text is never told back, since anything may have been put there."""
    try:
        return SessionId(UUID(text))
    except ValueError:
        raise BadUserInput("That is not the id of a sign-in: take it from gatepass { sessions { id } }.") from None


def _shown_account(account: Account) -> Shown:
    return {
        "id": str(account.id),
        "email": account.email,
        "scopes": list(account.scopes),
        "createdAt": instant(account.created_at),
    }


def _shown_session(listed: ListedSession, caller: Caller) -> Shown:
    session = listed.session
    return {
        "id": str(session.id),
        "current": str(session.id) == caller.session_id,
        "createdAt": instant(session.opened_at),
        "lastUsedAt": instant(session.rotated_at),
        "endsAt": instant(session.ends_at),
        "client": session.client_id,
        "address": listed.origin.address,
        "userAgent": listed.origin.user_agent,
    }
