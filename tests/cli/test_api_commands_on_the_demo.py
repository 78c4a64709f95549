"""The commands of API users against our own server: what it has beyond the two mutations is used."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.kit.processes import COMMAND, Process, running

pytestmark = pytest.mark.sqlite_only("the demo brings its store, a file")
READER = "reader@example.org"
WATCH = "subscription { healthChanged(interval_seconds: 0.05) { company_number new_rating } }"


@dataclass(frozen=True)
class Shell:
    """A terminal of somebody who has signed in to the demo."""

    address: str
    password: str
    environ: dict[str, str]

    def runs(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A demo that runs."""
    with running("demo", "--port", "0", environ={"TMPDIR": str(tmp_path_factory.mktemp("demo"))}) as process:
        process.says("Ctrl-C stops it")
        yield process


@pytest.fixture
def shell(demo: Process, tmp_path: Path) -> Shell:
    """Signed in as the reader, with a store of its own."""
    found = re.search(rf"(http://\S+/graphql/)[\s\S]+{READER} +(\S+)", demo.out)
    assert found is not None
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "GATEPASS_STORE": "file"}
    made = Shell(found[1], found[2], environ)
    ended = made.runs("login", found[1], "-u", READER, "--password-stdin", stdin=found[2])
    assert ended.returncode == 0, ended.stderr
    return made


def test_whoami_reads_the_token(shell: Shell) -> None:
    """Who, and what one may do."""
    assert "\nscopes    read\n" in shell.runs("whoami").stdout
    answer = json.loads(shell.runs("whoami", "--json").stdout)
    assert answer["claims"]["scope"] == "read"
    assert answer["user"] == "reader@example.org"


def test_an_error_says_its_code_and_its_request(shell: Shell) -> None:
    """By which the operator finds it in the log."""
    text = 'mutation { addCompanyNote(company_number: "GP000042", text: "x") { company_name } }'
    ended = shell.runs("query", "-", stdin=text)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(
        r"gatepass: This needs .* \(FORBIDDEN, at addCompanyNote, line 1, request \S+\)\n", ended.stderr
    )


def test_the_schema_has_both_halves(shell: Shell) -> None:
    """Sign-in and the API's own fields, once one is signed in."""
    text = shell.runs("schema", "--sdl").stdout
    assert "signInRefresh(" in text
    assert "healthChanged(" in text


def test_events_come_as_lines(shell: Shell) -> None:
    """One line of JSON each; --first ends it."""
    ended = shell.runs("subscribe", "-", "--first", "2", stdin=WATCH)
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = map(json.loads, ended.stdout.splitlines())
    assert first["healthChanged"]["company_number"].startswith("GP")
    assert first != second


def test_ctrl_c_ends_a_subscription_with_130(shell: Shell, tmp_path: Path) -> None:
    """What came until then was printed at once."""
    (tmp_path / "watch.graphql").write_text(WATCH)
    process = subprocess.Popen(
        [*COMMAND, "subscribe", str(tmp_path / "watch.graphql")],
        env=shell.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "healthChanged" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said.strip()) == (130, "")


def test_a_device_is_let_in_through_a_browser(shell: Shell) -> None:
    """RFC 8628: the code that is shown is typed in on the page that is named; then one is signed in."""
    environ = {**shell.environ, "GATEPASS_PROFILE": "device"}
    with running("login", shell.address, "--device", environ=environ) as command:
        command.says("There is time", on="err")
        found = re.search(r"Open (\S+) in a browser.*\n  (\S+)\n", command.err)
        assert found is not None
        form = {"user_code": found[2], "username": READER, "password": shell.password, "answer": "allow"}
        answer = httpx2.post(found[1], data=form, headers={"Sec-Fetch-Site": "same-origin"}, timeout=30)
        assert answer.status_code == 200, answer.text
        assert command.ends() == 0, command.err
    token = shell.runs("token", "--profile", "device").stdout
    assert token.strip() not in command.err + command.out
    ended = shell.runs("query", "-", "--profile", "device", stdin="{ viewer { scopes } }")
    assert json.loads(ended.stdout) == {"viewer": {"scopes": ["read"]}}
    assert shell.runs("logout", "--profile", "device").returncode == 0


def test_signing_out_ends_the_sign_in_at_the_server(shell: Shell) -> None:
    """A token that was copied elsewhere is refused soon after."""
    token = shell.runs("token").stdout.strip()
    assert shell.runs("logout").returncode == 0
    others = Shell(
        shell.address, shell.password, {**shell.environ, "GATEPASS_TOKEN": token, "GATEPASS_URL": shell.address}
    )
    for _ in range(200):
        ended = others.runs("query", "-", stdin="{ viewer { subject } }")
        if ended.returncode != 0:
            break
    assert ended.returncode == 4
    assert "This sign-in was ended" in ended.stderr or "sign in" in ended.stderr.lower()


def test_an_event_stream_that_is_refused_is_said(shell: Shell) -> None:
    """In the words of the API."""
    ended = shell.runs(
        "subscribe", "-", stdin='subscription { healthChanged(company_number: "nonsense") { company_number } }'
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("gatepass: ")
