"""Durable rotations a second of the store alone: group commit against one commit each, and what durability costs."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from benchmarks.harness import loops
from benchmarks.harness.figures import Figure
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar
from benchmarks.harness.report import Report
from benchmarks.harness.rotations import Rotations, fill
from gatepass.stores.sqlite import open_store
from gatepass.stores.sqlite.connection import Synchronous

SESSIONS, ROUNDS, SECONDS = 10_000, 5, 0.7
CALLERS = (1, 32, 256)
_VARIANTS: Final[tuple[tuple[str, Synchronous, int], ...]] = (
    ("group commit, FULL", "FULL", 512),
    ("group commit, NORMAL", "NORMAL_LOSES_ANSWERED_WRITES_AT_POWER_LOSS", 512),
    ("one commit each, FULL", "FULL", 1),
)


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with tempfile.TemporaryDirectory(prefix="gatepass-bench-") as folder:
        return loops.run(_measure(Path(folder), pace))


async def _measure(folder: Path, pace: Pace) -> Report:
    async with AsyncExitStack() as stack:
        sides: list[tuple[int, Rotations]] = []
        for number, (name, synchronous, batch_limit) in enumerate(_VARIANTS):
            path = folder / f"{number}.db"
            sessions = await fill(path, SESSIONS)
            store = await open_store(path, synchronous=synchronous, batch_limit=batch_limit)
            stack.push_async_callback(store.close)
            sides += [(callers, Rotations(name, store, sessions)) for callers in CALLERS]
        sides.sort(key=lambda side: side[0])
        for callers, rotations in pace.turns(sides, ROUNDS):
            await rotations.round(callers, SECONDS)
    return _report(sides)


def _report(sides: list[tuple[int, Rotations]]) -> Report:
    rates = [Figure.of(it.rate).value for _, it in sides]
    return Report(
        name="store_rotations",
        title="Rotations of the store alone",
        setting=f"Random sessions of {SESSIONS:,} through the store's port, in one process.",
        columns=("", "callers waiting", "rotations/s", "CPU µs a rotation", "p99 ms"),
        rows=[
            (
                it.name,
                str(callers),
                f"{rate:,.0f}",
                f"{Figure.of(it.cpu).value:.0f}",
                f"{Figure.of(it.p99).value:.1f}",
            )
            for (callers, it), rate in zip(sides, rates, strict=True)
        ],
        bars=[
            Bar(f"{it.name}, {callers} waiting", rate, is_peer=it.name != _VARIANTS[0][0])
            for (callers, it), rate in zip(sides, rates, strict=True)
        ],
        unit="/s",
    )
