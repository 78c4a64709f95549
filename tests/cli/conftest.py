"""The command line in this process, with a data folder and an environment of its own."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatepass.cli.command import run
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer, plain_server
from tests.kit.store_of_run import all_rows, is_postgres, store_variables

GOOD_PASSWORD = "wooden-lantern-quiet-harbour"
CANARY = "gps_" + "canaryCANARY0123456789-_" * 2


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str


Gatepass = Callable[..., Result]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own settings."""
    for name in [name for name in os.environ if name.startswith("GATEPASS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that is not there yet, known to every command; the cheapest hashes."""
    path = tmp_path / "data"
    monkeypatch.setenv("GATEPASS_DATA_DIR", str(path))
    monkeypatch.setenv("GATEPASS_ARGON2_MEMORY_KIB", "64")
    monkeypatch.setenv("GATEPASS_ARGON2_ITERATIONS", "1")
    for name, value in store_variables(path).items():
        monkeypatch.setenv(name, value)
    return path


@pytest.fixture
def gatepass(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gatepass:
    """Run a command; `stdin` is what a pipe would bring."""

    def command(*arguments: object, stdin: str | bytes = "") -> Result:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return command


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where sign-ins are kept, not there yet; no keyring."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GATEPASS_STORE", "file")
    return tmp_path / "state" / "gatepass"


@pytest.fixture
def plain(state: Path) -> Iterator[PlainServer]:
    """A server that is not ours."""
    with plain_server() as server:
        yield server


@pytest.fixture
def signed_in(gatepass: Gatepass, plain: PlainServer) -> PlainServer:
    """A server that is not ours, with a sign-in as profile `plain`."""
    result = gatepass("login", plain.address, "--profile", "plain", "-u", EMAIL, "--password-stdin", stdin=PASSWORD)
    assert result.code == 0, result.err
    return plain


@pytest.fixture
def initialised(gatepass: Gatepass, folder: Path) -> Path:
    """The data folder after `gatepass init`."""
    assert gatepass("init").code == 0
    return folder


@pytest.fixture
def with_ana(gatepass: Gatepass, initialised: Path) -> str:
    """An account that may read; its address."""
    result = gatepass("user", "add", "ana@example.org", "--scope", "read", "--password-stdin", stdin=GOOD_PASSWORD)
    assert result.code == 0, result.err
    return "ana@example.org"


def content(folder: Path) -> dict[str, Any]:
    """Every file with its bytes, and the rows that are in none, to see that nothing was written."""
    rows = all_rows(folder) if is_postgres() else {}
    return rows | {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
