"""The thread that serves event loops, with a double in the place of the database."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.sqlite.worker import TURNS, Operation, Outcome, Worker

NO_CONNECTION: Any = None


class Desk:
    """Runs operations without a database, one batch each time `let_go` says so."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.rests = 0
        self.closed = 0
        self.gate = threading.Semaphore(0)
        self.began = threading.Semaphore(0)

    def run(self, operations: Sequence[Operation[Any]]) -> Sequence[Outcome]:
        self.began.release()
        self.gate.acquire(timeout=5)
        self.batches.append(len(operations))
        return [operation(NO_CONNECTION) for operation in operations]

    def rest(self) -> None:
        self.rests += 1

    def close(self) -> None:
        self.closed += 1

    def let_go(self, batches: int = 1000) -> None:
        self.gate.release(batches)

    async def is_busy(self) -> None:
        """Wait until a batch is being run."""
        await asyncio.to_thread(self.began.acquire)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def worker(desk: Desk) -> Iterator[Worker]:
    worker = Worker("test-worker", desk, batch_limit=4, queue_limit=8)
    yield worker
    desk.let_go()
    worker.close()


def answer(value: object) -> Operation[object]:
    return lambda _: value


def until_closed(worker: Worker) -> None:
    while worker._is_open:
        time.sleep(0.001)


async def waiting(worker: Worker, *operations: Operation[Any]) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.ensure_future(worker.do(operation)) for operation in operations]
    for _ in range(3):  # they start in one turn of the loop, and are handed over once a turn brought no more
        await asyncio.sleep(0)
    return tasks


async def test_what_waits_becomes_one_batch_up_to_the_limit(worker: Worker, desk: Desk) -> None:
    first = await waiting(worker, answer(0))
    await desk.is_busy()
    rest = await waiting(worker, *(answer(number) for number in range(1, 7)))
    desk.let_go()
    assert await asyncio.gather(*first, *rest) == list(range(7))
    assert desk.batches == [1, 4, 2]


async def test_what_a_busy_loop_brings_turn_by_turn_becomes_one_batch(worker: Worker, desk: Desk) -> None:
    desk.let_go()
    tasks = []
    for number in range(TURNS - 1):
        tasks.append(asyncio.ensure_future(worker.do(answer(number))))
        await asyncio.sleep(0)
    assert desk.batches == []
    assert await asyncio.gather(*tasks) == list(range(TURNS - 1))
    assert desk.batches == [4, TURNS - 5]


async def test_a_loop_that_never_rests_is_served_all_the_same(worker: Worker, desk: Desk) -> None:
    desk.let_go()
    tasks = [asyncio.ensure_future(worker.do(answer(0)))]
    deadline = time.monotonic() + 5
    while not tasks[0].done() and time.monotonic() < deadline:
        tasks.append(asyncio.ensure_future(worker.do(answer(1))))
        await asyncio.sleep(0)
        if len(tasks) > TURNS:
            time.sleep(0.005)  # noqa: ASYNC251 - the thread's turn; the loop stays busy
    assert tasks[0].done()
    assert await tasks[0] == 0
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_past_the_limit_of_the_queue_more_is_refused_at_once(worker: Worker, desk: Desk) -> None:
    first = await waiting(worker, answer("first"))
    await desk.is_busy()
    rest = await waiting(worker, *(answer(number) for number in range(8)))
    with pytest.raises(StoreUnavailable, match="more waiting than it can do"):
        await worker.do(answer("too much"))
    desk.let_go()
    assert await asyncio.gather(*first, *rest) == ["first", *range(8)]
    assert await worker.do(answer("again")) == "again"


async def test_who_gave_up_before_the_batch_began_is_left_out(worker: Worker, desk: Desk) -> None:
    first = await waiting(worker, answer("first"))
    await desk.is_busy()
    gone, staying = await waiting(worker, answer("gone"), answer("staying"))
    gone.cancel()
    desk.let_go()
    assert await staying == "staying"
    assert await first[0] == "first"
    assert desk.batches == [1, 1]


