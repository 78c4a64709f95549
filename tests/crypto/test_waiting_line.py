"""The line before the hash workers: bounded, first come first served, and nobody waits in vain. DESIGN §8."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta

import pytest

from gatepass.crypto.waiting_line import WaitingLine
from gatepass.domain.errors import HashingFailed, Overloaded

SOON = timedelta(seconds=0.05)
LATE = timedelta(minutes=1)


class Worker:
    """Answers what it is asked, each time it is told to go on; keeps a list of what it was asked."""

    def __init__(self, line: WaitingLine) -> None:
        self.asked: list[bytes] = []
        self._line = line
        self._may_go_on = asyncio.Semaphore(0)
        self.task = asyncio.create_task(self._work())

    def goes_on(self, times: int = 1) -> None:
        for _ in range(times):
            self._may_go_on.release()

    async def _work(self) -> None:
        while True:
            async with self._line.turn() as job:
                self.asked.append(job.request)
                await self._may_go_on.acquire()
                job.succeed(job.request.upper())


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def at_once(asking: Coroutine[object, object, bytes]) -> BaseException | None:
    """How a caller was refused without waiting."""
    caller = asyncio.create_task(asking)
    await settle()
    assert caller.done()
    return caller.exception()


def line_of(*, workers: int = 1, deadline: timedelta = LATE, max_waiting: int = 100) -> WaitingLine:
    return WaitingLine(workers, deadline, max_waiting)


async def busy(line: WaitingLine) -> tuple[Worker, asyncio.Task[bytes]]:
    """A worker that has something to do."""
    worker = Worker(line)
    task = asyncio.create_task(line.ask(b"first"))
    await settle()
    return worker, task


async def test_first_come_first_served() -> None:
    """FIFO: nobody is overtaken."""
    line = line_of()
    worker, _ = await busy(line)
    callers = [asyncio.create_task(line.ask(b"%d" % number)) for number in range(5)]
    await settle()
    worker.goes_on(6)
    assert await asyncio.gather(*callers) == [b"0", b"1", b"2", b"3", b"4"]
    assert worker.asked == [b"first", b"0", b"1", b"2", b"3", b"4"]


async def test_more_than_may_wait_are_refused_at_once() -> None:
    """The absolute bound holds whatever the estimate says, and the refusal says when to come back."""
    line = line_of(max_waiting=2)
    await busy(line)
    waiting = [asyncio.create_task(line.ask(b"waits")) for _ in range(2)]
    await settle()
    refusal = await at_once(line.ask(b"one too many"))
    assert isinstance(refusal, Overloaded)
    assert refusal.retry_after_seconds == 1
    assert line.waiting == 2
    for caller in waiting:
        caller.cancel()


async def test_what_would_wait_beyond_the_deadline_is_refused_at_once() -> None:
    """The estimate: average service time times those ahead, divided among the workers."""
    line = line_of(deadline=SOON)
    worker, first = await busy(line)
    await asyncio.sleep(0.06)
    worker.goes_on()
    await first
    second = asyncio.create_task(line.ask(b"second"))
    await settle()
    assert line.expected_wait_seconds() >= 0.06
    assert isinstance(await at_once(line.ask(b"third")), Overloaded)
    assert line.waiting == 0
    worker.goes_on()
    assert await second == b"SECOND"


async def test_an_idle_worker_takes_somebody_whatever_the_average_says() -> None:
    """A slow past refuses nobody who would not wait: so the line always recovers."""
    line = line_of(deadline=timedelta(seconds=0.001))
    worker, first = await busy(line)
    await asyncio.sleep(0.02)
    worker.goes_on(2)
    await first
    assert await line.ask(b"next") == b"NEXT"


async def test_who_waited_until_the_deadline_is_refused() -> None:
    """Even if the estimate was wrong, because workers were lost meanwhile."""
    line = line_of(deadline=SOON)
    worker, _ = await busy(line)
    with pytest.raises(Overloaded):
        await line.ask(b"second")
    worker.goes_on()
    await settle()
    assert worker.asked == [b"first"]


async def test_the_deadline_is_for_waiting_not_for_being_served() -> None:
    """Work that was begun is finished."""
    line = line_of(deadline=SOON)
    worker, first = await busy(line)
    await asyncio.sleep(0.1)
    worker.goes_on()
    assert await first == b"FIRST"


async def test_a_cancelled_caller_leaves_the_line_and_costs_no_hash() -> None:
    """A client that hung up makes room at once."""
    line = line_of()
    worker, _ = await busy(line)
    gone, stays = (asyncio.create_task(line.ask(name)) for name in (b"gone", b"stays"))
    await settle()
    gone.cancel()
    await settle()
    assert line.waiting == 1
    worker.goes_on(2)
    assert await stays == b"STAYS"
    assert worker.asked == [b"first", b"stays"]


async def test_a_caller_cancelled_while_served_harms_nobody() -> None:
    """The worker finishes, and takes the next."""
    line = line_of()
    worker, first = await busy(line)
    first.cancel()
    worker.goes_on(2)
    assert await line.ask(b"second") == b"SECOND"


async def test_many_cancelled_callers_leave_no_trace() -> None:
    """The line works as before after a thousand hung up."""
    line = line_of(max_waiting=1000)
    worker, first = await busy(line)
    gone = [asyncio.create_task(line.ask(b"gone")) for _ in range(1000)]
    await settle()
    for caller in gone:
        caller.cancel()
    await settle()
    worker.goes_on(2)
    await first
    assert await line.ask(b"last") == b"LAST"
    assert worker.asked == [b"first", b"last"]


async def test_a_lost_worker_fails_its_caller_and_no_other() -> None:
    """Whatever ends a turn without an answer, its caller does not hang."""
    line = line_of()
    worker, first = await busy(line)
    second = asyncio.create_task(line.ask(b"second"))
    await settle()
    worker.task.cancel()
    with pytest.raises(HashingFailed):
        await first
    Worker(line).goes_on()
    assert await second == b"SECOND"


async def test_a_worker_cancelled_while_idle_takes_no_job_with_it() -> None:
    """The next worker finds it."""
    line = line_of()
    worker = Worker(line)
    await settle()
    caller = asyncio.create_task(line.ask(b"job"))
    worker.task.cancel()
    await settle()
    Worker(line).goes_on()
    assert await asyncio.wait_for(caller, 1) == b"JOB"


async def test_a_closed_line_fails_those_who_wait_and_lets_nobody_in() -> None:
    """Shutting down hangs nobody."""
    line = line_of()
    await busy(line)
    waiting = asyncio.create_task(line.ask(b"waits"))
    await settle()
    line.close()
    with pytest.raises(HashingFailed):
        await waiting
    with pytest.raises(HashingFailed):
        await line.ask(b"late")


async def test_a_job_does_not_show_its_request() -> None:
    """It holds a password."""
    line = line_of()
    caller = asyncio.create_task(line.ask(b"correct horse"))
    async with line.turn() as job:
        assert "correct horse" not in repr(job)
        job.succeed(b"")
    await caller
