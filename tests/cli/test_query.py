"""`query`, `schema` and `curl`, on a server that is not ours."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from graphql import build_client_schema, build_schema, print_schema

from tests.cli.conftest import Gatepass
from tests.kit.plain_server import COMPANIES, EMAIL, PASSWORD, PlainServer
from tests.kit.processes import COMMAND, free_port

PAGES = """\
query ($first: Int = 2, $after: String) {
  companies(first: $first, after: $after) {
    items { company_number turnover } totalCount pageInfo { hasNextPage endCursor }
  }
}
"""


def test_the_data_is_json(gatepass: Gatepass, signed_in: PlainServer, tmp_path: Path) -> None:
    """From a file or from standard input."""
    (tmp_path / "me.graphql").write_text("{ me }")
    result = gatepass("query", tmp_path / "me.graphql")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"me": EMAIL}
    assert gatepass("query", "-", stdin="{ me }") == result


def test_a_table_and_csv_are_of_its_list(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """For people and for spreadsheets."""
    assert gatepass("query", "-", "-o", "table", stdin=PAGES).out == (
        "COMPANY_NUMBER  TURNOVER\nPL000001            1000\nPL000002            2000\n"
    )
    assert gatepass("query", "-", "-o", "csv", "-v", "first=1", stdin=PAGES).out == (
        "company_number,turnover\nPL000001,1000\n"
    )


def test_a_path_that_is_a_slip_is_said(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """It is no null. A script that got one would go on."""
    assert gatepass("query", "-", "--path", "me", stdin="{ me }").out == f'"{EMAIL}"\n'
    for path, words in (("mee", "no 'mee' in the answer; there is me"), ("me.name", "no 'name' in the answer")):
        slip = gatepass("query", "-", "--path", path, stdin="{ me }")
        assert (slip.code, slip.out) == (2, "")
        assert words in slip.err


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_a_folder_that_is_not_there_is_said_first(
    gatepass: Gatepass, signed_in: PlainServer, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """In its own name, and before the API does anything."""
    result = gatepass("query", "-", "--to", tmp_path / "nowhere" / "file", *more, stdin="{ me }")
    assert (result.code, f"There is no folder {tmp_path / 'nowhere'}." in result.err) == (2, True)
    assert signed_in.counts["me"] == 0


def test_json_may_be_asked_for_everywhere(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """It changes nothing where it is the form anyway, and is no second form beside another."""
    assert gatepass("query", "-", "--json", stdin="{ me }") == gatepass("query", "-", stdin="{ me }")
    assert gatepass("schema", "--json") == gatepass("schema")
    for contradiction in (("query", "-", "--json", "-o", "csv"), ("schema", "--json", "--sdl")):
        assert gatepass(*contradiction, stdin="{ me }").code == 2


def test_data_without_a_list_is_no_table(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """Wrong usage: the query and the form do not fit."""
    result = gatepass("query", "-", "-o", "table", stdin="{ me }")
    assert (result.code, result.out) == (2, "")
    assert "--output json" in result.err


def test_errors_are_1_and_on_standard_error(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """Each in a line, with its place."""
    result = gatepass("query", "-", stdin="{ me\n nonsense }")
    assert (result.code, result.out) == (1, "")
    assert result.err == "gatepass: Cannot query field 'nonsense' on type 'Query'. (line 2)\n"


def test_variables_come_from_the_line_and_a_file(gatepass: Gatepass, signed_in: PlainServer, tmp_path: Path) -> None:
    """An Int as a number, a String as text, also if it looks like a number."""
    (tmp_path / "variables.json").write_text('{"first": 1}')
    arguments = ("query", "-", "-o", "csv", "--variables", tmp_path / "variables.json", "-v", "after=41")
    assert gatepass(*arguments, stdin=PAGES).out.splitlines()[1:] == ["PL000042,42000"]


def test_a_server_that_went_away_is_5(gatepass: Gatepass, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever command; the token of the environment needs no sign-in."""
    monkeypatch.setenv("GATEPASS_TOKEN", "x")
    monkeypatch.setenv("GATEPASS_URL", f"http://127.0.0.1:{free_port()}/graphql/")
    for command in (("query", "-"), ("schema",)):
        result = gatepass(*command, stdin="{ me }")
        assert (result.code, result.out) == (5, "")
        assert result.err.startswith("gatepass: ")


@pytest.mark.parametrize("expired", [200, 401, 403])
@pytest.mark.parametrize("has_error_codes", [True, False])
def test_an_expired_token_is_renewed_whatever_the_server_says(
    gatepass: Gatepass, plain: PlainServer, expired: int, has_error_codes: bool
) -> None:
    """HTTP 200 with an error, 401, 403; with and without a code. The server takes each refresh token once."""
    now = 0.0
    plain.clock = lambda: now
    plain.expired, plain.has_error_codes = expired, has_error_codes  # type: ignore[assignment]
    assert gatepass("login", plain.address, "-u", EMAIL, "--password-stdin", stdin=PASSWORD).code == 0
    now = 3601.0
    result = gatepass("query", "-", stdin="{ me }")
    assert (result.code, result.err) == (0, "")
    assert plain.counts["signInRefresh"] == 1
    assert plain.counts["reused"] == 0


