"""`gatepass audit`: what operators read, export and verify."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatepass.domain.audit import AuditEvent, Deed, Reason, Result
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.session import SessionOrigin
from gatepass.usecases.ports import Store
from tests.cli.conftest import GOOD_PASSWORD, Gatepass
from tests.kit.store_of_run import execute, in_store

NOW = datetime.now(UTC).replace(microsecond=0)
HOSTILE = SessionOrigin("192.0.2.1", '=cmd|"/c calc"!A1 \x1b[2J\u202e')


def records(folder: Path, *events: AuditEvent) -> None:
    """Entries as a server beside the command makes them."""

    async def deed(store: Store) -> None:
        for event in events:
            await store.audit.record(event)

    in_store(folder, deed)


def listed(gatepass: Gatepass, *arguments: str) -> list[dict[str, Any]]:
    result = gatepass("audit", "list", "--json", *arguments)
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert isinstance(found, list)
    return found


@pytest.fixture
def people(gatepass: Gatepass, initialised: Path) -> Path:
    """The data folder with one account, whose adding is the first entry."""
    options = ("--scope", "read", "--password-stdin")
    assert gatepass("user", "add", "ana@example.org", *options, stdin=GOOD_PASSWORD).code == 0
    return initialised


def test_what_operators_do_is_noted_with_who_they_are(gatepass: Gatepass, people: Path) -> None:
    """Each command that changes something, and none that only looks."""
    gatepass("user", "list")
    gatepass("user", "passwd", "ana@example.org", "--password-stdin", stdin="another good password")
    gatepass("user", "disable", "ana@example.org")
    gatepass("user", "enable", "ana@example.org")
    gatepass("user", "sign-out", "ana@example.org")
    gatepass("session", "list")
    gatepass("revoke-all", "--yes")
    gatepass("user", "remove", "ana@example.org", "--yes")
    found = listed(gatepass)
    assert [each["event"] for each in found] == [
        "account_added",
        "password_changed",
        "account_disabled",
        "account_enabled",
        "sign_out_everywhere",
        "account_removed",
    ]
    everybody = found.pop(4)
    assert (everybody["email"], everybody["detail"]) == (None, "everybody: sessions ended: 0")
    assert {(each["email"], each["door"]) for each in found} == {("ana@example.org", "command_line")}
    assert {each["operator"] for each in found} == {found[0]["operator"]} != {None}
    assert found[0]["detail"] == "scopes: read"
    assert found[0]["time"].endswith("+00:00")


def test_a_command_that_fails_is_not_noted(gatepass: Gatepass, people: Path) -> None:
    """Nothing was done."""
    gatepass("user", "add", "ana@example.org", "--password-stdin", stdin=GOOD_PASSWORD)
    gatepass("user", "disable", "eve@example.org")
    gatepass("session", "revoke", "0198c0de-0000-7000-8000-000000000000")
    assert [each["event"] for each in listed(gatepass)] == ["account_added"]


def test_entries_can_be_narrowed(gatepass: Gatepass, people: Path) -> None:
    """By time, by account and by kind; a removed account is known by the address that it had."""
    account = listed(gatepass)[0]["account"]
    old = AuditEvent(
        Deed.SIGN_IN, NOW - timedelta(days=3), Occasion(Door.GRAPHQL), Result.REFUSED, Reason.UNKNOWN_ACCOUNT
    )
    records(people, old, AuditEvent(Deed.SIGN_IN, NOW, Occasion(Door.GRAPHQL)))
    gatepass("user", "remove", "ana@example.org", "--yes")

    def numbers(*arguments: str) -> list[int]:
        return [each["number"] for each in listed(gatepass, *arguments)]

    assert numbers() == [1, 2, 3, 4]
    assert numbers("--limit", "2") == [3, 4]
    assert numbers("--event", "sign_in") == [2, 3]
    assert numbers("--since", "1d") == [1, 3, 4]
    assert numbers("--since", f"{NOW - timedelta(days=4):%Y-%m-%d}") == [1, 2, 3, 4]
    assert numbers("--account", "ANA@example.org") == numbers("--account", account) == [1, 4]
    assert numbers("--account", "ana@example.org", "--event", "sign_in") == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--since", "yesterday"), 2, "how long ago"),
        (("--event", "login"), 2, "the events are: sign_in,"),
        (("--limit", "0"), 2, "0"),
        (("--account", "eve@example.org"), 1, "There is no account eve@example.org, and the audit log has none of it."),
        (("--account", "eve"), 1, "That is not an e-mail address"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    gatepass: Gatepass, people: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """In one line that says how to mend it."""
    result = gatepass("audit", "list", *arguments)
    assert (result.code, result.out) == (code, "")
    assert words in result.err


def test_the_table_is_for_people(gatepass: Gatepass, people: Path) -> None:
    """Who, what, when, from where, how it ended and why."""
    event = AuditEvent(Deed.SIGN_IN, NOW, Occasion(Door.GRAPHQL, HOSTILE), Result.REFUSED, Reason.UNKNOWN_ACCOUNT)
    records(people, event)
    head, first, second = gatepass("audit", "list").out.splitlines()
    assert head.split() == ["NUMBER", "TIME", "EVENT", "RESULT", "ACCOUNT", "BY", "FROM", "MORE"]
    assert "account_added" in first
    assert "ana@example.org" in first
    assert second.split()[3:] == ["sign_in", "refused", "-", "graphql", "192.0.2.1", "unknown_account"]


def test_exports_hold_everything_and_nothing_that_breaks_out(gatepass: Gatepass, people: Path) -> None:
    """JSON in ASCII, CSV without formulas; both with the digests of the chain."""
    records(people, AuditEvent(Deed.SIGN_IN, NOW, Occasion(Door.GRAPHQL, HOSTILE, "request-0001")))
    result = gatepass("audit", "export")
    assert result.err == "exported 2 entries\n"
    assert result.out.isascii()
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert lines == listed(gatepass)
    assert lines[1]["user_agent"] == HOSTILE.user_agent
    assert all(len(bytes.fromhex(line["digest"])) == 32 for line in lines)
    out = gatepass("audit", "export", "--format", "csv", "--event", "sign_in").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    head, row = list(csv.reader(io.StringIO(out)))
    assert head == list(lines[1])
    assert row[head.index("user_agent")].startswith("'=cmd|")
    assert row[head.index("request_id")] == "request-0001"


def test_an_export_of_nothing_is_empty(gatepass: Gatepass, people: Path) -> None:
    """Not even a head line."""
    result = gatepass("audit", "export", "--format", "csv", "--event", "code_reused")
    assert (result.out, result.err) == ("", "exported 0 entries\n")


def test_a_whole_log_is_verified_and_can_be_compared_later(gatepass: Gatepass, people: Path) -> None:
    """The last entry goes to standard output, to be kept elsewhere."""
    result = gatepass("audit", "verify")
    assert result.err == "the audit log is whole: 1 entries, not sealed yet\n"
    noted = result.out.strip()
    whole = {"is_whole": True, "entries": 1, "findings": [], "sealed_up_to": None, "end": noted}
    assert json.loads(gatepass("audit", "verify", "--json").out) == whole
    gatepass("user", "disable", "ana@example.org")
    assert gatepass("audit", "verify", "--expect", noted).code == 0
    refused = gatepass("audit", "verify", "--expect", "9:" + noted.partition(":")[2])
    assert (refused.code, "before the one expected" in refused.err) == (1, True)
    assert "NUMBER:DIGEST" in gatepass("audit", "verify", "--expect", "9").err


def test_a_forged_log_is_found_out(gatepass: Gatepass, people: Path) -> None:
    """Exit code 1, each finding in a line."""
    gatepass("user", "disable", "ana@example.org")
    execute(people, "UPDATE audit_entries SET operator = 'nobody' WHERE number = 1")
    result = gatepass("audit", "verify")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [
        "entry 1 was changed, or moved, or the one before it was",
        "gatepass: the audit log is not whole: findings: 1",
    ]
    told = gatepass("audit", "verify", "--json")
    assert (told.code, json.loads(told.out)["is_whole"]) == (1, False)
    assert json.loads(told.out)["findings"] == result.err.splitlines()[:1]


def test_an_operator_seals_the_log_anew(gatepass: Gatepass, people: Path) -> None:
    """After a question, and it is noted."""
    assert gatepass("audit", "seal-anew").code == 2
    assert gatepass("audit", "seal-anew", "--yes").code == 0
    assert listed(gatepass)[-1]["event"] == "audit_sealed_anew"
    assert "sealed up to entry 1" in gatepass("audit", "verify").err


def test_tail_shows_what_comes(gatepass: Gatepass, people: Path) -> None:
    """Within a second, until Ctrl-C."""
    command = [sys.executable, "-m", "gatepass.cli", "audit", "tail", "--json", "-n", "1"]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "account_added"
        gatepass("user", "disable", "ana@example.org")
        started = time.monotonic()
        assert json.loads(process.stdout.readline())["event"] == "account_disabled"
        assert time.monotonic() - started < 10
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
