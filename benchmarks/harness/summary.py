"""All goals of the last full runs in one table: `benchmarks/results/README.md`, kept as `summary.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness.report import RESULTS, Report, table

COLUMNS = ("benchmark", "goal", "measured", "reach", "")
_HEAD = """# What was measured

Median of the rounds, in brackets between which values they lay. Read ratios; absolute figures belong to the machine.
`python3 run.py bench` measures again.
"""


@dataclass(frozen=True)
class Line:
    """A goal, as it came out."""

    goal: str
    measured: str
    reach: str
    verdict: str


def lines_of(report: Report) -> list[Line]:
    """The goals of a report."""
    return [Line(goal.text, goal.measured, goal.reach, goal.verdict) for goal in report.goals]


def keep(reports: Iterable[Report], order: Iterable[str], folder: Path = RESULTS) -> None:
    """Put the reports in the place of earlier ones of their names; those that were not run now stay."""
    kept = folder / "summary.json"
    known = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    known |= {report.name: [asdict(line) for line in lines_of(report)] for report in reports}
    ordered = {name: known[name] for name in order if known.get(name)}
    kept.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
    rows = [
        (f"[{name}]({name}.md)", line["goal"], line["measured"], line["reach"], line["verdict"])
        for name, lines in ordered.items()
        for line in lines
    ]
    (folder / "README.md").write_text("\n".join([_HEAD, *table(COLUMNS, rows), ""]), "utf-8")


def shown(reports: Iterable[Report]) -> str:
    """The goals of these reports, for the terminal."""
    rows = [
        (report.name, line.goal, line.measured, line.reach, line.verdict)
        for report in reports
        for line in lines_of(report)
    ]
    widths = [max(len(row[number]) for row in [COLUMNS, *rows]) for number in range(len(COLUMNS))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in padded)