def test_credentials_of_the_environment_sign_in_by_themselves(
    gatepass: Gatepass, plain: PlainServer, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    """As in CI: nothing is kept."""
    monkeypatch.setenv("GATEPASS_STORE", "none")
    monkeypatch.setenv("GATEPASS_URL", plain.address)
    monkeypatch.setenv("GATEPASS_USERNAME", EMAIL)
    monkeypatch.setenv("GATEPASS_PASSWORD", PASSWORD)
    assert gatepass("query", "-", stdin="{ me }").code == 0
    assert len(gatepass("token").out.split()) == 1
    assert not state.exists()


@pytest.mark.parametrize("command", [("query", "-"), ("token",), ("whoami",)], ids=" ".join)
def test_a_refused_password_of_the_environment_means_that_a_sign_in_is_needed(
    gatepass: Gatepass, signed_in: PlainServer, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """As a refused token of the environment does; and it is said whose they are, since there is a sign-in too."""
    monkeypatch.setenv("GATEPASS_USERNAME", EMAIL)
    monkeypatch.setenv("GATEPASS_PASSWORD", "wrong-canary")
    result = gatepass(*command, stdin="{ me }")
    said = "gatepass: Invalid username or password. The user is that of GATEPASS_USERNAME.\n"
    assert (result.code, result.out, result.err) == (4, "", said)


@pytest.mark.parametrize("options", [("-v", "n=\udcff"), ("--operation", "\udcff"), ("--variables", "FILE")])
def test_what_is_no_text_is_wrong_usage(
    gatepass: Gatepass, signed_in: PlainServer, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """A terminal in another encoding, or half a character in JSON. No mistake of ours, and nothing is sent."""
    (tmp_path / "variables.json").write_text('{"n": "\\ud800"}')
    given = [str(tmp_path / "variables.json") if each == "FILE" else each for each in options]
    result = gatepass("query", "-", *given, stdin="query ($n: String!) { companies(after: $n) { totalCount } }")
    assert (result.code, result.out) == (2, "")
    assert "is not text in UTF-8" in result.err
    assert signed_in.counts["queries"] == 0


def test_all_pages_go_into_a_file(gatepass: Gatepass, signed_in: PlainServer, tmp_path: Path) -> None:
    """Nothing on standard output; what was done on standard error."""
    target = tmp_path / "companies.csv"
    result = gatepass("query", "-", "--all", "-o", "csv", "-v", "first=100", "--to", target, stdin=PAGES)
    assert (result.code, result.out, result.err) == (0, "", f"{COMPANIES} rows in {target}\n")
    with target.open(newline="") as file:
        assert [row["company_number"] for row in csv.DictReader(file)] == [f"PL{n:06}" for n in range(1, COMPANIES + 1)]


def test_ctrl_c_in_an_export_leaves_something_to_resume(
    gatepass: Gatepass, signed_in: PlainServer, tmp_path: Path
) -> None:
    """130; the same command with --resume goes on, and asks for no page twice."""
    (tmp_path / "pages.graphql").write_text(PAGES)
    target = tmp_path / "companies.csv"
    arguments = ["query", str(tmp_path / "pages.graphql"), "--all", "-o", "csv", "--to", str(target)]
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    state = tmp_path / "companies.csv.part.json"
    while not (state.exists() and json.loads(state.read_text())["count"]):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "with --resume goes on from there" in said
    assert not target.exists()
    assert gatepass(*arguments, "--resume").code == 0
    assert signed_in.counts["queries"] <= COMPANIES // 2 + 1  # the page that was being got
    assert len(target.read_text().splitlines()) == COMPANIES + 1
    assert not list(tmp_path.glob("*.part*"))


def test_resume_needs_all_and_a_file(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """Otherwise there is nothing that could be resumed."""
    assert gatepass("query", "-", "--resume", stdin=PAGES).code == 2
    assert gatepass("query", "-", "--resume", "--all", stdin=PAGES).code == 2


def test_the_schema_is_printed_both_ways(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """As introspection that tools read, and in the definition language."""
    from_json = build_client_schema(json.loads(gatepass("schema").out))
    from_sdl = build_schema(gatepass("schema", "--sdl").out)
    assert print_schema(from_json) == print_schema(from_sdl)
    assert "companies" in print_schema(from_sdl)


def test_a_server_that_hides_its_schema_says_so(gatepass: Gatepass, signed_in: PlainServer) -> None:
    """Exit code 4: its answer is that of a token which is not good."""
    signed_in.allows_introspection = False
    assert gatepass("schema", "--sdl").code == 0  # with the token it is shown
    signed_in.end_every_session()
    assert gatepass("schema", "--sdl").code == 4


def test_curl_gets_address_token_and_content_type(signed_in: PlainServer) -> None:
    """And its exit code is ours."""
    command = [*COMMAND, "curl", "--", "-s", "--data", '{"query": "{ me }"}']
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == (f'{{"data": {{"me": "{EMAIL}"}}}}', "")
    failed = subprocess.run([*COMMAND, "curl", "--", "-s", "--nonsense"], capture_output=True, check=False)
    assert failed.returncode == 2


def test_curl_has_no_token_on_its_command_line(signed_in: PlainServer, tmp_path: Path) -> None:
    """Nor in its environment: a program in curl's place sees what others could."""
    spy = tmp_path / "curl"
    spy.write_text(
        f"#!{sys.executable}\nimport os, sys\nprint(sys.argv, os.environ)\nprint(open(sys.argv[7][1:]).read())\n"
    )
    spy.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run([*COMMAND, "curl"], env=environ, capture_output=True, text=True, check=True)
    seen, _, header = ended.stdout.partition("\n")
    assert header.startswith("Authorization: Bearer ")
    assert header.split()[2] not in seen


def test_a_host_without_a_scheme_gets_nothing(signed_in: PlainServer) -> None:
    """It would take it for http; with us it is no address."""
    host = signed_in.address.split("/")[2]
    ended = subprocess.run([*COMMAND, "curl", "--", "-s", "--data", "{}", host], capture_output=True, check=False)
    assert ended.returncode == 3
    assert b"errors" in ended.stdout or ended.stdout == b""
