"""
Whether refreshing slows down as sessions pile up: random sessions of stores of growing size.

Over HTTP, as callers see it, and through the store's port alone, where nothing hides what the store loses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack

from benchmarks.harness import loops
from benchmarks.harness.contest import Contestant, hold
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import Installation, installation
from benchmarks.harness.machine import server_core
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.report import Goal, Report
from benchmarks.harness.rotations import Rotations, SessionIds, fill
from benchmarks.harness.wandering import wanderers
from gatepass.stores.sqlite import open_store

SIZES = ((10_000, 1_000), (100_000, 20_000), (1_000_000, 200_000), (5_000_000, 1_000_000))
"""Sessions, and the accounts that they belong to."""
CONNECTIONS, CALLERS = 64, 256
HTTP_ROUNDS, PORT_ROUNDS, SECONDS, REACH = 21, 9, 1.2, 0.8
_Store = tuple[str, Installation, SessionIds]


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with ExitStack() as stack:
        stores: list[_Store] = []
        for sessions, accounts in SIZES:
            made = stack.enter_context(installation())
            stores.append((f"{sessions:,} sessions", made, asyncio.run(fill(made.database, sessions, accounts))))
        sizes = [f"{made.database.stat().st_size / 1e6:.0f}" for _, made, _ in stores]
        over_http = _over_http(stores, pace)
        return _report(over_http, loops.run(_through_port(stores, pace)), sizes)


def _over_http(stores: Sequence[_Store], pace: Pace) -> list[Contestant]:
    with ExitStack() as stack:
        contestants = []
        for name, made, ids in stores:
            key = made.refresh_key()
            gatepass = stack.enter_context(made.serve(cores=server_core()))
            connections = wanderers(made.database, ids, key, gatepass.port, CONNECTIONS)
            contestants.append(Contestant(name, gatepass, connections))
        hold(contestants, pace, HTTP_ROUNDS, SECONDS)
    return contestants


async def _through_port(stores: Sequence[_Store], pace: Pace) -> list[Rotations]:
    async with AsyncExitStack() as stack:
        opened = []
        for name, made, ids in stores:
            store = await open_store(made.database)
            stack.push_async_callback(store.close)
            opened.append(Rotations(name, store, ids))
        for rotations in pace.turns(opened, PORT_ROUNDS):
            await rotations.round(CALLERS, SECONDS)
    return opened


def _report(over_http: list[Contestant], through_port: list[Rotations], sizes: list[str]) -> Report:
    first, *later = over_http
    rates = [Figure.of(it.rate).value for it in over_http]
    return Report(
        name="growth",
        title="Refresh rate as the store grows",
        setting=(
            f"signInRefresh of random sessions over HTTP, {CONNECTIONS} connections, the server on one core, the load "
            f"client on another. In the right half rotations through the store's port, {CALLERS} callers waiting, in "
            f"one process. All durable. Up to {SIZES[-1][1]:,} accounts. The rows were inserted in bulk into the "
            "store's own schema; its files are in the page cache."
        ),
        columns=(
            *("", "file MB", "refreshes/s", "of the first", "CPU µs", "p99 ms"),
            *("port: rotations/s", "of the first", "CPU µs", "p99 ms"),
        ),
        rows=[
            (web.name, size, *_cells(web, first), *_cells(port, through_port[0]))
            for web, port, size in zip(over_http, through_port, sizes, strict=True)
        ],
        goals=[
            Goal(f"refreshes/s at {it.name} against the first", ratio(it.rate, first.rate), REACH, at_most=False)
            for it in later[1:]
        ],
        bars=[Bar(it.name, rate) for it, rate in zip(over_http, rates, strict=True)],
        mark=Mark(f"{REACH:g} of the first", REACH * rates[0]),
        unit="/s",
    )


def _cells(it: Contestant | Rotations, first: Contestant | Rotations) -> tuple[str, ...]:
    rate, cpu, p99 = (Figure.of(rounds).value for rounds in (it.rate, it.cpu, it.p99))
    return f"{rate:,.0f}", f"{ratio(it.rate, first.rate).value:.2f}", f"{cpu:.0f}", f"{p99:.1f}"
