"""`gatepass user`: accounts in the store."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gatepass.domain.account import EmailAddress
from tests.cli.conftest import GOOD_PASSWORD, Gatepass
from tests.kit.store_of_run import in_store


def listed(gatepass: Gatepass) -> list[dict[str, Any]]:
    found = json.loads(gatepass("user", "list", "--json").out)
    assert isinstance(found, list)
    return found


def stored_hash(folder: Path) -> str:
    found = in_store(folder, lambda store: store.accounts.find(EmailAddress("ana@example.org")))
    assert found is not None
    assert found.password_hash is not None
    return found.password_hash.reveal()


# -- add --------------------------------------------------------------------------------------------------------------


def test_an_account_is_added_with_its_scopes(gatepass: Gatepass, initialised: Path) -> None:
    """The address in its one spelling, the scopes sorted and each once; a message, no data."""
    options = ("--scope", "write", "--scope", "read", "--scope", "read", "--password-stdin")
    result = gatepass("user", "add", " Ana@Example.ORG", *options, stdin=GOOD_PASSWORD + "\n")
    assert (result.code, result.out) == (0, "")
    assert result.err == "added ana@example.org (scopes: read write)\n"
    (account,) = listed(gatepass)
    assert (account["email"], account["scopes"], account["enabled"]) == ("ana@example.org", ["read", "write"], True)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_closing_line_break_is_not_part_of_the_password(gatepass: Gatepass, initialised: Path, end: str) -> None:
    """Echo adds one. A second one is, and is refused as a control character."""
    added = gatepass("user", "add", "ana@example.org", "--password-stdin", stdin=GOOD_PASSWORD + end)
    assert added.code == 0
    refused = gatepass("user", "add", "ben@example.org", "--password-stdin", stdin=GOOD_PASSWORD + "\n\n")
    assert "control characters" in refused.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (("not an address",), GOOD_PASSWORD, "That is not an e-mail address"),
        (("ana@example.org", "--scope", "two words"), GOOD_PASSWORD, "is not a scope"),
        (("ana@example.org",), "short", "The password is too short"),
        (("ana@example.org",), "", "The password is too short"),
        (("ana@example.org",), "x" * 1025, "The password is too long"),
        (("ana@example.org",), "x" * 100_000, "too long to be a password"),
        (("ana@example.org",), b"\xff" * 20, "not text in UTF-8"),
        (("ana@example.org",), "password1234", "first that attackers try"),
        (("ana-maria@example.org",), "ana-maria@example.org", "contains the account's own name"),
    ],
)
def test_what_cannot_be_added_is_refused_in_one_line(
    gatepass: Gatepass, initialised: Path, arguments: tuple[str, ...], stdin: str | bytes, message: str
) -> None:
    """Exit code 1, the reason, and nothing was written."""
    result = gatepass("user", "add", *arguments, "--password-stdin", stdin=stdin)
    assert result.code == 1
    assert result.err.startswith("gatepass: ")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert listed(gatepass) == []


def test_a_taken_address_is_refused_before_a_password_is_asked_for(gatepass: Gatepass, with_ana: str) -> None:
    """And the account stays as it was."""
    before = listed(gatepass)
    result = gatepass("user", "add", with_ana.upper())
    assert (result.code, result.err) == (1, "gatepass: There is an account ana@example.org already.\n")
    assert listed(gatepass) == before


def test_without_a_terminal_the_password_must_come_from_standard_input(gatepass: Gatepass, initialised: Path) -> None:
    """Exit code 2, and the flag that does it."""
    result = gatepass("user", "add", "ana@example.org", stdin=GOOD_PASSWORD)
    assert result.code == 2
    assert "use --password-stdin" in result.err
    assert listed(gatepass) == []


def test_a_password_is_no_argument(gatepass: Gatepass, initialised: Path) -> None:
    """Arguments can be read by everybody on the machine."""
    assert gatepass("user", "add", "ana@example.org", "--password", GOOD_PASSWORD).code == 2
    assert gatepass("user", "add", "ana@example.org", GOOD_PASSWORD).code == 2
    assert listed(gatepass) == []


def test_without_a_store_init_is_advised(gatepass: Gatepass, folder: Path) -> None:
    """And none is made by the way."""
    for command in (
        ("add", "ana@example.org"),
        ("list",),
        ("disable", "x@y.z"),
        ("passwd", "x@y.z"),
        ("remove", "x@y.z"),
    ):
        result = gatepass("user", *command)
        assert result.code == 1
        assert "run 'gatepass init'" in result.err
    assert not folder.exists()


# -- on a terminal ----------------------------------------------------------------------------------------------------


class Terminal:
    """A command on a pseudo-terminal, and somebody who types."""

    def __init__(self, *arguments: str) -> None:
        self._mine, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gatepass.cli", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.screen = ""

    def types_after(self, prompt: str, text: str) -> None:
        """Wait for a new prompt, then type a line."""
        seen = len(self.screen)
        while prompt not in self.screen[seen:]:
            self.screen += self._reads()
        time.sleep(0.05)  # the prompt is there before echoing is off
        os.write(self._mine, text.encode() + b"\n")

    def ends(self) -> int:
        while True:
            try:
                self.screen += self._reads()
            except OSError:
                break
        os.close(self._mine)
        return self._process.wait(10)

    def _reads(self) -> str:
        ready, _, _ = select.select([self._mine], [], [], 30)
        assert ready, f"it says nothing more: {self.screen!r}"
        return os.read(self._mine, 4096).decode()


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(gatepass: Gatepass, initialised: Path) -> None:
    """Typing errors and shoulders."""
    terminal = Terminal("user", "add", "ana@example.org")
    terminal.types_after("Password: ", GOOD_PASSWORD)
    terminal.types_after("Once more: ", GOOD_PASSWORD)
    assert terminal.ends() == 0
    assert "added ana@example.org" in terminal.screen
    assert GOOD_PASSWORD not in terminal.screen
    assert len(listed(gatepass)) == 1


def test_on_a_terminal_a_refused_password_is_asked_for_again(gatepass: Gatepass, initialised: Path) -> None:
    """With the reason; also when the two differ."""
    terminal = Terminal("user", "add", "ana@example.org")
    for text in ("short", "short"):
        terminal.types_after(": ", text)
    terminal.types_after("too short", "")
    terminal.types_after(": ", GOOD_PASSWORD)
    terminal.types_after("Once more: ", "another-one-entirely")
    terminal.types_after("Password: ", GOOD_PASSWORD)
    terminal.types_after("Once more: ", GOOD_PASSWORD)
    assert terminal.ends() == 0
    assert len(listed(gatepass)) == 1


def test_remove_asks_on_a_terminal(gatepass: Gatepass, with_ana: str) -> None:
    """No is the default."""
    terminal = Terminal("user", "remove", with_ana)
    terminal.types_after("Remove ana@example.org for good? [y/N]: ", "")
    assert terminal.ends() == 1
    assert "nothing was done" in terminal.screen
    assert len(listed(gatepass)) == 1
    terminal = Terminal("user", "remove", with_ana)
    terminal.types_after("Remove ana@example.org for good? [y/N]: ", "y")
    assert terminal.ends() == 0
    assert listed(gatepass) == []


def test_a_prompt_that_is_interrupted_changes_nothing(gatepass: Gatepass, initialised: Path) -> None:
    """Exit code 130, no stack trace."""
    terminal = Terminal("user", "add", "ana@example.org")
    terminal.types_after("Password: ", "\x03")
    time.sleep(0.1)
    terminal._process.send_signal(2)
    assert terminal.ends() == 130
    assert "Traceback" not in terminal.screen
    assert listed(gatepass) == []


# -- the others -------------------------------------------------------------------------------------------------------


def test_accounts_are_listed_for_people_and_for_programs(gatepass: Gatepass, with_ana: str) -> None:
    """A table, or JSON; data on standard output."""
    gatepass("user", "add", "zoë@example.org", "--password-stdin", stdin=GOOD_PASSWORD)
    gatepass("user", "disable", with_ana)
    result = gatepass("user", "list")
    assert result.code == 0
    assert result.out.splitlines()[0].split() == ["EMAIL", "STATE", "CREATED", "SCOPES"]
    assert "ana@example.org  disabled" in result.out
    assert "zoë@example.org  enabled " in result.out
    first, second = listed(gatepass)
    assert set(first) == {"id", "email", "scopes", "enabled", "created_at", "disabled_at"}
    assert first["disabled_at"].endswith("+00:00")
    assert second["email"] == "zoë@example.org"


def test_an_empty_store_lists_nothing(gatepass: Gatepass, initialised: Path) -> None:
    """A fresh store has no account."""
    assert listed(gatepass) == []


def test_more_than_a_page_of_accounts_is_listed(
    gatepass: Gatepass, initialised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page, in order, each once."""
    monkeypatch.setattr("gatepass.cli.accounts.PAGE", 2)
    for name in "edcba":
        gatepass("user", "add", f"{name}@example.org", "--password-stdin", stdin=GOOD_PASSWORD)
    assert [account["email"][0] for account in listed(gatepass)] == list("abcde")


