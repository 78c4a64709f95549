"""The bounded line before the hash workers: first come, first served, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from gatepass.domain.errors import HashingFailed, Overloaded

_WEIGHT_OF_NEWEST: Final = 0.1
_MAX_RETRY_AFTER_SECONDS: Final = 60


@dataclass(slots=True, eq=False)
class Job:
    """A request in the line. It holds a password, so it leaves the line with its caller."""

    request: bytes = field(repr=False)
    answer: asyncio.Future[bytes] = field(repr=False)

    def succeed(self, answer: bytes) -> None:
        """Answer the caller, if it is still there."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Fail the caller, if it is still there and unanswered."""
        if not self.answer.done():
            self.answer.set_exception(error)


class WaitingLine:
    """
    Callers `ask`, workers take `turn`s.

    Args:
        workers: how many take turns.
        deadline: nobody joins who would probably wait longer, and nobody does wait longer.
        max_waiting: how many may wait at once, whatever the estimate says.
    """

    def __init__(self, workers: int, deadline: timedelta, max_waiting: int) -> None:
        self._workers = workers
        self._deadline_seconds = deadline.total_seconds()
        self._max_waiting = max_waiting
        self._waiting: deque[Job] = deque()
        self._arrivals = asyncio.Semaphore(0)
        self._busy = 0
        self._average_seconds = 0.0
        self._open = True

    @property
    def waiting(self) -> int:
        """How many wait for a worker."""
        return len(self._waiting)

    def expected_wait_seconds(self) -> float:
        """How long somebody who joined now would wait for a worker, from the moving average of the service time."""
        if self._busy + len(self._waiting) < self._workers:
            return 0.0
        return self._average_seconds * (len(self._waiting) + 1) / self._workers

    async def ask(self, request: bytes) -> bytes:
        """
        Wait for a worker and its answer. A cancelled caller leaves the line at once and costs no hash.

        Raises:
            Overloaded: the wait would be, or was, longer than the deadline.
            HashingFailed: the worker was lost, or the line is closed.
        """
        if not self._open:
            raise HashingFailed("password hashing was shut down")
        expected = self.expected_wait_seconds()
        if expected > self._deadline_seconds or len(self._waiting) >= self._max_waiting:
            raise self._overloaded()
        loop = asyncio.get_running_loop()
        job = Job(request, loop.create_future())
        self._waiting.append(job)
        self._arrivals.release()
        expiry = loop.call_later(self._deadline_seconds, self._expire, job)
        try:
            return await job.answer
        finally:
            expiry.cancel()
            self._leave(job)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Job]:
        """
        The job at the head of the line, for one worker.

        A block that ends without an answer fails its job, so that no caller ever hangs.
        """
        loop = asyncio.get_running_loop()
        job = await self._next()
        self._busy += 1
        started = loop.time()
        try:
            yield job
            self._learn(loop.time() - started)
        except HashingFailed as failure:
            job.fail(failure)
            raise
        finally:
            self._busy -= 1
            job.fail(HashingFailed("a hash worker was lost"))

    def close(self) -> None:
        """Fail whoever waits; nobody can join any more."""
        self._open = False
        while self._waiting:
            self._waiting.popleft().fail(HashingFailed("password hashing was shut down"))

    async def _next(self) -> Job:
        while True:
            await self._arrivals.acquire()
            # Whoever left the line left an arrival behind.
            if self._waiting:
                return self._waiting.popleft()

    def _learn(self, seconds: float) -> None:
        if self._average_seconds:
            self._average_seconds += _WEIGHT_OF_NEWEST * (seconds - self._average_seconds)
        else:
            self._average_seconds = seconds

    def _expire(self, job: Job) -> None:
        if self._leave(job):
            job.fail(self._overloaded())

    def _leave(self, job: Job) -> bool:
        try:
            self._waiting.remove(job)
        except ValueError:
            return False
        return True

    def _overloaded(self) -> Overloaded:
        seconds = math.ceil(self.expected_wait_seconds())
        return Overloaded(retry_after_seconds=max(1, min(seconds, _MAX_RETRY_AFTER_SECONDS)))
