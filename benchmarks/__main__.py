"""`python -m benchmarks [names …] [--list] [--quick] [--strict]`."""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from benchmarks.harness import machine, summary
from benchmarks.harness.pace import FULL, QUICK, Pace
from benchmarks.harness.report import Report

HEADLINES: Final = (
    "sign_in",
    "sign_in_storm",
    "sign_in_refresh",
    "protected_query",
    "growth",
    "start",
    "client.overhead",
    "client.sharing",
    "client.start",
)
BY_NAME_ONLY: Final = (
    "flood",
    "postgres_refresh",
    "postgres_growth",
    "store_rotations",
    "password_pool",
    "fleet",
    "live_sessions",
    "spying",
    "spying_sizes",
    "sign_in_counters",
    "ide_open",
)
ALL: Final = (*HEADLINES, *BY_NAME_ONLY)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if a benchmark failed, or with `--strict` a goal was missed."""
    asked = _parser().parse_args(arguments)
    if asked.list:
        print("\n".join(f"{name:16} {_promise(name)}" for name in ALL))
        return 0
    if unknown := [name for name in asked.names if name not in ALL]:
        print(f"benchmarks: there is no {unknown[0]!r}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    if reason := machine.why_not():
        print(f"benchmarks: {reason}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    names = asked.names or HEADLINES
    reports = [report for name in names if (report := _run(name, QUICK if asked.quick else FULL))]
    if not asked.quick:
        _keep(reports)
    print(summary.shown(reports))
    missed = any(not goal.reached for report in reports for goal in report.goals)
    return 1 if len(reports) < len(names) or (asked.strict and missed) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py bench", description="Measure side by side with the limit, in one run."
    )
    parser.add_argument("names", nargs="*", help="which; without a name those with a goal")
    parser.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument("--quick", action="store_true", help="a rough look in a minute or so; nothing is written")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a goal was missed")
    return parser


def _promise(name: str) -> str:
    """The first paragraph of its docstring."""
    file = Path(__file__).parent.joinpath(*name.split(".")).with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return " ".join(text.strip().partition("\n\n")[0].split())


def _run(name: str, pace: Pace) -> Report | None:
    """One benchmark, with a line about it on standard error; None if it failed, which that line says."""
    began = time.monotonic()
    print(f"{name:16} … ", end="", file=sys.stderr, flush=True)
    try:
        report: Report = importlib.import_module(f"benchmarks.{name}").main(pace)
    except Exception as error:
        print(f"failed: {str(error) or type(error).__name__}", file=sys.stderr)
        return None
    reached = sum(goal.reached for goal in report.goals)
    goals = f", {reached} of {len(report.goals)} goals reached" if report.goals else ""
    print(f"{time.monotonic() - began:.0f} s{goals}", file=sys.stderr)
    print(report.text(), flush=True)
    return report


def _keep(reports: Sequence[Report]) -> None:
    for report in reports:
        report.publish()
    summary.keep(reports, ALL)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as after Ctrl-C, so that every process that was started is ended too."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
