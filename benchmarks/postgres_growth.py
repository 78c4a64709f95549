"""
Whether rotations on PostgreSQL slow down as sessions and accounts pile up: by the store's port, and by pgbench.

Its server is set as `docs/how-to/postgresql.md` advises. Huge pages are the system's to give, before the run:
`sysctl vm.nr_hugepages=1640`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from benchmarks.harness import loops
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.postgres import (
    Pgbench,
    durable_server,
    filled,
    has_huge_pages,
    megabytes,
    session_ids,
    touch_every_page,
)
from benchmarks.harness.report import Goal, Report
from benchmarks.harness.rotations import Rotations
from gatepass.stores.postgres import open_store
from tests.kit.postgres import Server

SIZES: Final = ((10_000, 1_000), (1_000_000, 200_000), (5_000_000, 1_000_000))
CALLERS, ROUNDS, SECONDS, REACH = 64, 9, 2.0, 0.8


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with durable_server() as server:
        schemas = [filled(server, sessions, accounts) for sessions, accounts in SIZES]
        for schema in schemas:
            touch_every_page(server, schema)
        sizes = [f"{megabytes(server, schema):,.0f}" for schema in schemas]
        peers = [Pgbench(server, schema, sessions) for schema, (sessions, _) in zip(schemas, SIZES, strict=True)]
        sides = loops.run(_measure(server, schemas, peers, pace))
        return _report(sides, peers, sizes, has_huge_pages=has_huge_pages(server))


async def _measure(server: Server, schemas: list[str], peers: list[Pgbench], pace: Pace) -> list[Rotations]:
    async with AsyncExitStack() as stack:
        sides = []
        for schema, (sessions, _) in zip(schemas, SIZES, strict=True):
            store = await open_store(server.url(schema))
            stack.push_async_callback(store.close)
            sides.append(Rotations(f"{sessions:,} sessions", store, session_ids(sessions)))
        for side in sides:
            await side.round(CALLERS, SECONDS)
            side.forget()
        for side, peer in pace.turns(list(zip(sides, peers, strict=True)), ROUNDS):
            await side.round(CALLERS, SECONDS)
            await asyncio.to_thread(peer.round, SECONDS)
    return sides


def _report(sides: list[Rotations], peers: list[Pgbench], sizes: list[str], *, has_huge_pages: bool) -> Report:
    first, *_, last = sides
    rates = [Figure.of(side.rate).value for side in sides]
    return Report(
        name="postgres_growth",
        title="Rotation rate as PostgreSQL's tables grow",
        setting=(
            f"Rotations of random sessions through the store's port, {CALLERS} callers waiting, up to "
            f"{SIZES[-1][1]:,} accounts. fsync and synchronous_commit are on. PostgreSQL and the callers run on the "
            f"same cores; its memory is in {'huge' if has_huge_pages else 'small'} pages. Every page of the tables was "
            "changed once since the last checkpoint, so none is logged whole any more. "
            f"pgbench, {peers[0].clients} clients, updates one session a transaction and reads no account."
        ),
        columns=(
            *("", "MB with indexes", "rotations/s", "of the first", "CPU µs", "p99 ms"),
            *("pgbench: updates/s", "of the first"),
        ),
        rows=[
            (
                side.name,
                size,
                f"{rate:,.0f}",
                f"{ratio(side.rate, first.rate).value:.2f}",
                f"{Figure.of(side.cpu).value:.0f}",
                f"{Figure.of(side.p99).value:.1f}",
                f"{Figure.of(peer.rate).value:,.0f}",
                f"{ratio(peer.rate, peers[0].rate).value:.2f}",
            )
            for side, peer, size, rate in zip(sides, peers, sizes, rates, strict=True)
        ],
        goals=[
            Goal("rotations/s at the last size against the first", ratio(last.rate, first.rate), REACH, at_most=False)
        ],
        bars=[Bar(side.name, rate) for side, rate in zip(sides, rates, strict=True)],
        mark=Mark(f"{REACH:g} of the first", REACH * rates[0]),
        unit="/s",
    )
