"""What a benchmark found: a table for people, its goals, and a picture, written to `benchmarks/results/`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.figures import Figure
from benchmarks.harness.machine import description
from benchmarks.harness.picture import Bar, Mark, picture

RESULTS = Path(__file__).resolve().parents[1] / "results"


@dataclass(frozen=True)
class Goal:
    """A figure and the bound it must keep. `at_most` says on which side of `bound` it has to stay."""

    text: str
    figure: Figure
    bound: float
    at_most: bool
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether the bound is kept."""
        value = self.figure.value
        return math.isfinite(value) and (value <= self.bound if self.at_most else value >= self.bound)

    @property
    def reach(self) -> str:
        """The bound, as it is written."""
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}{self.unit}"

    @property
    def measured(self) -> str:
        """The median, and between which values the rounds lay."""
        value, least, most = (f"{v:.2f}" for v in (self.figure.value, self.figure.least, self.figure.most))
        return f"{value}{self.unit}" if least == most else f"{value}{self.unit} ({least} to {most})"

    @property
    def verdict(self) -> str:
        """One word."""
        return "reached" if self.reached else "MISSED"

    def __str__(self) -> str:
        return f"{self.text}: {self.measured}, reach {self.reach}: {self.verdict}"


@dataclass(frozen=True)
class Report:
    """
    One benchmark's figures.

    Args:
        setting: what ran where, in sentences.
        columns, rows: of the table.
        bars: of the picture, in `unit`; `mark` is a line across them.
    """

    name: str
    title: str
    setting: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    goals: Sequence[Goal] = ()
    bars: Sequence[Bar] = ()
    mark: Mark | None = None
    unit: str = ""

    def text(self) -> str:
        """Everything as Markdown."""
        lines = [
            f"# {self.title}",
            "",
            self.setting,
            "",
            *table(self.columns, self.rows),
            "",
            *(f"- {goal}" for goal in self.goals),
            *([""] if self.goals else []),
            *([f"![{self.title}]({self.name}.svg)", ""] if self.bars else []),
            f"Medians of the rounds, in brackets between which values they lay. {description()}.",
        ]
        return "\n".join(lines) + "\n"

    def publish(self, folder: Path = RESULTS) -> None:
        """Write `<name>.md` and, where there are bars, `<name>.svg`."""
        folder.mkdir(exist_ok=True)
        (folder / f"{self.name}.md").write_text(self.text(), "utf-8")
        if self.bars:
            (folder / f"{self.name}.svg").write_text(picture(self.title, self.bars, self.unit, self.mark), "utf-8")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; all columns but the first to the right."""
    rule = ["---", *("---:" for _ in columns[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows)]
