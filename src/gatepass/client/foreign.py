"""What the adapters for other HTTP libraries share: which requests are ours, and how their answers are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gatepass.client.address import origin
from gatepass.client.blocking import Blocking
from gatepass.client.effects import Answer, Flow, Need, Request, Send
from gatepass.client.errors import ClientError
from gatepass.client.flows import operation
from gatepass.client.operation_kind import is_query
from gatepass.client.session import Session
from gatepass.client.tokens import Held

if TYPE_CHECKING:
    from gatepass.client.async_client import AsyncClient
    from gatepass.client.client import Client

# A refusal is short. Anything longer is left unread for whoever streams it.
_LONGEST_REFUSAL: Final = 65536


class Origins:
    """Where a token may go: to its API's origin and those that were named. To any other it would be given away."""

    def __init__(self, url: str, more: Iterable[str]) -> None:
        self._allowed = frozenset(origin(each) for each in (url, *more))

    def __contains__(self, url: object) -> bool:
        try:
            return origin(str(url)) in self._allowed
        except ValueError:
            return False


def attempts(session: Session, url: str, body: bytes | None, *, is_repeatable: bool = True) -> Flow[Answer]:
    """
    The flow of a request that somebody else's library sends: its `Send` carries the header, its outcome is the answer.

    Args:
        body: the request's, to see whether it is a query; None where it cannot be looked at.
    """
    return operation(session, Request(url), is_query=partial(_is_query, body), is_repeatable=is_repeatable)


def authorization(effect: Send) -> str:
    """The value of the header that a `Send` carries."""
    return effect.request.headers["Authorization"]


def may_be_refusal(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer has to be read to see if the token was refused: JSON that is not known to be long."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "")
    is_long = length.isdecimal() and int(length) > _LONGEST_REFUSAL
    return (kind.endswith(("/json", "+json")) and not is_long) or status in (401, 403)


async def held_for(api: Client | AsyncClient, need: Need) -> Held:
    """
    A token without blocking the loop.

    A `Client` is asked in a thread: it goes on if this is cancelled, so that no answer of the server is lost.
    """
    found = api.session.usable(need)
    if found is not None:
        return found
    io = api.io
    if not isinstance(io, Blocking):
        return await io.held(need)
    import asyncio  # noqa: PLC0415 - with requests there is no loop

    return await asyncio.to_thread(io.held, need)


def next_send(api: Client, flow: Flow[Answer], outcome: object = None) -> Send | None:
    """The next request to send, having fetched a token where the flow wants one; None at its end."""
    effect = stepped(flow, outcome)
    while isinstance(effect, Need):
        held: Held | None = None
        failed: ClientError | None = None
        try:
            held = api.io.held(effect)
        except ClientError as error:
            failed = error
        effect = stepped(flow, held, failed)
    return effect


async def next_send_async(api: Client | AsyncClient, flow: Flow[Answer], outcome: object = None) -> Send | None:
    """`next_send`, awaited."""
    effect = stepped(flow, outcome)
    while isinstance(effect, Need):
        held: Held | None = None
        failed: ClientError | None = None
        try:
            held = await held_for(api, effect)
        except ClientError as error:
            failed = error
        effect = stepped(flow, held, failed)
    return effect


def stepped(flow: Flow[Answer], outcome: object, error: ClientError | None = None) -> Send | Need | None:
    """The flow's next wish; None at its end."""
    try:
        effect = flow.send(outcome) if error is None else flow.throw(error)
    except StopIteration:
        return None
    if not isinstance(effect, Send | Need):
        raise TypeError(f"an operation does not ask for {effect!r}")
    return effect


def _is_query(body: bytes | None) -> bool:
    try:
        found: Any = json.loads(body or b"")
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict) or not isinstance(found.get("query"), str):
        return False
    return is_query(found["query"], found.get("operationName"))
