"""Programs of others that stand before or behind Gatepass, with the very texts that the documentation shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.docs.pages import ROOT, read_page
from tests.e2e.conftest import PLAIN_PASSWORD, Site, register, site_before
from tests.kit.processes import sign_in, waits_for_port

__all__ = ["register"]

SCOPELESS = "cy@example.org"
_SBIN = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"

Starts = Callable[..., "Neighbour"]


def needed(program: str, package: str) -> str:
    """Where a program is; without it the test is skipped, and says how to get it."""
    found = shutil.which(program) or shutil.which(program, path=_SBIN)
    if found is None:
        pytest.skip(f"needs {program}: apt-get install {package}")
    return found


def shown(page: str, language: str, *, holding: str = "") -> str:
    """The one block of this kind on a page of docs/how-to that holds a text."""
    name = f"docs/how-to/{page}.md"
    blocks = read_page(name, (ROOT / name).read_text("utf-8")).blocks
    (block,) = [block for block in blocks if block.language == language and holding in block.text]
    return block.text


def put(text: str, places: Mapping[str, str]) -> str:
    """A text of the documentation with this machine's addresses; each of the shown ones must be there."""
    for old, new in places.items():
        assert old in text, f"{old!r} is not in\n{text}"
        text = text.replace(old, new)
    return text


class Neighbour:
    """A running program, and what it wrote."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def listens(self, port: int) -> None:
        """Wait until it does."""
        try:
            waits_for_port(port)
        finally:
            assert self._process.poll() is None, f"it ended: {self.said}"

    def says(self, pattern: str) -> None:
        """Wait until it has written that."""
        deadline = time.monotonic() + 10
        while not re.search(pattern, self.said):
            assert time.monotonic() < deadline, f"it did not say {pattern!r}: {self.said}"
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self.said += line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the tests of one file share."""
    return tmp_path_factory.mktemp("neighbours")


@pytest.fixture(scope="module")
def site(folder: Path, register: str) -> Iterator[Site]:
    """Yield a site with an account, in front of the register."""
    with site_before(register, folder / "gatepass") as site:
        site.operator("user", "add", SCOPELESS, "--password-stdin", stdin=PLAIN_PASSWORD)
        yield site


@pytest.fixture(scope="module")
def starts(folder: Path) -> Iterator[Starts]:
    """Start programs that are stopped at the end."""
    with ExitStack() as stack:

        def start(*command: str, folder: Path = folder, port: int) -> Neighbour:
            neighbour = Neighbour(command, folder)
            stack.callback(neighbour.stop)
            neighbour.listens(port)
            return neighbour

        yield start


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    """A client that takes any certificate, since the tests make their own."""
    with httpx2.Client(verify=False, timeout=20) as client:
        yield client


def base_of(site: Site) -> str:
    """What a site calls itself."""
    return site.address.removesuffix("/graphql/")


class Person:
    """Somebody with an account, and the ways to say so."""

    def __init__(self, site: Site, email: str, password: str) -> None:
        pair = sign_in(site.address, email, password)["data"]["signIn"]
        self.token: str = pair["accessToken"]
        self.refresh_token: str = pair["refreshToken"]
        self.headers = {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def ana(site: Site) -> Person:
    """Return somebody who may read."""
    return Person(site, "ana@example.org", PLAIN_PASSWORD)


@pytest.fixture
def cy(site: Site) -> Person:
    """Return somebody with an account and no scope."""
    return Person(site, SCOPELESS, PLAIN_PASSWORD)


def python(*arguments: str, folder: Path) -> int:
    """Run this Python; the exit code."""
    return subprocess.run([sys.executable, *arguments], cwd=folder, check=False, timeout=60).returncode
