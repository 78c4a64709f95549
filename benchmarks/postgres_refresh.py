"""Durable refreshes a second on PostgreSQL: by the store's port beside pgbench, and over HTTP with 1 to 4 processes."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Final

from benchmarks.harness import load, loops
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import installation
from benchmarks.harness.machine import load_cores
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.postgres import SALT, Pgbench, durable_server, filled, hot_share, session_id, session_ids
from benchmarks.harness.report import Goal, Report
from benchmarks.harness.rotations import Rotations
from benchmarks.harness.wandering import Standing, wanderer
from gatepass.stores.postgres import open_store
from tests.kit.postgres import Server

SESSIONS, CALLERS, CONNECTIONS, REACH = 100_000, 64, 64, 2.0
PORT_ROUNDS, HTTP_ROUNDS, SECONDS = 5, 3, 2.0
WORKERS: Final = (1, 2, 4)


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with durable_server() as server:
        schema = filled(server, SESSIONS)
        pgbench = Pgbench(server, schema, SESSIONS)
        port = loops.run(_through_port(server, schema, pgbench, pace))
        hot = hot_share(server, schema)
        over_http = _over_http(server, pace)
    return _report(port, pgbench, over_http, hot)


async def _through_port(server: Server, schema: str, pgbench: Pgbench, pace: Pace) -> Rotations:
    async with AsyncExitStack() as stack:
        store = await open_store(server.url(schema))
        stack.push_async_callback(store.close)
        rotations = Rotations(f"the store's port, {CALLERS} waiting", store, session_ids(SESSIONS))
        # Pages that were not touched since a checkpoint are written whole; that is over then, for both sides.
        await rotations.round(4 * CALLERS, 3 * SECONDS)
        rotations.forget()
        for turn in pace.turns(("pgbench", "port"), PORT_ROUNDS):
            if turn == "port":
                await rotations.round(CALLERS, SECONDS)
            else:
                await asyncio.to_thread(pgbench.round, SECONDS)
    return rotations


def _over_http(server: Server, pace: Pace) -> dict[int, list[float]]:
    rates: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    for workers in WORKERS:
        schema = filled(server, SESSIONS)
        with installation(server.url(schema)) as made:
            key = made.refresh_key()
            numbers = random.sample(range(SESSIONS), CONNECTIONS * 200)
            sessions = [Standing(session_id(number).bytes, SALT, 0) for number in numbers]
            with made.serve(workers=workers) as process:
                connections = [wanderer(sessions[at::CONNECTIONS], key, process.port) for at in range(CONNECTIONS)]
                load.run(load.drive(process.port, connections, 0.4), load_cores())
                for _ in pace.turns((None,), HTTP_ROUNDS):
                    outcome = load.run(load.drive(process.port, connections, SECONDS), load_cores())
                    rates[workers].append(outcome.rate)
    return rates


def _report(port: Rotations, pgbench: Pgbench, over_http: dict[int, list[float]], hot: float) -> Report:
    sides = [
        (f"pgbench, {pgbench.clients} clients", pgbench.rate),
        (port.name, port.rate),
        *((f"HTTP, {workers} process{'es' * (workers > 1)}", rates) for workers, rates in over_http.items()),
    ]
    peer = Figure.of(pgbench.rate).value
    return Report(
        name="postgres_refresh",
        title="Durable refreshes on PostgreSQL",
        setting=(
            f"Random sessions of {SESSIONS:,}. pgbench runs one update of a session a transaction, prepared, in turns "
            f"with rotations through the store's port; PostgreSQL, pgbench and the load run on the same cores. Over "
            f"HTTP {CONNECTIONS} connections send signInRefresh. fsync and synchronous_commit are on; of all updates "
            f"through port and pgbench {hot:.0%} were HOT."
        ),
        columns=("", "refreshes/s", "of pgbench", "CPU µs", "p99 ms"),
        rows=[
            (
                name,
                f"{Figure.of(rates).value:,.0f}",
                f"{ratio(rates, pgbench.rate).value:.2f}"
                if len(rates) == len(pgbench.rate)
                else f"{Figure.of(rates).value / peer:.2f}",
                f"{Figure.of(port.cpu).value:.0f}" if rates is port.rate else "",
                f"{Figure.of(port.p99).value:.1f}" if rates is port.rate else "",
            )
            for name, rates in sides
        ],
        goals=[
            Goal("rotations/s through the port against pgbench", ratio(port.rate, pgbench.rate), REACH, at_most=False)
        ],
        bars=[Bar(name, Figure.of(rates).value, is_peer=rates is pgbench.rate) for name, rates in sides],
        mark=Mark(f"{REACH:g} of pgbench", REACH * peer),
        unit="/s",
    )
