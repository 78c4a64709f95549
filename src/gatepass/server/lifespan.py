"""The lifespan of the application. Uvicorn's own turns a failed start into log lines and an exit code."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, NoReturn

from uvicorn.config import Config

from gatepass.domain.errors import GatepassError
from gatepass.http.asgi import Message

_LAST_WORDS_SECONDS: Final = 5
_log = logging.getLogger(__name__)


class StartFailedError(GatepassError):
    """The application said that it cannot start."""


class Lifespan:
    """
    Starts the application, and stops it once however often that is asked for.

    Source: ASGI specification, Lifespan protocol.
    """

    def __init__(self, config: Config) -> None:
        self._app = config.loaded_app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}
        self.should_exit = False

    async def startup(self) -> None:
        """
        Start.

        Raises:
            StartFailedError: it said so; whatever it raised itself passes through.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        task = asyncio.create_task(self._app(scope, self._to_app.get, self._from_app.put))
        try:
            answer = await self._ask(task, "lifespan.startup")
        except asyncio.CancelledError:
            task.cancel()
            raise
        if answer is None:
            await task
            raise StartFailedError("the application ended while it was starting")
        if answer["type"] != "lifespan.startup.complete":
            await _fail(task, str(answer.get("message", "")))
        self._task = task

    async def shutdown(self) -> None:
        """Stop. What goes wrong is logged: the server ends in any case."""
        task, self._task = self._task, None
        if task is None:
            return
        try:
            answer = await self._ask(task, "lifespan.shutdown")
            if answer is not None and answer["type"] == "lifespan.shutdown.failed":
                _log.error("the application failed to stop: %s", answer.get("message", ""))
            await task
        except Exception:
            _log.exception("the application failed to stop")
        finally:
            task.cancel()

    async def _ask(self, task: asyncio.Task[None], what: str) -> Message | None:
        """The answer; `None` if the application ended without one."""
        await self._to_app.put({"type": what})
        answer = asyncio.create_task(self._from_app.get())
        await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None


async def _fail(task: asyncio.Task[None], message: str) -> NoReturn:
    """Raise what the application raised; its message alone where it raised nothing."""
    await asyncio.wait({task}, timeout=_LAST_WORDS_SECONDS)
    if task.done():
        await task
    task.cancel()
    raise StartFailedError(message or "the application failed to start")
