"""`pip install gatepass` alone: the client and the command line, without the server, and quick to import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer

ROOT = Path(__file__).parents[2]
SERVER = {
    "aiohttp", "asyncpg", "cryptography", "graphql", "httptools", "joserfc", "msgspec", "nacl", "prometheus_client",
    "starlette", "uvicorn", "uvloop", "yarl", "multidict",
}  # fmt: skip
EXTRAS = {"keyring", "wsproto", "gql", "requests", "httpx"}
# Whatever is not in the base install is not there.
WITHOUT_THE_REST = """
from importlib.machinery import PathFinder
found = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name in {names!r} else found(name, *rest)
"""


def run(program: str, *arguments: str, names: set[str] = frozenset(), **environ: str) -> str:  # type: ignore[assignment]
    """What a program says in an interpreter where those modules are not installed."""
    head = WITHOUT_THE_REST.format(names=sorted(names)) if names else ""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", head + program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_client_needs_nothing_of_the_server_nor_of_the_extras(live: PlainServer) -> None:
    """Signing in, a query, other libraries' auth, a subscription's code, the async client."""
    program = f"""
import asyncio, httpx2
from gatepass.client import AsyncClient, BearerAuth, Client
with Client({live.address!r}, username={EMAIL!r}, password={PASSWORD!r}) as api:
    print(api("{{ me }}"))
    with httpx2.Client(auth=BearerAuth(api)) as http:
        print(http.post(api.url, json={{"query": "{{ me }}"}}).json()["data"])
async def main():
    async with AsyncClient({live.address!r}, username={EMAIL!r}, password={PASSWORD!r}) as api:
        print(await api("{{ me }}"))
asyncio.run(main())
import gatepass.client.subscribing_tasks
"""
    assert run(program, names=SERVER | EXTRAS) == f"{{'me': '{EMAIL}'}}\n" * 3


def test_the_command_line_needs_nothing_of_the_server(live: PlainServer) -> None:
    """Every command for API users; one for operators says what to install."""
    cli = "import sys; from gatepass.cli import main; main(sys.argv[1:])"
    environ = {"GATEPASS_USERNAME": EMAIL, "GATEPASS_PASSWORD": PASSWORD}
    run(cli, "login", live.address, names=SERVER | EXTRAS, **environ)
    assert len(run(cli, "token", names=SERVER | EXTRAS).split()) == 1
    assert "COMPANY" not in run(cli, "status", names=SERVER | EXTRAS)
    assert "type Query" in run(cli, "schema", "--sdl", names=SERVER | EXTRAS)
    assert json.loads(run(cli, "whoami", "--json", names=SERVER | EXTRAS))["user"] == EMAIL
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_REST.format(names=sorted(SERVER)) + cli, "serve"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "pip install 'gatepass[server]'" in ended.stderr


def test_importing_it_imports_no_http_client() -> None:
    """That takes longer than all the rest; a token that is kept is printed without it."""
    program = "import sys; from gatepass.client import Client, AsyncClient, errors; print(*sys.modules)"
    modules = {name.partition(".")[0] for name in run(program).split()}
    assert not modules & (SERVER | EXTRAS | {"httpx2", "httpcore2", "click", "asyncpg"})


def cpu_seconds(*command: str) -> float:
    """User and system time of a process, the least of five: what else the machine does then matters little."""
    times = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=60)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(times)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the CPU time of children, which this system does not tell")
def test_importing_it_takes_less_than_150_ms() -> None:
    """Beyond an empty interpreter."""
    assert cpu_seconds("-c", "from gatepass.client import Client") - cpu_seconds("-c", "") < 0.15


@pytest.mark.skipif(sys.platform == "win32", reason="needs the CPU time of children, which this system does not tell")
def test_a_token_that_is_kept_is_printed_within_150_ms(live: PlainServer) -> None:
    """The interpreter's start and end included."""
    cli = "import sys; from gatepass.cli import main; main(sys.argv[1:])"
    run(cli, "login", live.address, GATEPASS_USERNAME=EMAIL, GATEPASS_PASSWORD=PASSWORD)
    assert cpu_seconds("-m", "gatepass.cli", "token") < 0.15


def test_the_wheel_alone_brings_click_and_httpx2(tmp_path: Path) -> None:
    """Into an empty environment; skipped where pip reaches no index."""
    environment = tmp_path / "env"
    venv.create(environment, with_pip=True)
    python = str(environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    began = time.monotonic()
    command = [python, "-m", "pip", "install", "--quiet", "--retries", "1", "-c", "requirements/constraints.txt", "."]
    # What packages come along does not depend on the page for browsers, whose build would take a minute.
    environ = {**os.environ, "GATEPASS_IDE_BUILD": "skip"}
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    if ended.returncode != 0 and ("No matching distribution" in ended.stderr or "connection" in ended.stderr.lower()):
        pytest.skip("needs pip with a package index: it could reach none")
    assert ended.returncode == 0, (ended.stderr, time.monotonic() - began)
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, check=True, text=True)
    names = {entry["name"].replace("-", "_") for entry in json.loads(listed.stdout)}
    assert {"gatepass", "click", "httpx2"} <= names
    assert not names & SERVER
    program = "import gatepass.client; from gatepass.client import Client, AsyncClient, BearerAuth, AiohttpBearer"
    subprocess.run([python, "-W", "error", "-c", program], cwd=tmp_path, check=True, timeout=60)
    shown = subprocess.run([python, "-m", "gatepass.cli", "--help"], capture_output=True, check=True, text=True)
    assert "Commands for API users" in shown.stdout
