"""A real server process in front of a real API process, set up with the command line as an operator would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepass.settings import Settings
from tests.kit.processes import COMMAND, Process, free_port, running, waits_for_port
from tests.kit.store_of_run import store_variables, waited_for
from tests.kit.world import add_account

EMAIL, PASSWORD = "ana@example.org", 'it\'s "quoted" 50% off \\o/ ünïcode'
PLAIN_PASSWORD = "a password without surprises"
EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Site:
    """An installation with its server and its upstream running."""

    data_dir: Path
    address: str
    environ: dict[str, str]
    server: Process

    def operator(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the operator's, and see it succeed."""
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environ,
            input=stdin,
            text=True,
            capture_output=True,
            check=True,
            timeout=60,
        )


@pytest.fixture(scope="session")
def register() -> Iterator[str]:
    """Yield the address of the demo API, running as a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "company_register:app", "--app-dir", str(EXAMPLES), "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "error"])
    try:
        waits_for_port(port)
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def site(tmp_path: Path, register: str) -> Iterator[Site]:
    """Yield a site with two accounts, ana's and ben's."""
    with site_before(register, tmp_path / "gatepass") as site:
        yield site


@contextmanager
def site_before(upstream: str, data_dir: Path, **settings: str) -> Iterator[Site]:
    """Set a site up, and run its server in front of an API; settings by the names of their variables."""
    environ = {
        **os.environ,
        "GATEPASS_DATA_DIR": str(data_dir),
        "GATEPASS_ARGON2_MEMORY_KIB": "64",
        "GATEPASS_ARGON2_ITERATIONS": "1",
        "GATEPASS_HASH_WORKERS": "1",
        "GATEPASS_LOG_FORMAT": "json",
        **store_variables(data_dir),
        **settings,
    }
    subprocess.run([*COMMAND, "init"], env=environ, check=True, capture_output=True, timeout=60)
    port = str(free_port())
    with running("serve", "--upstream", upstream, "--port", port, environ=environ) as server:
        server.says('"listening"', on="err")
        site = Site(data_dir, f"http://127.0.0.1:{port}/graphql/", environ, server)
        for email, password in ((EMAIL, PLAIN_PASSWORD), ("ben@example.org", PASSWORD)):
            waited_for(add_account(Settings.load(environ=environ), email, password, "read"))
        yield site
