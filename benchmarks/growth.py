"""
Whether refreshing slows down as sessions pile up: rotations of random sessions in stores of growing size.

Through the store's port, without HTTP: what a request costs besides would hide what the store loses.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.report import Goal, Report
from benchmarks.harness.rotations import Rotations, fill
from gatepass.stores.sqlite import open_store

SIZES = (10_000, 100_000, 1_000_000)
CALLERS, ROUNDS, SECONDS, REACH = 256, 7, 1.5, 0.8


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with tempfile.TemporaryDirectory(prefix="gatepass-bench-") as folder:
        return asyncio.run(_measure(Path(folder), pace))


async def _measure(folder: Path, pace: Pace) -> Report:
    async with AsyncExitStack() as stack:
        stores, sizes = [], []
        for size in SIZES:
            path = folder / f"{size}.db"
            sessions = await fill(path, size)
            store = await open_store(path)
            stack.push_async_callback(store.close)
            stores.append(Rotations(f"{size:,} sessions", store, sessions))
            sizes.append(f"{path.stat().st_size / 1e6:.0f}")
        for rotations in pace.turns(stores, ROUNDS):
            await rotations.round(CALLERS, SECONDS)
    return _report(stores, sizes)


def _report(stores: list[Rotations], sizes: list[str]) -> Report:
    first, *_, last = stores
    rates = [Figure.of(it.rate).value for it in stores]
    return Report(
        name="growth",
        title="Refresh rate as the store grows",
        setting=(
            f"Rotations of random sessions through the store's port, durable, {CALLERS} callers waiting, one process. "
            "The sessions were inserted in bulk into the store's own schema; the files are in the page cache."
        ),
        columns=("", "file MB", "rotations/s", "of the first", "CPU µs a rotation", "p99 ms"),
        rows=[
            (
                it.name,
                size,
                f"{rate:,.0f}",
                f"{ratio(it.rate, first.rate).value:.2f}",
                f"{Figure.of(it.cpu).value:.0f}",
                f"{Figure.of(it.p99).value:.1f}",
            )
            for it, size, rate in zip(stores, sizes, rates, strict=True)
        ],
        goals=[
            Goal("rotations/s at the last size against the first", ratio(last.rate, first.rate), REACH, at_most=False)
        ],
        bars=[Bar(it.name, rate) for it, rate in zip(stores, rates, strict=True)],
        mark=Mark(f"{REACH:g} of the first", REACH * rates[0]),
        unit="/s",
    )
