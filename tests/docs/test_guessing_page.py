"""The page about guessing says what the code does."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from gatepass.settings.attempts import attempt_limits
from gatepass.settings.model import KEYS, Settings
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "how-to" / "guessing.md").read_text(encoding="utf-8")
DAY = 86_400


def test_the_page_has_every_number_with_its_default() -> None:
    said = dict(re.findall(r"^\| `(throttle_\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert said == {key.name: str(default_of(key)) for key in KEYS if key.name.startswith("throttle_")}


def test_the_page_says_how_long_each_failure_waits() -> None:
    heads, seconds = (
        [cell.strip() for cell in line.strip("|").split("|")][1:]
        for line in PAGE.splitlines()
        if line.startswith(("| failure |", "| seconds |"))
    )
    delays = attempt_limits(Settings(secret_key=None)).delays
    for head, said in zip(heads, seconds, strict=True):
        first, last = (re.findall(r"\d+", head) * 2)[:2]
        assert {delays.after(failures) for failures in (int(first), int(last))} == {timedelta(seconds=int(said))}
    assert delays.after(10_000) == timedelta(seconds=int(seconds[-1]))


def test_the_page_says_how_many_guesses_strangers_get() -> None:
    said = re.search(r"get (\d+) guesses in the first hour.* (\d+) a\s+day", PAGE, re.DOTALL)
    assert said is not None
    delays = attempt_limits(Settings(secret_key=None)).delays
    count, at = 0, 0.0
    while at <= DAY / 24:
        count += 1
        at += delays.after(count).total_seconds()
    assert said.groups() == (str(count), str(DAY // int(delays.longest.total_seconds())))


def default_of(key: Any) -> object:
    return key.key.kind.plain(key.default)
