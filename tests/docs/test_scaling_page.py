"""The page about scaling counts with what was measured."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "explanation" / "scaling.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"
ROUNDED = 1.3
"""By what factor a figure may differ: the page rounds, and rounds of a benchmark differ by less."""

# How a row of the page begins → the result's file, how the last row that counts begins there, its column.
MEASURED = {
    "CPU of a refresh": ("sign_in_refresh", "variables", "CPU µs a request"),
    "CPU of a protected query": ("protected_query", "Gatepass", "CPU µs a request"),
    "CPU of a sign-in": ("sign_in", "signIn over HTTP", "CPU ms a hash"),
    "durable rotations per second of SQLite": ("growth", "1,000,000 sessions", "port: rotations/s"),
    "durable rotations per second of PostgreSQL": ("postgres_refresh", "the store's port, 64 waiting", "refreshes/s"),
    "there `pgbench`": ("postgres_refresh", "pgbench, 8 clients", "refreshes/s"),
    "one million sessions and": ("growth", "1,000,000 sessions", "file MB"),
    "one million sessions in PostgreSQL": ("postgres_growth", "1,000,000 sessions", "MB with indexes"),
    "a server process, idle": ("start", "resident, server, MB", "median"),
    "a server process with 100,000": ("live_sessions", "", "MB"),
    "two hash workers": ("start", "resident, all hash workers, MB", "median"),
    "a revoked session": ("fleet", "bytes of a process for each revoked session", "value"),
}


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def said() -> list[list[str]]:
    """The rows of the page's first table, without its head."""
    return rows(PAGE[PAGE.index("| what | figure |") :].partition("\n\n")[0])[2:]


def test_every_figure_has_its_measurement() -> None:
    found = [next((words for words in MEASURED if row[0].startswith(words)), None) for row in said()]
    assert found == list(MEASURED)
    assert all(row[2] == "the same" or "benchmarks/results/" in row[2] for row in said())


@pytest.mark.parametrize("words", MEASURED)
def test_a_figure_is_what_was_measured(words: str) -> None:
    name, row_name, column = MEASURED[words]
    ((_, shown, _),) = [row for row in said() if row[0].startswith(words)]
    head, _, *measured = rows((RESULTS / f"{name}.md").read_text(encoding="utf-8"))
    values = [number(row[head.index(column)]) for row in measured if row[0].startswith(row_name)]
    assert number(shown) / ROUNDED <= values[-1] <= number(shown) * ROUNDED


def test_the_simulation_is_quoted_as_it_ended() -> None:
    """Its delays to two places, in the page's last paragraph."""
    told = re.search(r"after ([\d.]+) s in the median and ([\d.]+) s at the worst", PAGE)
    assert told is not None
    measured = {row[0]: row[1] for row in rows((RESULTS / "fleet.md").read_text(encoding="utf-8"))}
    for shown, name in zip(told.groups(), ("median s", "worst s"), strict=True):
        assert float(shown) == pytest.approx(float(measured[f"last replica knows, poll alone: {name}"]), abs=0.006)


def test_what_growth_costs_is_quoted_as_it_was_measured() -> None:
    """At 5 million of 10 thousand: both ports, and SQLite over HTTP."""
    told = re.search(
        r"fall to ([\d.]+) on\s+PostgreSQL and to ([\d.]+) on SQLite, .*? SQLite to ([\d.]+)", PAGE, re.DOTALL
    )
    assert told is not None
    measured = [
        [float(cell) for name, cell in zip(head, last, strict=True) if name == "of the first"]
        for head, _, *_, last in (
            rows((RESULTS / f"{file}.md").read_text(encoding="utf-8")) for file in ("postgres_growth", "growth")
        )
    ]
    assert [float(shown) for shown in told.groups()] == [measured[0][0], measured[1][1], measured[1][0]]
