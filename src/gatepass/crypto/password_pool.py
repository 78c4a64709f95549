"""
Slow password hashing in a few separate processes of low priority.

Processes and not threads, and no more of them than cores: of all that was measured this leaves the latency of the
event loop alone best while sign-ins saturate the machine (p99 of cheap requests 3.5 ms; two threads 7.7, eight 22.5).
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import timedelta
from typing import Final

from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.argon2_passwords import Argon2Passwords
from gatepass.crypto.waiting_line import WaitingLine
from gatepass.crypto.worker_process import WorkerProcess
from gatepass.domain.errors import HashingFailed

QUEUE_DEADLINE: Final = timedelta(seconds=5)
TIME_LIMIT: Final = timedelta(seconds=30)
MAX_WAITING: Final = 1000
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 30.0

_log = logging.getLogger(__name__)


class PasswordPool(Argon2Passwords):
    """
    The port `Passwords` over worker processes. `start` it before use and `close` it after, on one event loop.

    Args:
        parameters: of new hashes, and of the one that stands in for a missing hash.
        workers: how many processes; one for each core unless told; more than cores are strictly worse.
        queue_deadline: how long a request may wait for a worker before it is refused as `Overloaded`.
        max_waiting: how many requests may wait, however quick the workers are.
        time_limit: after which a worker without an answer counts as hung and is replaced.
    """

    def __init__(
        self,
        parameters: Argon2Parameters,
        *,
        workers: int | None = None,
        queue_deadline: timedelta = QUEUE_DEADLINE,
        max_waiting: int = MAX_WAITING,
        time_limit: timedelta = TIME_LIMIT,
    ) -> None:
        super().__init__(parameters)
        self._size = workers if workers is not None else os.cpu_count() or 1
        self._line = WaitingLine(self._size, queue_deadline, max_waiting)
        self._time_limit = time_limit
        self._places: list[asyncio.Task[None]] = []
        self._workers: set[WorkerProcess] = set()

    async def start(self) -> None:
        """
        Start every worker, and make the hash that stands in for a missing one.

        Raises:
            HashingFailed: a worker did not come up; none is left behind.
        """
        started = await asyncio.gather(
            *(WorkerProcess.start(self._time_limit) for _ in range(self._size)), return_exceptions=True
        )
        self._places = [asyncio.create_task(self._fill_place(up)) for up in started if isinstance(up, WorkerProcess)]
        failures = [failure for failure in started if isinstance(failure, BaseException)]
        try:
            if not failures:
                await self.make_stand_in()
        finally:
            if self._stand_in is None:
                await self.close()
        if failures:
            raise failures[0]

    async def close(self) -> None:
        """End the workers; requests that still wait fail as `HashingFailed`."""
        self._line.close()
        for place in self._places:
            place.cancel()
        await asyncio.gather(*self._places, return_exceptions=True)
        self._places = []

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker, for metrics."""
        return self._line.waiting

    @property
    def worker_pids(self) -> frozenset[int]:
        """The process ids of the workers that are up, for metrics."""
        return frozenset(worker.pid for worker in self._workers)

    async def ask(self, request: bytes) -> bytes:
        """See `Argon2Passwords.ask`. A cancelled caller leaves the line at once and costs no hash."""
        return await self._line.ask(request)

    async def _fill_place(self, worker: WorkerProcess | None) -> None:
        """One place in the pool: always a worker in it. Those that die in a row are replaced more and more slowly."""
        losses = 0
        while True:
            try:
                worker = worker or await WorkerProcess.start(self._time_limit)
                await self._employ(worker)
                losses = 0 if worker.has_answered else losses
            except HashingFailed as failure:
                _log.error("No hash worker came up: %s", failure)
            worker = None
            losses += 1
            await asyncio.sleep(_pause_seconds(losses))

    async def _employ(self, worker: WorkerProcess) -> None:
        """Feed a worker until it is lost, at work or idle."""
        self._workers.add(worker)
        serving = asyncio.create_task(self._serve(worker))
        ended = asyncio.create_task(worker.ended())
        try:
            await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._workers.discard(worker)
            serving.cancel()
            await asyncio.gather(serving, ended, worker.stop(), return_exceptions=True)
        _log.warning("Hash worker %d was lost (exit code %d); another takes its place.", worker.pid, ended.result())

    async def _serve(self, worker: WorkerProcess) -> None:
        while True:
            async with self._line.turn() as job:
                job.succeed(await worker.ask(job.request))


def _pause_seconds(losses: int) -> float:
    """Nothing after a first loss, then 0.1 s doubling up to 30 s."""
    if losses <= 1:
        return 0.0
    return min(_FIRST_PAUSE_SECONDS * 2.0 ** min(losses - 2, 16), _LONGEST_PAUSE_SECONDS)
