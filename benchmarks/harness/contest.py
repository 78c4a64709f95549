"""Several servers under the same load in turns: CPU of each request, requests a second, latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.harness import load
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.load import NextRequest
from benchmarks.harness.machine import load_cores
from benchmarks.harness.pace import Pace
from benchmarks.harness.processes import ServerProcess

COLUMNS = ("", "CPU µs a request", "to echo", "requests/s", "p99 ms")
_WARM_UP_SECONDS = 0.4


@dataclass
class Contestant:
    """A server with its load; one entry in each list for each round."""

    name: str
    process: ServerProcess
    connections: Sequence[NextRequest]
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def warm_up(self) -> None:
        """Let caches fill and pools open."""
        self._run(_WARM_UP_SECONDS)

    def round(self, seconds: float) -> None:
        """Measure once."""
        before = self.process.cpu_seconds
        outcome = self._run(seconds)
        self.cpu.append((self.process.cpu_seconds - before) / outcome.answers * 1e6)
        self.rate.append(outcome.rate)
        self.p99.append(outcome.percentile(0.99) * 1e3)

    def row(self, echo: Contestant) -> tuple[str, ...]:
        """Its line under `COLUMNS`."""
        cpu, rate, p99 = (Figure.of(rounds).value for rounds in (self.cpu, self.rate, self.p99))
        return self.name, f"{cpu:.0f}", f"{ratio(self.cpu, echo.cpu).value:.2f}", f"{rate:,.0f}", f"{p99:.1f}"

    def _run(self, seconds: float) -> load.Outcome:
        return load.run(load.drive(self.process.port, self.connections, seconds), load_cores())


def hold(contestants: Sequence[Contestant], pace: Pace, rounds: int, seconds: float) -> None:
    """All rounds of all contestants, in turns."""
    for contestant in contestants:
        contestant.warm_up()
    for contestant in pace.turns(contestants, rounds):
        contestant.round(seconds)
