"""How long `import gatepass.client` and `gatepass token` with a cached token take, beside Python's own start."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client.measured_server import measured_server
from benchmarks.harness.figures import Figure
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ROOT
from benchmarks.harness.report import Goal, Report
from gatepass.client import Client
from gatepass.client.stored import open_store

ROUNDS, REACH_MS = 20, 150.0
IMPORT, USE = "import gatepass.client", "from gatepass.client import Client"


@dataclass
class Program:
    """A process, from its start to its end."""

    name: str
    command: Sequence[str]
    milliseconds: list[float] = field(default_factory=list)

    def run(self, environ: dict[str, str]) -> None:
        """Once more."""
        began = time.perf_counter()
        subprocess.run(self.command, env=environ, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        self.milliseconds.append((time.perf_counter() - began) * 1000)


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    python = sys.executable
    programs = [
        Program("python -c pass", [python, "-c", "pass"]),
        Program(IMPORT, [python, "-c", IMPORT]),
        Program(USE, [python, "-c", USE]),
        Program("gatepass token", [str(Path(python).with_name("gatepass")), "token"]),
    ]
    with tempfile.TemporaryDirectory(prefix="gatepass-bench-") as folder, measured_server() as server:
        ours = {"XDG_STATE_HOME": folder, "GATEPASS_STORE": "file"}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEPASS_")}
        with Client(server.address, store=open_store(ours)) as api:
            api.sign_in("ada", "x")
        for program in programs:
            program.run({**inherited, **ours})
            program.milliseconds.clear()
        for program in pace.turns(programs, ROUNDS):
            program.run({**inherited, **ours})
        has_asked = server.figures().refreshes > 0
    return _report(programs, has_asked=has_asked)


def _report(programs: list[Program], *, has_asked: bool) -> Report:
    figures = {program.name: Figure.of(program.milliseconds) for program in programs}
    return Report(
        name="client.start",
        title="Start of the client",
        setting=(
            f"Whole processes, Python's own start and end included, {len(programs[0].milliseconds)} rounds in turns. "
            f"`gatepass token` prints a token that is kept in a file{' (renewed: not as meant)' if has_asked else ''}. "
            "The names of `gatepass.client` are imported at their first use, so its classes come extra."
        ),
        columns=("", "median, ms", "least", "most"),
        rows=[(f"`{name}`", *(f"{v:.0f}" for v in (it.value, it.least, it.most))) for name, it in figures.items()],
        goals=[
            Goal(f"`{name}`", figures[name], REACH_MS, at_most=True, unit=" ms")
            for name in (IMPORT, USE, "gatepass token")
        ],
        bars=[Bar(name, it.value, is_peer=name.startswith("python")) for name, it in figures.items()],
        mark=Mark(f"{REACH_MS:g} ms", REACH_MS),
        unit="ms",
    )
