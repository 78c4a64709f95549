"""Subscriptions, carried out in tasks of an event loop; see `subscribing`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Final

import httpx2

from gatepass.client.effects import Answer
from gatepass.client.subscribing import (
    LONGEST_MESSAGE,
    NoWebSocket,
    bearer,
    endless,
    event_headers,
    has_websockets,
    is_event_stream,
    refused_upgrade,
)
from gatepass.client.subscription_protocol import SUBPROTOCOL, Attempts, EventReader, Subscription, TokenRefused
from gatepass.client.tasks import Tasks
from gatepass.client.unreachable import unreachable

# So much may wait for a slow subscriber; then the connection waits, too.
_WAITING: Final = 64
_Queue = asyncio.Queue[dict[str, Any] | Exception | None]


async def subscribe(io: Tasks, subscription: Subscription) -> AsyncGenerator[dict[str, Any], None]:
    """
    Data as it comes; `aclose()` ends the subscription.

    The connection lives in a task of its own: whoever leaves the loop with `break` may be another task than the one
    that closes the iterator.
    """
    attempts = Attempts(io.session.clocks.monotonic())
    held = await io.held()
    while True:
        try:
            async with contextlib.aclosing(_events(io, subscription, held.access)) as events:
                async for data in events:
                    yield data
        except TokenRefused as refused:
            need = attempts.after(held, refused)
        else:
            return
        held = await io.held(need)


async def _events(io: Tasks, subscription: Subscription, access: str) -> AsyncGenerator[dict[str, Any], None]:
    queue: _Queue = asyncio.Queue(_WAITING)
    pumping = asyncio.create_task(_pump(io, subscription, access, queue), name="gatepass-subscription")
    try:
        while (found := await queue.get()) is not None:
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        pumping.cancel()
        await asyncio.wait([pumping])


async def _pump(io: Tasks, subscription: Subscription, access: str, queue: _Queue) -> None:
    try:
        try:
            await _over_websocket(io, subscription, access, queue)
        except NoWebSocket:
            await _over_events(io, subscription, access, queue)
    except Exception as error:
        await queue.put(error)
    else:
        await queue.put(None)


async def _over_websocket(io: Tasks, subscription: Subscription, access: str, queue: _Queue) -> None:
    if not has_websockets():
        raise NoWebSocket
    from httpx2 import websockets  # noqa: PLC0415 - needs the extra

    url, headers = subscription.websocket_url, bearer(access)
    trouble: Exception | None = None
    try:
        async with io.http.websocket(
            url, headers=headers, subprotocols=[SUBPROTOCOL], max_message_size_bytes=LONGEST_MESSAGE
        ) as socket:
            trouble = await _conversation(socket, subscription, access, queue)
    except websockets.WebSocketUpgradeError as error:
        raise refused_upgrade(subscription, error.response.status_code) from None
    except httpx2.HTTPError as error:
        raise unreachable(error, subscription.url) from error
    except ExceptionGroup as group:
        raise subscription.broken() from group
    if trouble is not None:
        raise trouble


async def _conversation(socket: Any, subscription: Subscription, access: str, queue: _Queue) -> Exception | None:
    """All messages; what went wrong is returned: raised in the socket's task group it would come out in a group."""
    from httpx2 import websockets  # noqa: PLC0415 - see above

    try:
        await socket.send_text(subscription.hello(access))
        while True:
            taken = subscription.take_message(await socket.receive_text())
            for text in taken.sends:
                await socket.send_text(text)
            if taken.is_over:
                return None
            if taken.data is not None:
                await queue.put(taken.data)
    except websockets.WebSocketDisconnect as error:
        return subscription.closed(error.code, error.reason)
    except websockets.HTTPXWSException:
        return subscription.broken()
    except Exception as error:
        return error


async def _over_events(io: Tasks, subscription: Subscription, access: str, queue: _Queue) -> None:
    reader = EventReader()
    try:
        async with io.http.stream(
            "POST", subscription.url, content=subscription.body, headers=event_headers(access), timeout=endless(io.http)
        ) as response:
            if not is_event_stream(response):
                await response.aread()
                raise subscription.answered(Answer(response.status_code, response.content, response.headers))
            async for piece in response.aiter_bytes():
                for taken in (subscription.take_event(*event) for event in reader.take(piece)):
                    if taken.is_over:
                        return
                    if taken.data is not None:
                        await queue.put(taken.data)
    except httpx2.HTTPError as error:
        raise (subscription.broken() if subscription.has_begun else unreachable(error, subscription.url)) from error
    raise subscription.broken()
