"""`gatepass demo`: what it prints works when pasted, and nothing is left when it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.processes import Process, free_port, post, running, sign_in

pytestmark = pytest.mark.sqlite_only("the demo brings its store, a file")
PASSWORD = re.compile(r"^  (?:reader|administrator) +(\S+@example\.org) +(\S+) +scopes: (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its temporary folder goes."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def demo(port: int, folder: Path) -> Iterator[Process]:
    """A demo that runs and has said everything."""
    with running("demo", "--port", str(port), environ={"TMPDIR": str(folder), "GATEPASS_NONSENSE": "1"}) as process:
        process.says("Ctrl-C stops it")
        yield process


def section(screen: str, title: str) -> str:
    """The lines below a title, to the next one."""
    return screen.partition(f"{title}\n\n")[2].partition("\n\n")[0]


def shell(script: str) -> str:
    return subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True).stdout


def test_what_it_says_is_true_when_it_says_it(demo: Process, port: int) -> None:
    """Both accounts can sign in at once, with their scopes; the address is loopback's."""
    address = f"http://127.0.0.1:{port}/graphql/"
    assert f"  {address} " in demo.out
    accounts = PASSWORD.findall(demo.out)
    assert [(email, scopes) for email, _, scopes in accounts] == [
        ("reader@example.org", "read"),
        ("admin@example.org", "read write"),
    ]
    for email, password, _ in accounts:
        assert len(password) == 24
        assert sign_in(address, email, password)["data"]["signIn"]["accessToken"]


def test_the_curl_line_signs_in(demo: Process) -> None:
    """Pasted into a shell as it is."""
    answer = shell(section(demo.out, "Sign in:"))
    assert re.fullmatch(r'\{"data":\{"signIn":\{"accessToken":"eyJ[^"]+","refreshToken":"gpr_[^"]+"\}\}\}\s*', answer)


def test_the_query_line_gets_a_company(demo: Process) -> None:
    """Sign in, and ask the API behind with the token."""
    answer = shell(section(demo.out, "Sign in and ask the API with the token:"))
    assert '"company_number":"GP000042"' in answer.replace(" ", "")


def test_the_python_program_prints_a_token(demo: Process) -> None:
    """With requests."""
    program = section(demo.out, "Sign in from Python, with the package requests:")
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("eyJ")


def test_the_api_is_protected(demo: Process, port: int) -> None:
    """Without a token there is no company."""
    answer = post(f"http://127.0.0.1:{port}/graphql", "{companies{items{company_name}}}")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_its_log_has_lines_and_no_secret(demo: Process, port: int) -> None:
    """On standard error; the passwords are on standard output alone."""
    ((email, password, _), _) = PASSWORD.findall(demo.out)
    token = sign_in(f"http://127.0.0.1:{port}/graphql", email, password)["data"]["signIn"]["refreshToken"]
    demo.says('"operation":"sign_in"', on="err")
    assert password not in demo.err
    assert token not in demo.err


def test_a_taken_port_is_said_and_nothing_else(demo: Process, port: int, tmp_path: Path) -> None:
    """Exit code 1; the demo that runs is left alone."""
    with running("demo", "--port", str(port), environ={"TMPDIR": str(tmp_path)}) as second:
        assert second.ends() == 1
    assert second.out == ""
    assert second.err == f"gatepass: port {port} is taken: stop what uses it or pick another with --port\n"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(demo: Process, folder: Path) -> None:
    """130, no stack trace, no process, no folder. It is the last of this file: the demo ends here."""
    assert len(list(folder.iterdir())) == 1
    demo.gets(signal.SIGINT)
    assert demo.ends() == 130
    assert "Traceback" not in demo.err
    assert demo.left_behind() == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_leave_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """They are an orderly end."""
    with running("demo", "--port", "0", environ={"TMPDIR": str(tmp_path)}) as process:
        process.says("Ctrl-C stops it")
        process.gets(number)
        assert process.ends() == 0
    assert process.left_behind() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, 0.8])
def test_ctrl_c_during_the_start_leaves_nothing(seconds: float, tmp_path: Path) -> None:
    """Whatever it was doing, from the moment on when there is something to leave."""
    with running("demo", "--port", "0", environ={"TMPDIR": str(tmp_path)}) as process:
        deadline = time.monotonic() + 30
        while not any(tmp_path.iterdir()):
            assert time.monotonic() < deadline, process.err
            time.sleep(0.01)
        time.sleep(seconds)
        process.gets(signal.SIGINT)
        assert process.ends() == 130
    assert "Traceback" not in process.err
    assert process.left_behind() == []
    assert list(tmp_path.iterdir()) == []
