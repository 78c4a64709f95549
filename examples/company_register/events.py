"""Writes answers as Server-Sent Events. Source: GraphQL over SSE, "Distinct connections mode"."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

_COMPLETE = b"event: complete\ndata:\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"Accept"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back until its buffer is full
]


class EventStream:
    """An ASGI response: a `next` event for each result, then `complete`. However it ends, the results are closed."""

    def __init__(self, results: AsyncGenerator[dict[str, Any], None]) -> None:
        self._results = results

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Write until the results or the client are gone; a client who left is no error."""
        writer = asyncio.ensure_future(self._write(send))
        left = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({writer, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            writer.cancel()
            left.cancel()
            wrote, _ = await asyncio.gather(writer, left, return_exceptions=True)
            await self._results.aclose()
        if isinstance(wrote, Exception) and not isinstance(wrote, OSError):
            raise wrote

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        async for result in self._results:
            event = b"event: next\ndata: " + msgspec.json.encode(result) + b"\n\n"
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": _COMPLETE, "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
