"""The page about OWASP ASVS names tests that there are, and leaves no requirement without a word."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "reference" / "asvs.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d", line)
]
WITHOUT_TEST = ("does not apply", "not met", "not met in full")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_requirement_has_a_test_that_there_is_or_a_reason(row: list[str]) -> None:
    requirement, how, shown = row
    assert how, requirement
    tests = re.findall(r"`(tests/[\w/]+\.py)`", shown)
    assert tests or shown in WITHOUT_TEST
    for name in tests:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "def test_" in text, f"{name} has no test"


def test_no_requirement_is_there_twice_and_they_are_in_order() -> None:
    numbers = [tuple(map(int, re.match(r"[\d.]+", row[0])[0].strip(".").split("."))) for row in ROWS]  # type: ignore[index]
    assert numbers == sorted(set(numbers))


def test_every_chapter_is_there() -> None:
    chapters = {row[0].split(".")[0] for row in ROWS}
    assert chapters == {"4", "6", "7", "9", "10"}
