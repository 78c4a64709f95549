"""The lifespan protocol from its other end: for an application that runs inside ours, or on our server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gatepass.http.asgi import App, Message


class LifespanTask:
    """
    An application that runs with the lifespan protocol, in a task of its own.

    Args:
        state: shared with the application's requests.

    Source: ASGI specification, Lifespan protocol.
    """

    def __init__(self, app: App, state: dict[str, Any]) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        self.task: asyncio.Future[None] = asyncio.ensure_future(app(scope, self._to_app.get, self._from_app.put))

    async def ask(self, step: str) -> Message | None:
        """Tell it to begin a step, `startup` or `shutdown`; its answer, or None if it ended without one."""
        await self._to_app.put({"type": f"lifespan.{step}"})
        answer = asyncio.ensure_future(self._from_app.get())
        waiting: list[asyncio.Future[Any]] = [self.task, answer]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None


@asynccontextmanager
async def lifespan_of(app: App, state: dict[str, Any]) -> AsyncIterator[None]:
    """
    Start `app` before the body and stop it after.

    An application without lifespan support is left alone; one that reports a failed start raises `RuntimeError`.
    """
    running = LifespanTask(app, state)
    supported = await _step(running, "startup")
    try:
        yield
    finally:
        if supported:
            await _step(running, "shutdown")
        await asyncio.wait([running.task], timeout=1)
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


async def _step(running: LifespanTask, step: str) -> bool:
    answer = await running.ask(step)
    if answer is not None and answer["type"] == f"lifespan.{step}.failed":
        raise RuntimeError(f"the wrapped application failed at {step}: {answer.get('message', '')}")
    return answer is not None
