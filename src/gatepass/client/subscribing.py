"""
Subscriptions, carried out in the calling thread.

Over a WebSocket where the server takes the upgrade and the extra `gatepass[subscriptions]` is installed, else over an
event stream, which needs nothing.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from typing import Any, Final

import httpx2

from gatepass.client.blocking import Blocking
from gatepass.client.effects import Answer
from gatepass.client.refusal import refusal
from gatepass.client.subscription_protocol import (
    EVENT_STREAM,
    SUBPROTOCOL,
    Attempts,
    EventReader,
    Subscription,
    TokenRefused,
)
from gatepass.client.unreachable import unreachable

LONGEST_MESSAGE: Final = 16 * 1024 * 1024
UNAUTHORIZED: Final = 401


class NoWebSocket(Exception):
    """The server does not take the upgrade, or the package for it is missing."""


def subscribe(io: Blocking, subscription: Subscription) -> Generator[dict[str, Any], None, None]:
    """
    Data as it comes; closing the iterator ends the subscription.

    Raises, from the iterator: SignInRequired, GraphQLErrors, ServerUnreachable, ProtocolError.
    """
    attempts = Attempts(io.session.clocks.monotonic())
    held = io.held()
    while True:
        try:
            yield from _events(io, subscription, held.access)
        except TokenRefused as refused:
            need = attempts.after(held, refused)
        else:
            return
        held = io.held(need)


def _events(io: Blocking, subscription: Subscription, access: str) -> Generator[dict[str, Any], None, None]:
    try:
        yield from _over_websocket(io, subscription, access)
    except NoWebSocket:
        yield from _over_events(io, subscription, access)


def _over_websocket(io: Blocking, subscription: Subscription, access: str) -> Generator[dict[str, Any], None, None]:
    if not has_websockets():
        raise NoWebSocket
    from httpx2 import websockets  # noqa: PLC0415 - needs the extra

    url, headers = subscription.websocket_url, bearer(access)
    try:
        with io.http.websocket(
            url, headers=headers, subprotocols=[SUBPROTOCOL], max_message_size_bytes=LONGEST_MESSAGE
        ) as socket:
            socket.send_text(subscription.hello(access))
            while True:
                taken = subscription.take_message(socket.receive_text())
                for text in taken.sends:
                    socket.send_text(text)
                if taken.is_over:
                    return
                if taken.data is not None:
                    yield taken.data
    except websockets.WebSocketUpgradeError as error:
        raise refused_upgrade(subscription, error.response.status_code) from None
    except websockets.WebSocketDisconnect as error:
        raise subscription.closed(error.code, error.reason) from None
    except websockets.HTTPXWSException:
        raise subscription.broken() from None
    except httpx2.HTTPError as error:
        raise unreachable(error, subscription.url) from error


def _over_events(io: Blocking, subscription: Subscription, access: str) -> Generator[dict[str, Any], None, None]:
    reader = EventReader()
    try:
        with io.http.stream(
            "POST", subscription.url, content=subscription.body, headers=event_headers(access), timeout=endless(io.http)
        ) as response:
            if not is_event_stream(response):
                response.read()
                raise subscription.answered(Answer(response.status_code, response.content, response.headers))
            for taken in (subscription.take_event(*e) for piece in response.iter_bytes() for e in reader.take(piece)):
                if taken.is_over:
                    return
                if taken.data is not None:
                    yield taken.data
    except httpx2.HTTPError as error:
        raise (subscription.broken() if subscription.has_begun else unreachable(error, subscription.url)) from error
    raise subscription.broken()


def has_websockets() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("wsproto") is not None


def refused_upgrade(subscription: Subscription, status: int) -> Exception:
    """401 is about the token; anything else says that there is no WebSocket here (a 403, too, in ASGI servers)."""
    if status == UNAUTHORIZED:
        return subscription.answered(Answer(status, b""))
    return NoWebSocket()


def bearer(access: str) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {access}"}


def event_headers(access: str) -> dict[str, str]:
    """What asks for an event stream; an error may come as JSON."""
    return {**bearer(access), "Content-Type": "application/json", "Accept": f"{EVENT_STREAM}, application/json;q=0.5"}


def endless(http: httpx2.Client | httpx2.AsyncClient) -> httpx2.Timeout:
    """The client's patience for everything but the next event."""
    usual = http.timeout
    return httpx2.Timeout(connect=usual.connect, write=usual.write, pool=usual.pool, read=None)


def is_event_stream(response: httpx2.Response) -> bool:
    """Whether events follow."""
    is_stream = response.headers.get("content-type", "").partition(";")[0].strip().lower() == EVENT_STREAM
    return is_stream and refusal(Answer(response.status_code, b"")) is None
