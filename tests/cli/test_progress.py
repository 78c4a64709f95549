"""Word of what takes more than a second: on a terminal only, and gone at the end."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from contextlib import redirect_stderr

import pytest

from gatepass.cli import progress
from gatepass.cli.progress import Progress
from gatepass.cli.terminal import complain, say


def left_on_the_line(written: str) -> str:
    """What a reader sees at the end, after carriage returns."""
    line = ""
    for part in written.rpartition("\n")[2].split("\r"):
        line = part + line[len(part) :]
    return line


def waits_for(text: str, terminal: io.StringIO) -> None:
    """(Looking into `capsys` while a thread writes loses what it writes then.)"""
    deadline = time.monotonic() + 10
    while text not in terminal.getvalue():
        assert time.monotonic() < deadline, terminal.getvalue()
        time.sleep(0.001)


def test_nothing_is_said_of_what_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    """Within a second nobody wonders."""
    with Progress("waiting", is_shown=True):
        pass
    assert capsys.readouterr().err == ""


def test_nothing_is_said_where_nobody_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log of cron is no terminal."""
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.0)
    with Progress("waiting") as word:
        word.now("more")
    assert capsys.readouterr().err == ""


def test_the_line_is_written_over_and_then_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter text leaves nothing of a longer one; what is said in between stays; no colour, no escape sequence."""
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(progress, "NEXT_SECONDS", 0.001)
    with redirect_stderr(io.StringIO()) as terminal, Progress("a rather long text", is_shown=True) as word:
        waits_for("long", terminal)
        word.now("short\x1b[2J")
        waits_for("short", terminal)
        say("this stays")
    seen = terminal.getvalue()
    assert re.search(r"\rshort\\x1b\[2J \(\d+ s\) +\r", seen)
    assert "this stays\n" in seen
    assert "\x1b" not in seen
    assert left_on_the_line(seen).strip() == ""


@pytest.mark.parametrize("tell", [say, complain])
def test_what_is_said_meanwhile_begins_a_line_of_its_own(
    tell: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error behind the line would be read as a part of it."""
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.001)
    with redirect_stderr(io.StringIO()) as terminal, Progress("waiting", is_shown=True):
        waits_for("waiting", terminal)
        tell("no such column")
    before, _, _ = terminal.getvalue().partition("no such column")
    assert left_on_the_line(before).removeprefix("gatepass: ").strip() == "", before


def test_a_line_that_was_stopped_comes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data follows, on the same terminal."""
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(progress, "NEXT_SECONDS", 0.001)
    with redirect_stderr(io.StringIO()) as terminal, Progress("waiting", is_shown=True) as word:
        waits_for("waiting", terminal)
        word.stop()
        written = terminal.getvalue()
        assert left_on_the_line(written).strip() == ""
        time.sleep(0.01)
        assert terminal.getvalue() == written
