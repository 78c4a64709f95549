"""Twenty processes with one sign-in that is kept, and tokens of three seconds: a refresh for each expiry, no errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from benchmarks.client.measured_server import measured_server
from benchmarks.client.token_server import Figures
from benchmarks.harness.figures import Figure
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.processes import ROOT
from benchmarks.harness.report import Goal, Report
from gatepass.client import Client
from gatepass.client.stored import open_store

PROCESSES, SECONDS, LIFE_SECONDS, PAUSE_SECONDS = 20, 60.0, 3.0, 0.05
RENEWED_AT = 0.8


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    seconds = max(SECONDS * pace.share, 10.0)
    with tempfile.TemporaryDirectory(prefix="gatepass-bench-") as folder, measured_server() as server:
        environ = {"XDG_STATE_HOME": folder, "GATEPASS_STORE": "file"}
        server.begin(LIFE_SECONDS)
        with Client(server.address, store=open_store(environ)) as api:
            api.sign_in("ada", "x")
        told = _asked(server.address, seconds, environ)
        return _report(seconds, told, server.figures())


def _asked(address: str, seconds: float, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """What each of the processes tells at its end."""
    command = [sys.executable, "-m", "tests.kit.asker", address, str(seconds), str(PAUSE_SECONDS)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEPASS_")}
    processes = [
        subprocess.Popen(command, cwd=ROOT, env={**inherited, **environ}, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    return [json.loads(process.communicate(timeout=seconds + 120)[0]) for process in processes]


def _report(seconds: float, told: list[dict[str, Any]], figures: Figures) -> Report:
    errors = [error for each in told for error in each["errors"]]
    per_expiry = figures.refreshes / max(figures.expiries, 1)
    return Report(
        name="client.sharing",
        title="Twenty processes with one sign-in",
        setting=(
            f"{PROCESSES} processes ask every {PAUSE_SECONDS * 1000:.0f} ms for {seconds:.0f} s with one sign-in that "
            f"is kept in a file. Tokens live {LIFE_SECONDS:g} s, a refresh token works once, and there is no replay "
            "window: two that present the same end the sign-in."
        ),
        columns=("", "count"),
        rows=[
            ("queries", f"{sum(each['asked'] for each in told):,}"),
            ("expiries", str(figures.expiries)),
            ("refreshes", str(figures.refreshes)),
            ("refreshes at once, at most", str(figures.at_once)),
            ("spent refresh tokens that came", str(figures.reused)),
            ("sign-ins", str(figures.sign_ins)),
            ("requests that were refused", str(figures.refused)),
            ("errors", str(len(errors))),
        ],
        goals=[
            Goal("errors, `SignInRequired` among them", _count(len(errors)), 0, at_most=True),
            Goal("refreshes for each expiry", Figure(per_expiry, per_expiry, per_expiry), 1, at_most=True),
            Goal("expiries", _count(figures.expiries), 0.8 * seconds / LIFE_SECONDS, at_most=False),
        ],
    )


def _count(number: int) -> Figure:
    return Figure(float(number), float(number), float(number))
