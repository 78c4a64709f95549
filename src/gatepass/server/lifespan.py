"""The lifespan of the application. Uvicorn's own turns a failed start into log lines and an exit code."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, NoReturn

from uvicorn.config import Config

from gatepass.domain.errors import GatepassError
from gatepass.http.lifespan import LifespanTask

_LAST_WORDS_SECONDS: Final = 5
_log = logging.getLogger(__name__)


class StartFailedError(GatepassError):
    """The application said that it cannot start."""


class Lifespan:
    """Starts the application, and stops it once however often that is asked for."""

    def __init__(self, config: Config) -> None:
        self._app = config.loaded_app
        self._running: LifespanTask | None = None
        self.state: dict[str, Any] = {}
        self.should_exit = False

    async def startup(self) -> None:
        """
        Start.

        Raises:
            StartFailedError: it said so; whatever it raised itself passes through.
        """
        running = LifespanTask(self._app, self.state)
        try:
            answer = await running.ask("startup")
        except asyncio.CancelledError:
            running.task.cancel()
            raise
        if answer is None:
            await running.task
            raise StartFailedError("the application ended while it was starting")
        if answer["type"] != "lifespan.startup.complete":
            await _fail(running.task, str(answer.get("message", "")))
        self._running = running

    async def shutdown(self) -> None:
        """Stop. What goes wrong is logged: the server ends in any case."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            answer = await running.ask("shutdown")
            if answer is not None and answer["type"] == "lifespan.shutdown.failed":
                _log.error("the application failed to stop: %s", answer.get("message", ""))
            await running.task
        except Exception:
            _log.exception("the application failed to stop")
        finally:
            running.task.cancel()


async def _fail(task: asyncio.Future[None], message: str) -> NoReturn:
    """Raise what the application raised; its message alone where it raised nothing."""
    await asyncio.wait({task}, timeout=_LAST_WORDS_SECONDS)
    if task.done():
        await task
    task.cancel()
    raise StartFailedError(message or "the application failed to start")
