"""Commands that run as processes of their own until they are stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gatepass.cli.pasteable import sign_in_curl
from tests.kit.canary_plugin import watch

KNOWN: weakref.WeakSet[Process] = weakref.WeakSet()
COMMAND = (sys.executable, "-m", "gatepass.cli")


class Process:
    """A command in a session of its own, so that whatever it leaves behind can be found."""

    def __init__(self, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
        # Other commands are there to print a secret, such as a token.
        self._streams = ("out", "err") if arguments[:1] == ("serve",) else ("err",)
        self._seen = dict.fromkeys(self._streams, 0)
        for name in ("GATEPASS_SECRET_KEY", "GATEPASS_PASSWORD"):
            watch().learns((environ or {}).get(name, ""))
        KNOWN.add(self)
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **(environ or {})},
        )
        self.out = self.err = ""
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in ("out", "err")]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def says(self, text: str, *, on: str = "out", seconds: float = 60) -> None:
        """Wait until it has said that."""
        deadline = time.monotonic() + seconds
        while text not in getattr(self, on):
            assert self._process.poll() is None, f"it ended: {self.out}{self.err}"
            assert time.monotonic() < deadline, f"it did not say {text!r}: {self.out}{self.err}"
            time.sleep(0.02)

    def gets(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ends(self, seconds: float = 60) -> int:
        code = self._process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
        return code

    def left_behind(self) -> list[int]:
        """Processes of its session that still run, after a moment."""
        for _ in range(50):
            found = [pid for pid in _pids() if pid != os.getpid() and _session_of(pid) == self._process.pid]
            if not found:
                return []
            time.sleep(0.02)
        return found

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(5)

    def unseen(self) -> str:
        """What a server has written since it was asked before, with a little of what was before that."""
        parts = []
        for name in self._streams:
            text, before = getattr(self, name), self._seen[name]
            if len(text) > before:
                parts.append(text[max(0, before - 2048) :])
                self._seen[name] = len(text)
        return "\n".join(parts)

    def _read(self, name: str) -> None:
        stream = self._process.stdout if name == "out" else self._process.stderr
        assert stream is not None
        with stream:
            for line in stream:
                setattr(self, name, getattr(self, name) + line)


@contextlib.contextmanager
def running(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Process]:
    """It is killed at the end if it still runs."""
    process = Process(*arguments, environ=environ)
    try:
        yield process
    finally:
        process.kill()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def post(address: str, query: str, token: str | None = None) -> Any:
    """The answer's JSON, whatever its status."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    watch().learns(token or "")
    request = urllib.request.Request(address, json.dumps({"query": query}).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def sign_in(address: str, email: str, password: str) -> Any:
    """The answer to the specification's own mutation."""
    watch().learns(password)
    body = sign_in_curl(address, email, password).partition("--data '")[2].removesuffix("'")
    return post(address, json.loads(body)["query"])


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _session_of(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[3]) if fields[0] != "Z" else None


def waits_for_port(port: int, seconds: float = 60) -> None:
    """Wait until something on loopback accepts there."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        assert time.monotonic() < deadline, f"nothing listens on port {port}"
        time.sleep(0.02)
