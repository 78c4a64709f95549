"""A sign-in in a real keyring: GNOME's, through the Secret Service, on a session bus and in folders of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer

pytestmark = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("dbus-run-session", "gnome-keyring-daemon")),
    reason="needs dbus-run-session and gnome-keyring-daemon (Debian: dbus-daemon, gnome-keyring)",
)

UNLOCK = "printf anything | gnome-keyring-daemon --unlock --components=secrets >/dev/null"
GATEPASS = f"{sys.executable} -m gatepass.cli"
LOGIN = f"printf '%s\\n' {PASSWORD} | {GATEPASS} login \"$1\" -u {EMAIL} --password-stdin"
DEADLINE_SECONDS = 60


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Nothing of the machine's own keyrings, and no display to ask anybody on."""
    folders = {name: tmp_path / name for name in ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")}
    for folder in folders.values():
        folder.mkdir(mode=0o700)
    kept = ("PATH", "LANG", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in kept if name in os.environ} | {k: str(v) for k, v in folders.items()}


def in_a_session(script: str, environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A shell with a session bus; the daemon ends with that."""
    command = ["dbus-run-session", "--", "sh", "-ec", script, "sh", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)


def test_a_sign_in_lives_in_the_keyring_and_in_no_file(
    live: PlainServer, environ: dict[str, str], tmp_path: Path
) -> None:
    """Chosen without being asked for; renewed by another process in another session, and forgotten by `logout`."""
    first = in_a_session(f"{UNLOCK}; {LOGIN}; {GATEPASS} token", environ, live.address)
    assert first.returncode == 0, first.stderr
    assert "readable by you alone" not in first.stderr
    live.expire_access_tokens()
    query = f"echo '{{ me }}' | {GATEPASS} query -"
    second = in_a_session(f"{UNLOCK}; {query}; {GATEPASS} token", environ, live.address)
    assert second.returncode == 0, second.stderr
    assert EMAIL in second.stdout
    assert live.counts == {"signIn": 1, "signInRefresh": 1, "queries": 1, "refused": 1}
    contents = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    tokens = {first.stdout.split()[-1], second.stdout.split()[-1]}
    assert len(tokens) == 2
    assert not [token for token in tokens if token.encode() in contents]
    third = in_a_session(f"{UNLOCK}; {GATEPASS} logout; {GATEPASS} token --no-input", environ, live.address)
    assert (third.returncode, third.stdout) == (4, ""), third.stderr


def test_a_keyring_that_nobody_can_unlock_is_no_obstacle(live: PlainServer, environ: dict[str, str]) -> None:
    """As over ssh: files are used, and it is announced."""
    ended = in_a_session(f"{LOGIN}; {GATEPASS} token", environ, live.address)
    assert ended.returncode == 0, ended.stderr
    assert "readable by you alone" in ended.stderr
    assert len(ended.stdout.split()) == 1
