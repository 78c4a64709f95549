"""
Verifies a second through the pool of hash workers, against the bare hash ceiling of as many processes.

What is left over is the line, the pipes and the event loop: what the pool itself costs, without HTTP or a store.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import uvloop

from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.hash_loop import HashLoops, hash_loops
from benchmarks.harness.machine import cores
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.report import Goal, Report
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.secret import Secret

ROUNDS, SECONDS, REACH = 7, 2.0, 0.95
CALLERS: Final = 8
_PASSWORD: Final = "teal otter, nine lanterns"


class Pooled:
    """A started pool with callers that verify one after the other."""

    def __init__(self, pool: PasswordPool, password_hash: Secret[str]) -> None:
        self._pool = pool
        self._password_hash = password_hash
        self._done = 0
        self._answered = asyncio.Event()
        self.rate: list[float] = []
        self.cpu_us: list[float] = []

    async def round(self, seconds: float) -> None:
        """Measure once, between the answers of a full line: checks a second, and what each costs the event loop."""
        callers = [asyncio.create_task(self._keep_asking()) for _ in range(CALLERS)]
        try:
            began, cpu, done = await self._next_answer(), time.process_time(), self._done
            await asyncio.sleep(seconds)
            ended = await self._next_answer()
            self.rate.append((self._done - done) / (ended - began))
            self.cpu_us.append((time.process_time() - cpu) / (self._done - done) * 1e6)
        finally:
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)

    async def _keep_asking(self) -> None:
        while True:
            await self._pool.verify(Secret(_PASSWORD.encode()), self._password_hash)
            self._done += 1
            self._answered.set()

    async def _next_answer(self) -> float:
        self._answered.clear()
        await self._answered.wait()
        return time.perf_counter()


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(pace))


async def _measure(pace: Pace) -> Report:
    pool = PasswordPool(Argon2Parameters(), workers=len(cores()))
    await pool.start()
    try:
        kept = await pool.hash(Secret(_PASSWORD.encode()))
        with hash_loops(len(cores()), _PASSWORD, kept.reveal()) as loops:
            return await _rounds(Pooled(pool, kept), loops, pace)
    finally:
        await pool.close()


async def _rounds(pooled: Pooled, loops: HashLoops, pace: Pace) -> Report:
    bare: list[float] = []
    await pooled.round(0.5)
    pooled.rate.clear()
    pooled.cpu_us.clear()
    sides: list[HashLoops | Pooled] = [loops, pooled]
    for side in pace.turns(sides, ROUNDS):
        if isinstance(side, HashLoops):
            bare.append(side.measure(SECONDS).rate)
        else:
            await side.round(SECONDS)
    return _report(pooled, bare)


def _report(pooled: Pooled, bare: list[float]) -> Report:
    ceiling, rate = Figure.of(bare).value, Figure.of(pooled.rate).value
    of_ceiling = ratio(pooled.rate, bare)
    return Report(
        name="password_pool",
        title="Password checks a second through the pool, against the bare hash ceiling",
        setting=(
            f"Argon2id with the default parameters, {len(cores())} processes at low priority on either side. "
            f"{CALLERS} callers on one event loop ask the pool; the bare processes check the same password in a loop."
        ),
        columns=("", "a second", "of the ceiling", "CPU µs of the event loop's process"),
        rows=[
            ("bare hash loop", f"{ceiling:.1f}", "1", "0"),
            ("through the pool", f"{rate:.1f}", f"{of_ceiling.value:.2f}", f"{Figure.of(pooled.cpu_us).value:.0f}"),
        ],
        goals=[Goal("checks of the bare hash ceiling", of_ceiling, REACH, at_most=False)],
        bars=[Bar("bare hash loop", ceiling, is_peer=True), Bar("through the pool", rate)],
        mark=Mark(f"{REACH:g} of the ceiling", REACH * ceiling),
        unit="/s",
    )


if __name__ == "__main__":
    print(main().text())
