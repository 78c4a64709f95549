"""What `Client` and `AsyncClient` do, as flows: the two differ in who carries them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gatepass.client.device import DeviceCode, device_sign_in
from gatepass.client.effects import Flow, Request
from gatepass.client.errors import ClientError, ServerUnreachable, SignInRequired
from gatepass.client.exchange import SIGN_OUT
from gatepass.client.flows import forget, keep, new_sign_in, operation
from gatepass.client.operation_kind import is_query
from gatepass.client.reply import Reply, graphql_request, reply_from
from gatepass.client.session import Session
from gatepass.client.stored import StoreError


@dataclass(frozen=True, slots=True)
class Operation:
    """One of `execute_many`."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None


Asked = str | tuple[str, Mapping[str, Any] | None] | Operation
"""A query, a query with its variables, or an `Operation`."""


def as_operation(asked: Asked) -> Operation:
    """One form for the three."""
    if isinstance(asked, Operation):
        return asked
    return Operation(asked) if isinstance(asked, str) else Operation(*asked)


def executed(session: Session, asked: Operation, request: Request | None = None) -> Flow[Reply]:
    """
    Send an operation; its answer, whatever it says.

    Args:
        request: in place of a POST of JSON, for an upload.
    """
    url = session.source.url
    sent = request or graphql_request(url, asked.query, asked.variables, asked.operation_name)
    answer = yield from operation(session, sent, is_query=partial(is_query, asked.query, asked.operation_name))
    return reply_from(answer, url)


def signed_in(session: Session, username: str, password: str) -> Flow[None]:
    """Sign in and keep the tokens."""
    yield from new_sign_in(session, username, password)


def signed_in_on_device(session: Session, show: Callable[[DeviceCode], object], scope: str | None) -> Flow[None]:
    """Sign in elsewhere and keep the tokens."""
    session.username = ""
    held = yield from device_sign_in(session.endpoint, show, scope=scope)
    yield from keep(session, held)


def signed_out(session: Session, *, everywhere: bool) -> Flow[bool]:
    """
    End the sign-in at the server, if it can, and forget it here in any case; whether it has ended there.

    Raises:
        ServerUnreachable: it was forgotten here, and lives on at the server.
        StoreError: it is kept here still; the message says whether the server has ended it.
    """
    failed: ServerUnreachable | None = None
    has_ended = False
    try:
        has_ended = yield from _ended(session, everywhere=everywhere)
    except ServerUnreachable as error:
        failed = error
    try:
        yield from forget(session)
    except StoreError as error:
        fate = "has ended at the server" if has_ended else "may live on at the server"
        raise StoreError(f"The sign-in {fate}, and is kept here still: {error}") from error
    if failed is not None:
        message = f"Signed out here, but the server does not know it: {failed}"
        raise ServerUnreachable(message, may_have_run=failed.may_have_run) from failed
    return has_ended


def _ended(session: Session, *, everywhere: bool) -> Flow[bool]:
    url = session.source.url
    request = graphql_request(url, SIGN_OUT, {"everywhere": everywhere})
    try:
        answer = yield from operation(session, request, is_query=lambda: False)
        reply = reply_from(answer, url)
    except SignInRequired:
        return True  # by somebody else, before
    except ServerUnreachable:
        raise
    except ClientError:
        return False
    return not reply.errors