async def test_who_gives_up_while_the_batch_runs_is_not_told(worker: Worker, desk: Desk) -> None:
    gone, staying = await waiting(worker, answer("gone"), answer("staying"))
    await desk.is_busy()
    gone.cancel()
    desk.let_go()
    assert await staying == "staying"
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_an_exception_is_an_outcome_of_its_caller(worker: Worker, desk: Desk) -> None:
    desk.let_go()
    with pytest.raises(KeyError, match="mine"):
        await worker.do(answer(KeyError("mine")))


async def test_even_an_exception_that_a_future_refuses_leaves_nobody_waiting(worker: Worker, desk: Desk) -> None:
    """A future raises TypeError for StopIteration."""
    tasks = await waiting(worker, answer(StopIteration("mine")), answer("neighbour"))
    desk.let_go()
    mine, neighbour = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert isinstance(mine, RuntimeError)
    assert neighbour == "neighbour"


async def test_a_batch_that_cannot_be_run_is_refused_and_the_next_is_served(worker: Worker, desk: Desk) -> None:
    def break_the_desk(_: sqlite3.Connection) -> None:
        raise SystemExit

    tasks = await waiting(worker, break_the_desk, answer("neighbour"))
    desk.let_go()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert await worker.do(answer("next")) == "next"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_where_the_thread_itself_ends_nobody_is_left_waiting(worker: Worker, desk: Desk) -> None:
    def fail() -> None:
        raise MemoryError

    desk.rest = fail  # type: ignore[method-assign]
    first = await waiting(worker, answer("first"))
    await desk.is_busy()
    second = await waiting(worker, answer("second"))
    desk.let_go()
    assert await first[0] == "first"
    with pytest.raises(StoreUnavailable, match="stopped"):
        await second[0]
    with pytest.raises(StoreUnavailable, match="closed"):
        await worker.do(answer("late"))


async def test_closing_serves_what_waits_then_refuses(worker: Worker, desk: Desk) -> None:
    first = await waiting(worker, answer("first"))
    await desk.is_busy()
    second = await waiting(worker, answer("second"))
    closing = asyncio.ensure_future(asyncio.to_thread(worker.close))
    await asyncio.to_thread(until_closed, worker)
    with pytest.raises(StoreUnavailable, match="closed"):
        await worker.do(answer("late"))
    desk.let_go()
    assert await asyncio.gather(*first, *second) == ["first", "second"]
    await closing
    assert desk.closed == 1
    assert desk.rests == 2


def test_a_loop_that_closed_under_its_caller_does_not_stop_the_others(worker: Worker, desk: Desk) -> None:
    loop = asyncio.new_event_loop()
    abandoned = loop.create_task(worker.do(answer("abandoned")))
    loop.run_until_complete(asyncio.sleep(0))
    desk.began.acquire(timeout=5)
    loop.run_until_complete(asyncio.sleep(0))
    loop._ready.clear()  # type: ignore[attr-defined]
    loop.close()
    desk.let_go()
    assert asyncio.run(worker.do(answer("another"))) == "another"
    abandoned._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_loop_that_closed_before_it_handed_over_is_forgotten(worker: Worker, desk: Desk) -> None:
    """Neither the loop nor what it brought stays in memory."""
    loop = asyncio.new_event_loop()
    abandoned = worker.do(answer("abandoned"))

    async def begins_and_is_cut_off() -> None:
        abandoned.send(None)
        loop._ready.clear()  # type: ignore[attr-defined]

    loop.run_until_complete(begins_and_is_cut_off())
    abandoned.close()
    loop.close()
    assert list(worker._staged) == [loop]
    desk.let_go()
    assert asyncio.run(worker.do(answer("another"))) == "another"
    assert worker._staged == {}
