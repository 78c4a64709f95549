"""
A person who follows a page: does what its blocks say, one after the other, and compares what comes out.

What differs from the page: ports, which are free ones; the password that the demo makes up, where the page has `yyyy`;
`/var/lib` and `/etc`, which are folders in the working folder; and `python3 run.py`, which is run as it stands only
where run.py has made the environment that it would use (as on the machine that checks every change), and is
`gatepass demo` elsewhere, because it would install for minutes.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import run
from tests.docs.jobs import read_job
from tests.docs.matching import json_matches, text_matches
from tests.docs.pages import ROOT, Block, Page
from tests.kit.postgres import QUICK
from tests.kit.postgres import Server as PostgresServer

SECONDS: Final = 60
DEFAULT_PORT: Final = "8000"
POSTGRES_PORT: Final = "5432"
_PORT: Final = re.compile(r"(?<=127\.0\.0\.1[:-])\d+|(?<=--port )\d+")
_SERVER: Final = re.compile(r"^(gatepass demo|gatepass serve|uvicorn)\b(?!.* --port )(.*)$", re.MULTILINE)
_PASSWORD: Final = re.compile(r"^  reader +reader@example\.org +(\S+)", re.MULTILINE)
# The last words of a demo's start, of ours, and of uvicorn's.
_UP: Final = ("Ctrl-C stops it", '"event":"listening"', "Uvicorn running on")
# Runs a program on a terminal of its own, as getpass and the like want it.
_ON_A_TERMINAL: Final = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
_GIVEN: Final = {"app": "import sys; sys.path.append('examples')\nfrom company_register import app"}


class Reader:
    """Works in a folder that has `examples/` as the repository has it, with nothing of the machine's own settings."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._folder = folder
        self._state = folder / ".environment"
        self._servers: list[Server] = []
        self._listening: dict[str, Server] = {}
        self._replaced: dict[str, str] = {}
        numbers = sorted({DEFAULT_PORT, *(number for block in page.blocks for number in _PORT.findall(block.text))})
        self._ports = dict(zip(numbers, _free_ports(len(numbers)), strict=True))
        for name in ("home", "tmp", "var/lib", "etc"):
            (folder / name).mkdir(parents=True)
        (folder / "examples").symlink_to(ROOT / "examples")
        self._environ = _environment(folder)
        self._database: PostgresServer | None = None

    def does(self, block: Block) -> None:
        """Do what a block says, and see what it promises."""
        text = self._filled(block.text)
        if block.marked("with the server stopped") is not None:
            self._listening[self._ports[DEFAULT_PORT]].stop()
        if (name := block.marked("file ")) is not None:
            (self._folder / name).write_text(f"{text}\n", encoding="utf-8")
        elif block.marked("in the background") is not None:
            self._start(block, text)
        elif (password := block.marked("asks for the password ")) is not None:
            self._sees(block, self._types(text, self._filled(password)))
        elif (secret := block.marked("a job with ")) is not None:
            self._works(text, *self._filled(secret).split("=", 1))
        elif block.language == "sql":
            self._administers(text)
        elif block.language == "python":
            given = _GIVEN.get(block.marked("given ") or "", "")
            self._sees(block, self._runs(sys.executable, "-W", "error", "-c", f"{given}\n{text}"))
        else:
            self._sees(block, self._runs("bash", "-c", self._script(text)))

    def leaves(self) -> None:
        """Stop every server, and look that none of them broke."""
        for server in reversed(self._servers):
            server.stop()
        if self._database is not None:
            self._database.stop()
        broken = [server.said for server in self._servers if "Traceback" in server.said]
        assert not broken, broken[0]

    def _filled(self, text: str) -> str:
        text = _PORT.sub(lambda found: self._ports[found[0]], text)
        for shown, real in self._replaced.items():
            text = text.replace(shown, real)
        for folder in ("/var/lib", "/etc"):
            text = re.sub(rf"(?<![\w./-]){folder}/", f"{self._folder}{folder}/", text)
        return text

    def _script(self, text: str) -> str:
        """A script that stops at the first failure and leaves its variables and functions to the next one."""
        return f"set -a -euo pipefail\n{text}\nenv -0 > '{self._state}'\n"

    def _runs(self, *command: str, environ: dict[str, str] | None = None) -> str:
        ended = subprocess.run(
            command,
            cwd=self._folder,
            env=self._kept() if environ is None else environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"exit code {ended.returncode}: {ended.stdout}"
        return ended.stdout

    def _administers(self, text: str) -> None:
        """Do it with psql as a superuser, on a PostgreSQL of this page's own at the port that PostgreSQL has there."""
        if self._database is None:
            self._database = PostgresServer(QUICK, port=int(self._ports[POSTGRES_PORT]))
        self._database.administer(text)

    def _works(self, text: str, name: str, value: str) -> None:
        """Run the scripts of a job in its environment, and in a folder's shell of its own."""
        job = read_job(text, name, value, self._file_with)
        for script in job.scripts:
            command = ["bash", "-euo", "pipefail", "-c", script]
            self._runs(*command, environ={**self._environ, **job.environ})

    def _file_with(self, text: str) -> str:
        file = self._folder / ".secret"
        file.write_text(text, encoding="utf-8")
        return str(file)

    def _types(self, text: str, password: str) -> str:
        """Run a script on a terminal, and type the password whenever it is asked for."""
        command = [sys.executable, "-c", _ON_A_TERMINAL, "bash", "-c", self._script(text)]
        terminal = Server(command, self._folder, self._kept(), stdin=subprocess.PIPE)
        self._servers.append(terminal)
        typed = 0
        while terminal.is_running():
            if terminal.said.count("assword: ") + terminal.said.count("Once more: ") > typed:
                typed += 1
                terminal.types(f"{password}\n")
            time.sleep(0.02)
        assert terminal.ends() == 0, terminal.said
        return re.sub(r"^(Password|Once more): *$", "", terminal.said.replace("\r\n", "\n"), flags=re.MULTILINE)

    def _start(self, block: Block, text: str) -> None:
        command = _on_port(self._ports[DEFAULT_PORT], text)
        (port,) = re.findall(r"--port (\d+)", command)
        if port in self._listening:
            self._listening[port].stop()  # as the page must have said in words
        server = Server(["bash", "-c", f"set -a -euo pipefail\n{command}"], self._folder, self._kept())
        self._servers.append(server)
        self._listening[port] = server
        server.waits_for(lambda: any(words in server.said for words in _UP), "is up")
        if found := _PASSWORD.search(server.said):
            self._replaced["yyyy"] = found[1]
        if block.output is not None:
            shown = self._filled(block.output.text)
            server.waits_for(lambda: text_matches(shown, server.said), f"says {shown!r}")

    def _kept(self) -> dict[str, str]:
        """The environment as the last script left it."""
        if not self._state.exists():
            return self._environ
        pairs = (entry.partition("=") for entry in self._state.read_text(encoding="utf-8").split("\0") if entry)
        return {name: value for name, _, value in pairs}

    def _sees(self, block: Block, seen: str) -> None:
        if block.output is None:
            return
        matches = json_matches if block.output.language == "json" else text_matches
        shown = self._filled(block.output.text)
        assert matches(shown, seen), f"{block.output.name} shows\n{shown}\nbut there came\n{seen}"


class Server:
    """A process with what it said. It leads a session of its own, so that all of it can be stopped."""

    def __init__(self, command: list[str], folder: Path, environ: dict[str, str], stdin: int = subprocess.DEVNULL):
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._heard = b""
        self._deadline = time.monotonic() + SECONDS
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def said(self) -> str:
        """What it wrote so far, on standard output and standard error."""
        return self._heard.decode("utf-8", "replace")

    def is_running(self) -> bool:
        """Whether it runs; it is no test's business to wait for ever."""
        assert time.monotonic() < self._deadline, f"it takes too long: {self.said}"
        return self._process.poll() is None

    def waits_for(self, happens: Callable[[], bool], what: str) -> None:
        """Wait until it does what was promised."""
        while not happens():
            assert self.is_running(), f"it ended: {self.said}"
            assert time.monotonic() < self._deadline - 1, f"it never {what}: {self.said}"
            time.sleep(0.02)

    def types(self, text: str) -> None:
        """Type on its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def ends(self) -> int:
        """Wait for its end; the exit code."""
        code = self._process.wait(SECONDS)
        self._listener.join(SECONDS)
        return code

    def stop(self) -> None:
        """Ask it to stop, and insist after a while."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self.ends()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while piece := os.read(stream.fileno(), 65_536):
                self._heard += piece


def _on_port(port: str, text: str) -> str:
    """The command with a port where it has none, and `python3 run.py` without its set-up, where that was not done."""
    if text == "python3 run.py":
        is_ready = run.is_ready(ROOT / ".venv", frozenset({"server"}))
        text = f"'{sys.executable}' '{ROOT / 'run.py'}' demo --port {port}" if is_ready else "gatepass demo"
    return _SERVER.sub(rf"\1 --port {port}\2", text)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
    }


def _free_ports(count: int) -> list[str]:
    """Ports that nobody uses, different ones."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
