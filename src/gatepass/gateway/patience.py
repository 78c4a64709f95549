"""Waiting for an upstream: for as long as is reasonable, and as long as its client waits."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final

from gatepass.gateway.hangup import Hangup
from gatepass.gateway.upstream import ClientGone, UpstreamFailed

UNHEARD_SECONDS: Final = 0.5
"""An answer quicker than this does not cost a task that listens for the client's end."""


class Patience:
    """
    Limits what the body of a `with` waits for, by cancelling it. It is `asyncio.timeout` with a second reason to end,
    and where nothing happens it costs one timer, a quarter of that.

    Raises:
        UpstreamFailed: the time is over.
        ClientGone: the client hung up meanwhile; noticed after `UNHEARD_SECONDS`, or from the start if `listening`.
    """

    __slots__ = ("_end", "_hangup", "_later", "_loop", "_requests", "_seconds", "_task", "_timer", "_unheard")

    def __init__(self, seconds: float, hangup: Hangup, *, listening: bool = False) -> None:
        self._hangup = hangup
        self._unheard = 0.0 if listening else min(UNHEARD_SECONDS, seconds)
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._end: Exception | None = None
        self._later: ExitStack | None = None

    def __enter__(self) -> None:
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._requests = self._task.cancelling() if self._task is not None else 0
        self._timer = self._loop.call_later(self._unheard, self._listen)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._later is not None:
            self._later.close()
        if self._end is None or self._task is None:
            return
        requested_elsewhere = self._task.uncancel() > self._requests
        if kind is not None and issubclass(kind, asyncio.CancelledError) and not requested_elsewhere:
            raise self._end from None

    def _listen(self) -> None:
        self._later = ExitStack()
        self._later.enter_context(self._hangup.calling(lambda: self._finish(ClientGone())))
        timeout = UpstreamFailed("the upstream did not answer in time")
        self._timer = self._loop.call_later(max(self._seconds - self._unheard, 0), self._finish, timeout)

    def _finish(self, end: Exception) -> None:
        if self._end is None and self._task is not None:
            self._end = end
            self._task.cancel()
