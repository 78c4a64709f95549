"""`gatepass session`, `gatepass user sign-out` and `gatepass revoke-all`: sign-ins in the store."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatepass.domain.account import email_address
from gatepass.domain.identifiers import Generation, SessionId, uuid7
from gatepass.domain.session import Session, SessionOrigin
from gatepass.usecases.ports import Opened, Store
from tests.cli.conftest import GOOD_PASSWORD, Gatepass
from tests.kit.store_of_run import in_store


def signs_in(folder: Path, email: str, origin: SessionOrigin, ago: timedelta = timedelta()) -> SessionId:
    """A session of an account, from there."""

    async def deed(store: Store) -> SessionId:
        found = await store.accounts.find(email_address(email))
        assert found is not None
        now = datetime.now(UTC) - ago
        session = Session(
            SessionId(uuid7(now, os.urandom(10))), found.account, "gatepass", os.urandom(16), Generation(0), now, now,
            now + timedelta(days=90),
        )  # fmt: skip
        assert await store.sessions.open(session, found.password_hash, origin) == Opened()
        return session.id

    return in_store(folder, deed)


def listed(gatepass: Gatepass, *arguments: str) -> list[dict[str, Any]]:
    found = json.loads(gatepass("session", "list", *arguments, "--json").out)
    assert isinstance(found, list)
    return found


@pytest.fixture
def people(gatepass: Gatepass, initialised: Path) -> Path:
    """The data folder with two accounts."""
    for email in ("ana@example.org", "ben@example.org"):
        assert gatepass("user", "add", email, "--password-stdin", stdin=GOOD_PASSWORD).code == 0
    return initialised


def test_sign_ins_are_listed_newest_first(gatepass: Gatepass, people: Path) -> None:
    """Everybody's, or those of one account."""
    first = signs_in(people, "ana@example.org", SessionOrigin("192.0.2.1", "Browser/1"), timedelta(hours=1))
    second = signs_in(people, "ben@example.org", SessionOrigin())
    assert [(each["id"], each["email"]) for each in listed(gatepass)] == [
        (str(second), "ben@example.org"),
        (str(first), "ana@example.org"),
    ]
    (only,) = listed(gatepass, "ANA@example.org")
    assert (only["id"], only["address"], only["user_agent"]) == (str(first), "192.0.2.1", "Browser/1")
    assert only["created_at"] == only["last_used_at"] < only["ends_at"]
    result = gatepass("session", "list")
    head, *lines = result.out.splitlines()
    assert head.split() == ["ID", "EMAIL", "CREATED", "LAST", "USED", "CLIENT", "ADDRESS", "USER", "AGENT"]
    assert lines[0].startswith(str(second))
    assert lines[0].endswith("gatepass  -          -")
    assert lines[1].endswith("gatepass  192.0.2.1  Browser/1")


def test_nothing_is_listed_of_what_is_over(gatepass: Gatepass, people: Path) -> None:
    """Idle for too long, or ended."""
    signs_in(people, "ana@example.org", SessionOrigin(), timedelta(days=15))
    session = signs_in(people, "ana@example.org", SessionOrigin())
    assert gatepass("session", "revoke", session).err == f"ended {session}\n"
    assert listed(gatepass) == []
    assert len(gatepass("session", "list").out.splitlines()) == 1


def test_a_user_agent_cannot_move_the_cursor(gatepass: Gatepass, people: Path) -> None:
    """It is whatever a client sent; the store may have come from elsewhere."""
    signs_in(people, "ana@example.org", SessionOrigin("192.0.2.1", "\x1b[2JBrowser\n\u202e1"))
    out = gatepass("session", "list").out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_what_is_not_there_cannot_be_ended(gatepass: Gatepass, people: Path) -> None:
    """One line that says how to mend it."""
    result = gatepass("session", "revoke", "0198c0de-0000-7000-8000-000000000000")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "see 'gatepass session list'" in result.err
    assert gatepass("session", "revoke", "all").code == 2
    assert "There is no account eve@example.org." in gatepass("session", "list", "eve@example.org").err
    assert "There is no account eve@example.org." in gatepass("user", "sign-out", "eve@example.org").err


def test_an_account_is_signed_out_and_stays_enabled(gatepass: Gatepass, people: Path) -> None:
    """And nobody else is."""
    for _ in range(2):
        signs_in(people, "ana@example.org", SessionOrigin())
    kept = signs_in(people, "ben@example.org", SessionOrigin())
    assert gatepass("user", "sign-out", "ana@example.org").err == "ended 2 sign-ins of ana@example.org\n"
    assert gatepass("user", "sign-out", "ana@example.org").err == "ended 0 sign-ins of ana@example.org\n"
    assert [each["id"] for each in listed(gatepass)] == [str(kept)]
    signs_in(people, "ana@example.org", SessionOrigin())


def test_everybody_is_signed_out_after_a_question(gatepass: Gatepass, people: Path) -> None:
    """Without a terminal to ask on, only with --yes."""
    for email in ("ana@example.org", "ana@example.org", "ben@example.org"):
        signs_in(people, email, SessionOrigin())
    result = gatepass("revoke-all")
    assert (result.code, "use --yes" in result.err) == (2, True)
    assert len(listed(gatepass)) == 3
    assert gatepass("revoke-all", "--yes").err == "ended 3 sign-ins of 2 accounts\n"
    assert listed(gatepass) == []
    assert gatepass("revoke-all", "--yes").err == "ended 0 sign-ins of 0 accounts\n"
