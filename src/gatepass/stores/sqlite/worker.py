"""A thread that owns a connection and serves any number of event loops."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, Protocol, TypeVar

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.sqlite.faults import store_unavailable

Value = TypeVar("Value")
Operation = Callable[[sqlite3.Connection], Value]
"""What to do with the connection; runs in the worker's thread, may be run again, and returns domain values."""

Outcome = object
"""What an operation returned, or the exception that its caller shall see."""

QUEUE_LIMIT: Final = 10_000
BATCH_LIMIT: Final = 512
TURNS: Final = 8
"""A turn of a busy loop is some milliseconds."""
ENOUGH: Final = 64
"""More of them make a batch hardly cheaper for each."""

_Ticket = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Operation[Any]]
_Answered = tuple[_Ticket, Outcome]


class Batches(Protocol):
    """What a worker does with the operations that wait."""

    def run(self, operations: Sequence[Operation[Any]]) -> Sequence[Outcome]:
        """Do them all; one outcome for each, in order. Returns when they may be answered."""
        ...

    def rest(self) -> None:
        """Called after each batch has been answered."""
        ...

    def close(self) -> None:
        """Called once, after the last batch."""
        ...


class Worker:
    """
    Takes everything that waits, has it run as one batch, then answers each event loop once per batch.

    The queue is bounded: past `queue_limit` an operation is refused at once. One whose caller was cancelled before
    its batch began is left out; after that it is done, and nobody is told.
    """

    def __init__(
        self, name: str, batches: Batches, *, batch_limit: int = BATCH_LIMIT, queue_limit: int = QUEUE_LIMIT
    ) -> None:
        self._batches = batches
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._waiting: SimpleQueue[list[_Ticket] | None] = SimpleQueue()
        self._queued = 0
        self._left_over: list[_Ticket] = []
        self._staged: dict[asyncio.AbstractEventLoop, list[_Ticket]] = {}
        self._gate = threading.Lock()
        self._is_open = True
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def do(self, operation: Operation[Value]) -> Value:
        """
        Queue an operation and wait for its outcome.

        Raises:
            StoreUnavailable: closed, too much waits, or the database could not do it; nothing was written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Value] = loop.create_future()
        staged = self._staged.get(loop)
        if staged is None:
            self._forget_closed_loops()
            staged = self._staged[loop] = []
            loop.call_soon(self._hand_over, loop)
        staged.append((loop, future, operation))
        return await future

    def _hand_over(self, loop: asyncio.AbstractEventLoop, seen: int = 0, turn: int = 1) -> None:
        """
        Queue what a turn of the loop has brought, all at once, and with it what the next turns bring.

        Each waking of the thread is a fight for the interpreter lock: one for each operation cost two switches of
        threads a request, and a quarter of the rate; one for each turn brought four rotations at a time, and cost a
        tenth of the processor's time. A loop that brings nothing more is about to rest, so nobody waits for nothing.

        Args:
            seen: how many there were a turn ago.
            turn: which one this is since the first came.
        """
        staged = self._staged[loop]
        if seen < len(staged) < ENOUGH and turn < TURNS:
            loop.call_soon(self._hand_over, loop, len(staged), turn + 1)
            return
        del self._staged[loop]
        # Under the gate nothing can slip in behind the end mark, where nobody would answer it.
        with self._gate:
            room = self._queue_limit - self._queued if self._is_open else 0
            if accepted := staged[:room]:
                self._queued += len(accepted)
                self._waiting.put(accepted)
            reason = "The store has more waiting than it can do." if self._is_open else "The store is closed."
        _settle([(future, StoreUnavailable(reason)) for _, future, _ in staged[room:]])

    def _forget_closed_loops(self) -> None:
        """One that was closed before its turn was over never hands over what it brought; nobody waits for it."""
        for loop in [loop for loop in self._staged.copy() if loop.is_closed()]:
            self._staged.pop(loop, None)

    def close(self) -> None:
        """Finish what waits, refuse what comes. Blocks; may be called again."""
        with self._gate:
            if self._is_open:
                self._is_open = False
                self._waiting.put(None)
        self._thread.join()

    def _serve(self) -> None:
        try:
            is_last = False
            while not is_last:
                batch, is_last = self._take()
                if batch:
                    _answer(self._run(batch))
                    self._batches.rest()
            self._batches.close()
        finally:
            self._refuse_the_rest()

    def _take(self) -> tuple[list[_Ticket], bool]:
        """Wait for the first, take what came with it. True: that was the last."""
        tickets, is_last = self._left_over, False
        if not tickets:
            tickets, is_last = self._more(wait=True)
        while not is_last and len(tickets) < self._batch_limit and not self._waiting.empty():
            more, is_last = self._more(wait=False)
            tickets = tickets + more
        batch, self._left_over = tickets[: self._batch_limit], tickets[self._batch_limit :]
        if is_last and self._left_over:
            self._waiting.put(None)
            is_last = False
        with self._gate:
            self._queued -= len(batch)
        return [ticket for ticket in batch if not ticket[1].cancelled()], is_last

    def _more(self, *, wait: bool) -> tuple[list[_Ticket], bool]:
        tickets = self._waiting.get(block=wait)
        return ([], True) if tickets is None else (tickets, False)

    def _run(self, batch: Sequence[_Ticket]) -> Sequence[_Answered]:
        try:
            outcomes = self._batches.run([operation for _, _, operation in batch])
            return list(zip(batch, outcomes, strict=True))
        except BaseException as error:
            # A worker that died would leave every caller waiting for ever.
            return [(ticket, store_unavailable(error)) for ticket in batch]

    def _refuse_the_rest(self) -> None:
        """Nobody waits for a thread that ended, whatever ended it."""
        with self._gate:
            self._is_open = False
            rest = self._left_over
            while not self._waiting.empty():
                rest = rest + self._more(wait=False)[0]
        _answer([(ticket, StoreUnavailable("The store stopped.")) for ticket in rest])


def _answer(answered: Sequence[_Answered]) -> None:
    """Wake each event loop once, however many of its tasks were in the batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = {}
    for (loop, future, _), outcome in answered:
        by_loop.setdefault(loop, []).append((future, outcome))
    for loop, settled in by_loop.items():
        # A loop that was closed under its callers has nobody left to tell.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[asyncio.Future[Any], Outcome]]) -> None:
    for future, outcome in settled:
        if future.done():
            continue
        if isinstance(outcome, StopIteration):
            # A future does not take this one, and raising here would leave the neighbours without their answers.
            future.set_exception(RuntimeError("an operation raised StopIteration"))
        elif isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
