"""Server processes under measurement: started, pinned, their CPU time and memory read from the kernel, ended."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from benchmarks.harness.machine import Cores, pinned

_PPID, _UTIME, _STIME = 1, 11, 12
_START_SECONDS, _END_SECONDS = 20.0, 12.0
ROOT = Path(__file__).resolve().parents[2]


class ServerProcess:
    """A process that listens on loopback. Its figures are its own alone, unless it `counts_children`."""

    def __init__(self, popen: subprocess.Popen[bytes], port: int, started: float, *, counts_children: bool) -> None:
        self.port = port
        self.started = started
        self.pid = popen.pid
        self._counts_children = counts_children

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far, in steps of a clock tick (10 ms)."""
        pids = [self.pid, *(self.children() if self._counts_children else [])]
        return sum(cpu_seconds(pid) for pid in pids)

    @property
    def resident_bytes(self) -> int:
        """Resident memory, its own alone."""
        return resident_bytes(self.pid)

    def children(self) -> list[int]:
        """Process ids of the direct children."""
        pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
        return [pid for pid in pids if _parent(pid) == self.pid]


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process."""
    fields = _stat(pid)
    return (int(fields[_UTIME]) + int(fields[_STIME])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, shared pages counted."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """A port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def server(
    command: Sequence[str],
    port: int,
    *,
    env: Mapping[str, str] | None = None,
    cores: Cores | None = None,
    counts_children: bool = False,
) -> Iterator[ServerProcess]:
    """
    Run `command` until the block ends; enters the block once `port` accepts connections.

    What it says goes to memory: a log on the disk would share the disk with the store.
    """
    with open(os.memfd_create("log"), "w+b") as log:  # noqa: PTH123 - a descriptor, no path
        started = time.perf_counter()
        with pinned(cores):
            popen = _start(command, env or {}, log)
        try:
            _wait_for_port(port, popen, log)
            yield ServerProcess(popen, port, started, counts_children=counts_children)
        finally:
            _end(popen)


def echo_server(
    answer_bytes: int, *, has_schema: bool = False, cores: Cores | None = None
) -> contextlib.AbstractContextManager[ServerProcess]:
    """
    A bare uvicorn application that reads a body and answers with as many bytes as asked: the limit of the server.

    Args:
        has_schema: it also answers introspection, so that it can stand behind a gateway.
    """
    port = free_port()
    schema = ["--schema"] if has_schema else []
    return server(
        [sys.executable, "-m", "benchmarks.harness.echo", str(port), str(answer_bytes), *schema], port, cores=cores
    )


def _start(command: Sequence[str], env: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEPASS_")}
    return subprocess.Popen(
        command, cwd=ROOT, env={**inherited, **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )


def _wait_for_port(port: int, popen: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if popen.poll() is not None:
            raise RuntimeError(f"{_shown(popen)} ended with exit code {popen.returncode}:\n{_last_words(log)}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.005)
    raise RuntimeError(f"{_shown(popen)} does not listen after {_START_SECONDS:.0f} s:\n{_last_words(log)}")


def _end(popen: subprocess.Popen[bytes]) -> None:
    popen.terminate()
    try:
        popen.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


def _shown(popen: subprocess.Popen[bytes]) -> str:
    return " ".join(map(str, popen.args)) if isinstance(popen.args, list) else str(popen.args)


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-2000:].decode("utf-8", "replace").strip()


def _parent(pid: int) -> int | None:
    try:
        return int(_stat(pid)[_PPID])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
