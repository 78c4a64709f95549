"""
Every command for API users on a server that is not ours, whose tokens expire there without warning.

What the server says is HTTP 200 with an error, 401 or 403; it gives no `expiresIn`, and it knows no `signOut`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepass.cli import progress
from tests.cli.conftest import Gatepass, Result
from tests.kit.event_server import EXPIRED_AS, EventServer, foreign_server
from tests.kit.plain_server import COMPANIES, EMAIL, PASSWORD

PAGES = """query ($after: String) {
  companies(first: 50, after: $after) { items { company_number } pageInfo { hasNextPage endCursor } }
}"""


@pytest.fixture(scope="module", params=EXPIRED_AS)
def running(request: pytest.FixtureRequest) -> Iterator[EventServer]:
    with foreign_server(request.param) as server:
        yield server


@pytest.fixture
def server(running: EventServer, gatepass: Gatepass, state: Path) -> EventServer:
    """Signed in, and the token is no good any more."""
    running.plain.counts.clear()
    running.has_websocket = running.plain.allows_introspection = True
    signed = gatepass("login", running.address, "-u", EMAIL, "--password-stdin", stdin=PASSWORD)
    assert signed.code == 0, signed.err
    running.plain.expire_access_tokens()
    return running


def renewed(server: EventServer, result: Result, times: int = 1) -> str:
    assert (result.code, server.plain.counts["signInRefresh"], server.plain.counts["reused"]) == (0, times, 0), result
    return result.out


def test_a_subscription(gatepass: Gatepass, server: EventServer) -> None:
    """Over a WebSocket, and as an event stream."""
    asked = "subscription { count(to: 2) }"
    assert renewed(server, gatepass("subscribe", "-", stdin=asked)) == '{"count": 1}\n{"count": 2}\n'
    server.plain.expire_access_tokens()
    server.has_websocket = False
    assert renewed(server, gatepass("subscribe", "-", stdin=asked), 2) == '{"count": 1}\n{"count": 2}\n'


def test_who_waits_for_events_at_a_terminal_is_told(
    gatepass: Gatepass, server: EventServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the first: then the events are word enough."""
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = gatepass("subscribe", "-", stdin="subscription { count(to: 2) }")
    assert (told.code, told.out) == (0, '{"count": 1}\n{"count": 2}\n')
    assert told.err.startswith("\rwaiting for 127.0.0.1:")
    assert told.err.endswith("\r")


def test_an_export_in_which_the_token_expires(
    gatepass: Gatepass, server: EventServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two pages: every row is there once."""
    answers, plain = server.plain.answers, server.plain

    def expiring(body: Any, authorization: str | None) -> tuple[int, dict[str, Any]]:
        if plain.counts["queries"] == 2 and plain.counts["signInRefresh"] == 1:
            plain.expire_access_tokens()
        return answers(body, authorization)

    monkeypatch.setattr(plain, "answers", expiring)
    target = tmp_path / "companies.csv"
    renewed(server, gatepass("query", "-", "--all", "-o", "csv", "--to", target, stdin=PAGES), 2)
    assert target.read_text().split() == ["company_number", *(f"PL{n:06}" for n in range(1, COMPANIES + 1))]


def test_the_schema_of_a_server_that_shows_it_to_callers_alone(gatepass: Gatepass, server: EventServer) -> None:
    """As a JSON answer, and in the schema language."""
    server.plain.allows_introspection = False
    assert "type Company {" in renewed(server, gatepass("schema", "--sdl"))
    assert '"__schema"' in gatepass("schema").out


def test_what_asks_no_server_shows_what_is_kept(gatepass: Gatepass, server: EventServer) -> None:
    """An opaque token says nothing; nobody can know that it has expired."""
    token = gatepass("token").out.strip()
    assert gatepass("header").out == f"Authorization: Bearer {token}\n"
    assert EMAIL in gatepass("whoami").out
    assert '"claims": null' in gatepass("whoami", "--json").out
    assert '"is_renewable": true' in gatepass("status", "--json").out
    assert server.plain.counts["signInRefresh"] == 0
    longer = gatepass("token", "--min-ttl", "2h").out.strip()
    assert longer == token  # an hour, where nobody says how long: it has more than a fifth of its life to go


def test_signing_out_there(gatepass: Gatepass, server: EventServer) -> None:
    """It is forgotten here, and said that it lives on there."""
    result = gatepass("logout")
    assert result.code == 0
    assert "the API knows no signOut" in result.err
    assert gatepass("token").code == 4


def test_there_is_no_device_sign_in(gatepass: Gatepass, server: EventServer) -> None:
    """Which is said, with the other way."""
    result = gatepass("login", server.address, "--device")
    assert (result.code, result.out) == (1, "")
    assert "has no device sign-in. Sign in with a password instead." in result.err
