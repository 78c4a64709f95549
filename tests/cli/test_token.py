"""`token` and `header`: a valid token, quickly, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatepass.cli.token import Duration
from tests.cli.conftest import Gatepass
from tests.kit.plain_server import EMAIL, PlainServer
from tests.kit.processes import COMMAND


def test_a_token_is_all_that_is_printed(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """The same as long as it is good."""
    result = gatepass("token")
    assert (result.code, result.err) == (0, "")
    assert gatepass("token").out == result.out
    assert gatepass("header").out == f"Authorization: Bearer {result.out}"
    assert result.out.count("\n") == 1


def test_programs_are_told_how_long_it_is_good_for(
    gatepass: Gatepass, signed_in: PlainServer, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an answer of OAuth 2 tells it; kept, renewed, and of the environment, where nobody knows."""
    access = gatepass("token").out.strip()
    kept = json.loads(gatepass("token", "--json").out)
    assert {**kept, "expires_in": 0} == {"access_token": access, "token_type": "Bearer", "expires_in": 0}
    assert 3500 < kept["expires_in"] <= 3600
    assert json.loads(gatepass("header", "--json").out) == {"Authorization": f"Bearer {access}"}
    aged(state, 3550)
    renewed = json.loads(gatepass("token", "--json").out)
    assert renewed["access_token"] != access
    assert 3500 < renewed["expires_in"] <= 3600
    monkeypatch.setenv("GATEPASS_TOKEN", "given")
    assert json.loads(gatepass("token", "--json").out)["expires_in"] is None


def test_a_cached_token_needs_click_and_the_stored_sign_in_alone(signed_in: PlainServer) -> None:
    """Neither an HTTP client, nor TLS, nor asyncio is imported: it is printed within 150 ms."""
    code = "import sys; from gatepass.cli.command import run; run(['token']); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ended.stderr.split()
    assert len(ended.stdout.split()) == 1
    others = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert {name for name in others if not name.startswith("_")} <= {"click", "gatepass"}
    assert not {"ssl", "socket", "asyncio", "http.client", "gatepass.client.client", "sqlite3"} & set(loaded)


def aged(state: Path, seconds: float) -> None:
    """The sign-in that is kept, as if that time had passed."""
    (kept,) = [path for path in state.rglob("*") if path.is_file() and EMAIL in path.read_text()]
    fields = json.loads(kept.read_text())
    fields |= {name: fields[name] - seconds for name in ("obtained_at", "expires_at")}
    kept.write_text(json.dumps(fields))


def test_a_token_is_renewed_before_it_ends(gatepass: Gatepass, signed_in: PlainServer, state: Path) -> None:
    """A minute before, or as long before as --min-ttl says; not earlier. The server says no lifetime: it is an hour."""
    first = gatepass("token").out
    aged(state, 3500)
    assert gatepass("token").out == first
    assert signed_in.counts["signInRefresh"] == 0
    second = gatepass("token", "--min-ttl", "5m").out
    assert second != first
    assert gatepass("token", "--min-ttl", "5m").out == second
    aged(state, 3550)
    assert gatepass("token").out != second
    assert (signed_in.counts["signInRefresh"], signed_in.counts["reused"]) == (2, 0)


def test_a_clock_set_back_since_the_sign_in_prints_no_token_that_may_have_ended(
    gatepass: Gatepass, signed_in: PlainServer, state: Path
) -> None:
    """What is kept comes from the future then."""
    first = gatepass("token").out
    aged(state, -600)
    assert gatepass("token").out != first
    assert (signed_in.counts["signInRefresh"], signed_in.counts["reused"]) == (1, 0)


def test_a_sign_in_that_has_ended_is_4(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """With the command to run, ready to be pasted."""
    signed_in.end_every_session()
    result = gatepass("query", "-", stdin="{ me }")
    assert (result.code, result.out) == (4, "")
    assert f"gatepass login --profile plain {signed_in.address}" in result.err


def test_a_token_of_the_environment_comes_first(
    gatepass: Gatepass, signed_in: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where there is a sign-in; and without any."""
    monkeypatch.setenv("GATEPASS_TOKEN", "from-the-environment\n")
    assert gatepass("token").out == "from-the-environment\n"


@pytest.mark.parametrize("token", ["two words", "line\nbreak: x", "é"])
def test_a_token_that_would_break_the_header_is_refused(
    gatepass: Gatepass, signed_in: PlainServer, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    """It could smuggle a header of its own; what it is, is not shown."""
    monkeypatch.setenv("GATEPASS_TOKEN", token)
    for command in ("token", "header"):
        result = gatepass(command)
        assert (result.code, result.out) == (1, "")
        assert token not in result.err
        assert result.err.startswith("gatepass: GATEPASS_TOKEN is no token that can be sent: ")


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), (" 0 ", 0)])
def test_a_time_is_read(text: str, seconds: float) -> None:
    """As people write it."""
    assert Duration().convert(text, None, None).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "m", "5 minutes", "-1", "1e9", "nan", "9999999h", "\uff15m"])
def test_what_is_no_time_is_wrong_usage(gatepass: Gatepass, signed_in: PlainServer, text: str) -> None:
    """And says how it should read."""
    result = gatepass("token", "--min-ttl", text)
    assert (result.code, result.out) == (2, "")
    assert "should read like 90s, 5m or 1h" in result.err


def test_curl_reads_the_header_as_a_file(signed_in: PlainServer, tmp_path: Path) -> None:
    """As the documentation says: `curl -H @<(gatepass header)`."""
    command = " ".join(COMMAND)
    script = f"""curl -s -H @<({command} header) -H 'Content-Type: application/json' \\
        --data '{{"query": "{{ me }}"}}' {signed_in.address}"""
    ended = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == f'{{"data": {{"me": "{EMAIL}"}}}}'
