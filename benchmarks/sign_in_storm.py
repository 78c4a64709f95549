"""
What a storm of sign-ins does to everybody else: p99 of protected queries, and what low priority costs the sign-ins.

Two servers, alike except that the hash workers of one run at normal priority. Each is asked the same steady load of
protected queries, idle and while sign-ins keep all cores busy.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.harness import load
from benchmarks.harness.bodies import constant, query_body, sign_in_body
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import EMAIL, PASSWORD, Installation, TokenPair, installation
from benchmarks.harness.machine import cores
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ServerProcess, echo_server
from benchmarks.harness.report import Goal, Report
from benchmarks.sign_in import connections

ROUNDS, SECONDS, SETTLING_SECONDS = 6, 3.0, 0.5
QUERIES, PAUSE_SECONDS, ANSWER_BYTES = 20, 0.05, 400
REACH_P99, REACH_RATE = 2.0, 0.85


@dataclass
class Weather:
    """One state of one server; one entry in each list for each round, milliseconds and sign-ins a second."""

    name: str
    server: ServerProcess
    tokens: list[TokenPair]
    storms: bool
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    sign_ins: list[float] = field(default_factory=list)

    async def round(self, seconds: float) -> None:
        """Measure once: the storm begins before the first query and ends after the last."""
        storm = asyncio.create_task(self._sign_in(seconds + 2 * SETTLING_SECONDS)) if self.storms else None
        await asyncio.sleep(SETTLING_SECONDS)
        queries = await self._query(seconds)
        self.p50.append(queries.percentile(0.5) * 1e3)
        self.p99.append(queries.percentile(0.99) * 1e3)
        self.sign_ins.append((await storm).rate if storm else 0.0)

    def row(self) -> tuple[str, ...]:
        """Its line in the table."""
        p50, p99, rate = (Figure.of(rounds).value for rounds in (self.p50, self.p99, self.sign_ins))
        return self.name, f"{p50:.2f}", f"{p99:.2f}", f"{rate:.1f}" if self.storms else "-"

    async def _sign_in(self, seconds: float) -> load.Outcome:
        request = load.post(sign_in_body(EMAIL, PASSWORD), self.server.port)
        return await load.drive(self.server.port, [constant(request)] * connections(), seconds)

    async def _query(self, seconds: float) -> load.Outcome:
        port, body = self.server.port, query_body()
        requests = [constant(load.post(body, port, bearer=pair.access)) for pair in self.tokens]
        return await load.drive(port, requests, seconds, pause=PAUSE_SECONDS)


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made:
        return _measure(made, pace)


def _measure(made: Installation, pace: Pace) -> Report:
    tokens = made.open_sessions(QUERIES)
    with ExitStack() as stack:
        upstream = stack.enter_context(echo_server(ANSWER_BYTES, has_schema=True))
        address = f"http://127.0.0.1:{upstream.port}/graphql"
        low = stack.enter_context(made.serve(address))
        normal = stack.enter_context(made.serve(address, change="normal-priority"))
        idle = Weather("idle", low, tokens, storms=False)
        storm = Weather("sign-ins, hash workers at low priority", low, tokens, storms=True)
        peer = Weather("sign-ins, hash workers at normal priority", normal, tokens, storms=True)
        for weather in (storm, peer):
            load.run(Weather("", weather.server, tokens, storms=True).round(0.3))
        for weather in pace.turns([idle, storm, peer], ROUNDS):
            load.run(weather.round(SECONDS))
    return _report(idle, storm, peer)


def _report(idle: Weather, storm: Weather, peer: Weather) -> Report:
    calm = Figure.of(idle.p99).value
    return Report(
        name="sign_in_storm",
        title="Protected queries while sign-ins take all cores",
        setting=(
            f"Server, its {len(cores())} hash workers, a trivial upstream process and the load client share "
            f"{len(cores())} cores, nothing is pinned. {QUERIES} connections ask one protected query each "
            f"{PAUSE_SECONDS * 1e3:.0f} ms; {connections()} connections sign in without a pause. "
            "Latency as the client sees it, through the gateway and back."
        ),
        columns=("", "p50 ms", "p99 ms", "sign-ins/s"),
        rows=[weather.row() for weather in (idle, storm, peer)],
        goals=[
            Goal("p99 of queries in the storm against idle", ratio(storm.p99, idle.p99), REACH_P99, at_most=True),
            Goal(
                "sign-ins at low priority against normal",
                ratio(storm.sign_ins, peer.sign_ins),
                REACH_RATE,
                at_most=False,
            ),
        ],
        bars=[
            Bar("idle", calm, is_peer=True),
            Bar("storm, low priority", Figure.of(storm.p99).value),
            Bar("storm, normal priority", Figure.of(peer.p99).value, is_peer=True),
        ],
        mark=Mark(f"{REACH_P99:g} times idle", REACH_P99 * calm),
        unit="ms p99",
    )
