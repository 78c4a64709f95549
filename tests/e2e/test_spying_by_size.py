"""`gatepass login` says the same of every account that it is not let into, whatever the size of the password."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gatepass.settings import Settings
from tests.e2e.conftest import PLAIN_PASSWORD, Site, site_before
from tests.kit.kinds import NAMES, add_every_kind
from tests.kit.processes import COMMAND
from tests.kit.store_of_run import waited_for

WAITING = {"GATEPASS_THROTTLE_ACCOUNT_FAILURES": "1", "GATEPASS_THROTTLE_FIRST_DELAY_SECONDS": "600"}


@pytest.mark.parametrize("size", [1, 1_000, 100_000])
@pytest.mark.parametrize("settings", [{}, WAITING], ids=["let try", "told to wait"])
def test_login_tells_no_account_apart(register: str, tmp_path: Path, size: int, settings: dict[str, str]) -> None:
    with site_before(register, tmp_path / "gatepass", **settings) as site:
        waited_for(add_every_kind(Settings.load(environ=site.environ), PLAIN_PASSWORD, but="wrong password"))
        for name in NAMES.values() if settings else ():
            logs_in(site, tmp_path, name, "wrong")
        said = {kind: logs_in(site, tmp_path, name, "x" * size) for kind, name in NAMES.items()}
    first = said["unknown"]
    assert {kind for kind, answer in said.items() if answer != first} == set()
    assert first[0] != 0
    assert "Traceback" not in first[2]


def logs_in(site: Site, folder: Path, name: str, password: str) -> tuple[int, str, str]:
    """How the command ends, and what it says but for the seconds that are left."""
    command = [*COMMAND, "login", site.address, "-u", name, "--password-stdin"]
    environ = {**site.environ, "XDG_STATE_HOME": str(folder / "state"), "GATEPASS_STORE": "file"}
    done = subprocess.run(command, env=environ, input=password, text=True, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, re.sub(r"\d+", "#", done.stderr)
