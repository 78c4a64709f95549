"""The page about OWASP ASVS has every requirement of its chapters once, and the tests that it names are there."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import pytest

from tests.docs.pages import ROOT

PAGE: Final = (ROOT / "docs" / "reference" / "asvs.md").read_text(encoding="utf-8")
ROWS: Final = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d", line)
]
# How many requirements each section has. OWASP ASVS 5.0.0, chapters V4 (GraphQL alone), V6, V7, V9, V10.
CHAPTERS: Final = {
    4: {3: 2},
    6: {1: 3, 2: 12, 3: 8, 4: 6, 5: 8, 6: 4, 7: 2, 8: 4},
    7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 3, 6: 2},
    9: {1: 3, 2: 4},
    10: {1: 2, 2: 3, 3: 5, 4: 16, 5: 5, 6: 2, 7: 3},
}
WITHOUT_TEST: Final = ("does not apply", "not met")
DOORS: Final = ROOT / "src" / "gatepass"


@cache
def defined_in(name: str) -> frozenset[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^ *(?:async )?def (test_\w+)", text, re.MULTILINE))


def test_every_requirement_is_there_once_and_in_order() -> None:
    numbers = [row[0].split()[0] for row in ROWS]
    assert numbers == [
        f"{chapter}.{section}.{number + 1}"
        for chapter, sections in CHAPTERS.items()
        for section, count in sections.items()
        for number in range(count)
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].split()[0])
def test_each_has_tests_that_there_are_or_a_reason(row: list[str]) -> None:
    requirement, how, shown = row
    assert " " in requirement, "its number, and what it is about"
    assert how, requirement
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown)
    assert (shown in WITHOUT_TEST) != bool(named)
    assert ", ".join(f"`{file}::{test}`" for file, test in named) == shown.removeprefix("met in part: ") or not named
    assert [f"{file}::{test}" for file, test in named if test not in defined_in(file)] == []


def test_the_threat_model_names_every_way_in() -> None:
    """Whatever checks a password or gives tokens: each grant of the token endpoint, each use of CheckCredentials."""
    page = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
    ways = page.partition("## The ways in")[2].partition("\n## ")[0]
    grants = {path.stem for path in (DOORS / "oauth" / "grants").glob("*.py")} - {"__init__", "grant"}
    checking = {
        path.stem
        for path in (DOORS / "usecases").glob("*.py")
        if "CheckCredentials" in path.read_text(encoding="utf-8") and path.stem != "check_credentials"
    }
    assert grants
    assert checking
    assert {name for name in grants | checking if f"`{name}`" not in ways} == set()
