"""The generated reference is what the code says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatepass.cli.reference import pages, renew

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", pages())
def test_the_page_is_up_to_date(name: str) -> None:
    """So that a change of a command or a setting shows in review; `python -m gatepass.cli.reference` renews it."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages()[name]


def test_the_pages_do_not_depend_on_where_they_are_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Width of the terminal, settings of the machine."""
    before = pages()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("GATEPASS_PORT", "1")
    monkeypatch.setenv("HOME", "/home/somebody")
    renew(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
