"""From the start of the process to its first answer, and what an idle server holds in memory."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.harness.bodies import answered_once
from benchmarks.harness.figures import Figure
from benchmarks.harness.installation import Installation, installation
from benchmarks.harness.machine import cores
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import echo_server, resident_bytes
from benchmarks.harness.report import Goal, Report

STARTS, IDLE_SECONDS, ANSWER_BYTES = 5, 1.0, 400
REACH_SECONDS, REACH_MB = 1.5, 90.0
_FIRST_REQUEST = b'{"query":"{ __typename }"}'


@dataclass
class Starts:
    """One entry for each start."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    server_mb: list[float] = field(default_factory=list)
    workers_mb: list[float] = field(default_factory=list)


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    starts = Starts()
    with ExitStack() as stack:
        made = stack.enter_context(installation())
        upstream = stack.enter_context(echo_server(ANSWER_BYTES, has_schema=True))
        for _ in range(pace.rounds(STARTS)):
            _start(made, f"http://127.0.0.1:{upstream.port}/graphql", starts)
    return _report(starts)


def _start(made: Installation, upstream: str, starts: Starts) -> None:
    with made.serve(upstream) as gatepass:
        answered_once(gatepass.port, _FIRST_REQUEST)
        starts.seconds.append(time.perf_counter() - gatepass.started)
        starts.cpu_seconds.append(gatepass.cpu_seconds)
        time.sleep(IDLE_SECONDS)
        starts.server_mb.append(gatepass.resident_bytes / 1e6)
        starts.workers_mb.append(sum(resident_bytes(pid) for pid in gatepass.children()) / 1e6)


def _report(starts: Starts) -> Report:
    seconds, cpu, server, workers = map(
        Figure.of, (starts.seconds, starts.cpu_seconds, starts.server_mb, starts.workers_mb)
    )
    return Report(
        name="start",
        title="Start and memory of an idle server",
        setting=(
            f"`gatepass serve` on an existing store in front of a trivial upstream, {len(starts.seconds)} starts; "
            f"memory {IDLE_SECONDS:g} s after the first answer. Resident memory, shared pages counted; the "
            f"{len(cores())} hash workers are processes of their own."
        ),
        columns=("", "median"),
        rows=[
            ("process start to first answer, s", f"{seconds.value:.2f}"),
            ("CPU of it in the server, s", f"{cpu.value:.2f}"),
            ("resident, server, MB", f"{server.value:.1f}"),
            ("resident, all hash workers, MB", f"{workers.value:.1f}"),
        ],
        goals=[
            Goal("start to first answer", seconds, REACH_SECONDS, at_most=True, unit=" s"),
            Goal("resident memory of the idle server", server, REACH_MB, at_most=True, unit=" MB"),
        ],
        bars=[Bar("server", server.value), Bar(f"{len(cores())} hash workers", workers.value, is_peer=True)],
        mark=Mark(f"{REACH_MB:g} MB", REACH_MB),
        unit="MB",
    )
