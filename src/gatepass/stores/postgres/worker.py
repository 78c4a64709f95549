"""Group commit: hot operations that wait together go in one statement."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.faults import is_collision, is_its_own, store_unavailable
from gatepass.stores.postgres.home import Home

QUEUE_LIMIT: Final = 10_000
BATCH_LIMIT: Final = 512
CONNECTIONS: Final = 2
"""One computes and travels while the other one waits for the disk; more make the batches smaller."""

_CLOSING_PAUSE_SECONDS: Final = 0.002
TURNS: Final = 5
"""How often an operation may be put off before it is refused; each time somebody else got further."""


class PutOff(Enum):
    """What a batch says of an operation instead of an outcome."""

    AGAIN = auto()
    """Others were quicker: take it into the next batch."""


Outcome = object
"""What an operation gives, the exception that its caller shall see, or `PutOff.AGAIN`."""

Batch = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[Outcome]]]
"""
Does operations of one kind together, and returns an outcome for each once it is durable.

If it raises, nothing of it was done, or nobody knows because the connection was lost.
"""


@dataclass(slots=True, eq=False)
class _Ticket:
    operation: Any
    future: asyncio.Future[Any]
    turns: int = 0


@dataclass(slots=True, eq=False)
class _Line:
    batch: Batch
    waiting: deque[_Ticket] = field(default_factory=deque)


class Worker:
    """
    Takes what waits, kind by kind, and has each kind done as one batch on one of a few connections.

    The queue is bounded: past `queue_limit` an operation is refused at once. One whose caller gave up before its batch
    began is left out; after that it is done, and nobody is told.
    """

    def __init__(
        self,
        home: Home,
        pool: Any,
        *,
        connections: int = CONNECTIONS,
        batch_limit: int = BATCH_LIMIT,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._home = home
        self._pool = pool
        self._connections = connections
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._lines: dict[Batch, _Line] = {}
        self._queued = 0
        self._busy = 0
        self._is_woken = False
        self._is_open = True

    async def do(self, batch: Batch, operation: object) -> Any:
        """
        Queue an operation for the next batch of its kind, and wait for its outcome.

        Raises:
            StoreUnavailable: closed, too much waits, or the database could not do it.
        """
        return await self._home.here(lambda: self._queue(batch, operation))

    async def close(self) -> None:
        """Refuse what comes, finish what waits."""
        self._is_open = False
        while self._queued or self._busy:  # noqa: ASYNC110 - once in a life
            await asyncio.sleep(_CLOSING_PAUSE_SECONDS)

    async def _queue(self, batch: Batch, operation: object) -> Any:
        if not self._is_open:
            raise StoreUnavailable("The store is closed.")
        if self._queued >= self._queue_limit:
            raise StoreUnavailable("The store has more waiting than it can do.")
        ticket = _Ticket(operation, asyncio.get_running_loop().create_future())
        self._put(batch, ticket)
        return await ticket.future

    def _put(self, batch: Batch, ticket: _Ticket) -> None:
        line = self._lines.get(batch)
        if line is None:
            line = self._lines[batch] = _Line(batch)
        line.waiting.append(ticket)
        self._queued += 1
        if not self._is_woken and self._busy < self._connections:
            # Not at once: what this turn of the loop still brings shall come along.
            self._is_woken = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self._is_woken = False
        for line in self._lines.values():
            while line.waiting and self._busy < self._connections:
                self._busy += 1
                self._home.start(self._serve(line, self._take(line)))

    def _take(self, line: _Line) -> list[_Ticket]:
        """A fair share of what waits: so that a connection that is free as well has something to do."""
        share = -(-len(line.waiting) // max(1, self._connections - self._busy + 1))
        tickets: list[_Ticket] = []
        while line.waiting and len(tickets) < min(share, self._batch_limit):
            ticket = line.waiting.popleft()
            self._queued -= 1
            if not ticket.future.cancelled():
                tickets.append(ticket)
        return tickets

    async def _serve(self, line: _Line, tickets: list[_Ticket]) -> None:
        try:
            if tickets:
                self._answer(line, tickets, await self._run(line.batch, tickets))
        except BaseException as error:
            # Nobody may wait for ever, whatever ended this.
            self._answer(line, tickets, [store_unavailable(error) for _ in tickets])
            raise
        finally:
            self._busy -= 1
            if self._queued and not self._is_woken:
                self._is_woken = True
                asyncio.get_running_loop().call_soon(self._wake)

    async def _run(self, batch: Batch, tickets: list[_Ticket]) -> Sequence[Outcome]:
        """Where one operation's values are at fault, each half is run again, down to the culprit, who fails alone."""
        try:
            async with self._pool.acquire() as connection:
                return await _within_time(connection, batch, [ticket.operation for ticket in tickets])
        except Exception as error:
            if is_collision(error):
                return [PutOff.AGAIN] * len(tickets)
            if len(tickets) == 1 or not is_its_own(error):
                return [store_unavailable(error) for _ in tickets]
        middle = len(tickets) // 2
        return [*await self._run(batch, tickets[:middle]), *await self._run(batch, tickets[middle:])]

    def _answer(self, line: _Line, tickets: Sequence[_Ticket], outcomes: Sequence[Outcome]) -> None:
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            if ticket.future.done():
                continue
            if outcome is PutOff.AGAIN and ticket.turns < TURNS:
                ticket.turns += 1
                self._put(line.batch, ticket)
            elif outcome is PutOff.AGAIN:
                ticket.future.set_exception(StoreUnavailable("Too many others change the same at the same time."))
            elif isinstance(outcome, StopIteration):
                # A future does not take this one, and raising here would leave the neighbours without their answers.
                ticket.future.set_exception(RuntimeError("an operation raised StopIteration"))
            elif isinstance(outcome, Exception):
                ticket.future.set_exception(outcome)
            else:
                ticket.future.set_result(outcome)


async def _within_time(connection: Connection, batch: Batch, operations: Sequence[Any]) -> Sequence[Outcome]:
    try:
        return await batch(connection, operations)
    except TimeoutError:
        # The server may still be at it; the next batch shall not wait behind.
        connection.terminate()
        raise
