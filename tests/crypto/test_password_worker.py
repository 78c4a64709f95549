"""The process that hashes: small, lowered, deaf to signals, without the parent's secrets, and gone with the parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.crypto import password_worker
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.secret import Secret

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

PASSWORD = "teal otter, nine lanterns"
PARENT = """
import asyncio, sys
from gatepass.crypto import password_worker
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool

async def main():
    pool = PasswordPool(Argon2Parameters(8, 1), workers=2)
    await pool.start()
    print(*pool.worker_pids, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def is_alive(pid: int) -> bool:
    try:
        return proc(pid, "stat").rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
async def worker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The pid of a worker whose parent has secrets in its environment, and hashed a password."""
    monkeypatch.setenv("GATEPASS_SECRET_KEY", "gps_seen-by-nobody")
    monkeypatch.setenv("DATABASE_URL", "postgres://ana:seen-by-nobody@localhost")
    monkeypatch.setenv("PYTHONPATH", "/seen-by-nobody")
    pool = PasswordPool(Argon2Parameters(8, 1), workers=1)
    await pool.start()
    kept = await pool.hash(Secret(PASSWORD.encode()))
    assert await pool.verify(Secret(PASSWORD.encode()), kept)
    (pid,) = pool.worker_pids
    yield pid
    await pool.close()


async def test_neither_arguments_nor_environment_hold_a_secret(worker: int) -> None:
    """Both can be read by others: passwords go through the pipe, the parent's settings stay with the parent."""
    seen = proc(worker, "cmdline") + proc(worker, "environ")
    assert PASSWORD not in seen
    assert "seen-by-nobody" not in seen
    assert "GATEPASS_" not in seen


async def test_a_worker_has_the_lowest_priority(worker: int) -> None:
    """Hashing takes what the event loop leaves over."""
    assert os.getpriority(os.PRIO_PROCESS, worker) == 19


async def test_a_worker_leaves_no_core_dump(worker: int) -> None:
    """It would hold passwords. 1 also stops dumps into a pipe, which 0 does not. core(5)."""
    (limits,) = [line.split() for line in proc(worker, "limits").splitlines() if line.startswith("Max core file")]
    assert int(limits[4]) <= 1
    assert int(limits[5]) <= 1


async def test_a_worker_imports_nothing_of_gatepass(worker: int) -> None:
    """It is small: no web framework, no cryptography."""
    assert "/cryptography/" not in proc(worker, "maps")
    (size,) = [line.split() for line in proc(worker, "status").splitlines() if line.startswith("VmRSS")]
    assert int(size[1]) < 25_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signals_that_stop_a_server_leave_its_workers_to_it(pool: PasswordPool, number: signal.Signals) -> None:
    """Ctrl-C and a service stop reach every process of the group while requests are still in flight."""
    before = pool.worker_pids
    for pid in before:
        os.kill(pid, number)
    kept = await pool.hash(Secret(PASSWORD.encode()))
    assert await pool.verify(Secret(PASSWORD.encode()), kept)
    assert pool.worker_pids == before


def test_a_server_killed_without_warning_leaves_no_worker_behind() -> None:
    """Even SIGKILL closes the pipes, and a worker whose input closed ends."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(is_alive, pids))
        parent.kill()
    deadline = time.monotonic() + 5
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_alive, pids))


async def test_a_worker_outlives_the_folder_it_was_started_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is imported from the working folder, so a file there cannot take a library's place."""
    (tmp_path / "nacl.py").write_text("raise SystemExit('hijacked')")
    (tmp_path / "signal.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    pool = PasswordPool(Argon2Parameters(8, 1), workers=1)
    await asyncio.wait_for(pool.start(), 10)
    await pool.close()


def test_where_there_is_neither_nice_nor_resource_a_worker_works_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has neither: the parent lowers the process there, and core dumps are another matter."""
    monkeypatch.delattr(os, "nice")
    monkeypatch.setitem(sys.modules, "resource", None)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    password_worker._lower_priority()
    password_worker.forbid_core_dumps()
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