def test_an_account_is_disabled_and_enabled(gatepass: Gatepass, with_ana: str) -> None:
    """Both may be said again."""
    for command, enabled in (("disable", False), ("disable", False), ("enable", True), ("enable", True)):
        assert gatepass("user", command, with_ana).code == 0
        assert listed(gatepass)[0]["enabled"] is enabled


def test_a_password_is_changed(gatepass: Gatepass, with_ana: str, initialised: Path) -> None:
    """The stored hash is another; a refused one leaves it."""
    before = stored_hash(initialised)
    assert gatepass("user", "passwd", with_ana, "--password-stdin", stdin="short").code == 1
    assert stored_hash(initialised) == before
    result = gatepass("user", "passwd", with_ana, "--password-stdin", stdin="another-lantern-quiet-harbour")
    assert (result.code, result.err) == (0, "changed the password of ana@example.org; all its sign-ins have ended\n")
    assert stored_hash(initialised) != before


def test_remove_needs_a_yes_without_a_terminal(gatepass: Gatepass, with_ana: str) -> None:
    """A script says so itself."""
    result = gatepass("user", "remove", with_ana, stdin="y\n")
    assert result.code == 2
    assert "use --yes" in result.err
    assert len(listed(gatepass)) == 1
    assert gatepass("user", "remove", with_ana, "--yes").code == 0
    assert listed(gatepass) == []


@pytest.mark.parametrize("command", [("disable",), ("enable",), ("remove", "--yes"), ("passwd", "--password-stdin")])
def test_an_unknown_account_is_said(gatepass: Gatepass, with_ana: str, command: tuple[str, ...]) -> None:
    """Operators may know who exists."""
    result = gatepass("user", *command, "nobody@example.org", stdin=GOOD_PASSWORD)
    assert (result.code, result.err) == (1, "gatepass: There is no account nobody@example.org.\n")


@pytest.mark.parametrize("character", ["\u202e", "\x1b[2J", "\u200b"])
def test_an_address_cannot_move_the_cursor(gatepass: Gatepass, initialised: Path, character: str) -> None:
    """Characters that a terminal obeys, or nobody sees, are in no address, and are not shown."""
    address = f"a{character}b@example.org"
    result = gatepass("user", "add", address, "--password-stdin", stdin=GOOD_PASSWORD)
    assert (result.code, gatepass("user", "list", "--json").out) == (1, "[]\n")
    assert character not in result.err
    assert character not in gatepass("user", "disable", address).err
