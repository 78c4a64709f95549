"""Runs the lifespan of a wrapped ASGI application inside ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gatepass.http.asgi import App, Message


@asynccontextmanager
async def lifespan_of(app: App, state: dict[str, Any]) -> AsyncIterator[None]:
    """
    Start `app` before the body and stop it after.

    An application without lifespan support is left alone; one that reports a failed start raises `RuntimeError`.

    Source: ASGI specification, Lifespan protocol.
    """
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    supported = await _step(task, to_app, from_app, "startup")
    try:
        yield
    finally:
        if supported:
            await _step(task, to_app, from_app, "shutdown")
        await asyncio.wait([task], timeout=1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _step(
    task: asyncio.Future[None], to_app: asyncio.Queue[Message], from_app: asyncio.Queue[Message], step: str
) -> bool:
    await to_app.put({"type": f"lifespan.{step}"})
    answer = asyncio.ensure_future(from_app.get())
    waiting: list[asyncio.Future[Any]] = [task, answer]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        return False
    message = answer.result()
    if message["type"] == f"lifespan.{step}.failed":
        raise RuntimeError(f"the wrapped application failed at {step}: {message.get('message', '')}")
    return True
