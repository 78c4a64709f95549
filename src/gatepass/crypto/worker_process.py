"""One hash worker, as its parent holds it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import subprocess
import sys
from asyncio.subprocess import Process
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from gatepass.crypto import password_worker
from gatepass.crypto.password_worker import DONE, LENGTH
from gatepass.domain.errors import HashingFailed

_START_LIMIT: Final = timedelta(seconds=30)
_MAX_ANSWER_BYTES: Final = 4096
# What an interpreter needs to find its own libraries; everything else may hold a secret and stays here.
_ENVIRONMENT: Final = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class WorkerProcess:
    """
    A running worker. It does one thing at a time: never `ask` again before the answer is there.

    After `HashingFailed` or a cancelled `ask` it is of no use any more: `stop` it.
    """

    def __init__(self, process: Process, time_limit: timedelta) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a worker needs pipes on both sides")
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout
        self._time_limit = time_limit
        self._has_answered = False

    @classmethod
    async def start(cls, time_limit: timedelta) -> WorkerProcess:
        """
        A worker that is up.

        Args:
            time_limit: for each answer; far beyond what any allowed hash takes.

        Raises:
            HashingFailed: it did not come up.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                creationflags=_creation_flags(),
            )
        except OSError as error:
            raise HashingFailed(f"a hash worker could not be started: {error}") from error
        worker = cls(process, time_limit)
        try:
            await worker._answer_within(_START_LIMIT)
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process id, for the log."""
        return self._process.pid

    @property
    def has_answered(self) -> bool:
        """Whether it ever answered a request."""
        return self._has_answered

    async def ask(self, request: bytes) -> bytes:
        """
        The answer to a request: its kind and content.

        Raises:
            HashingFailed: the worker died, or did not answer within the time limit.
        """
        self._requests.write(LENGTH.pack(len(request)) + request)
        answer = await self._answer_within(self._time_limit)
        self._has_answered = True
        return answer

    async def ended(self) -> int:
        """Wait until the process has ended; its exit code, negative for a signal."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Kill the process if it lives, and wait until it is gone. It has nothing to lose."""
        self._requests.close()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()

    async def _answer_within(self, limit: timedelta) -> bytes:
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await self._read_answer()
        except TimeoutError:
            raise HashingFailed(f"hash worker {self.pid} gave no answer within {limit}") from None
        except (asyncio.IncompleteReadError, OSError):
            raise HashingFailed(f"hash worker {self.pid} died") from None

    async def _read_answer(self) -> bytes:
        (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
        if not len(DONE) <= length <= _MAX_ANSWER_BYTES:
            raise HashingFailed(f"hash worker {self.pid} wrote something that is no answer")
        return await self._answers.readexactly(length)


@cache
def _command() -> tuple[str, ...]:
    """
    Isolated and without `site`, whatever way gatepass itself was installed: the worker gets the folders it needs.

    `-I -S` also keeps `PYTHON*`, user packages and `.pth` files out of the process that sees every password.
    """
    folders = dict.fromkeys(_folder_of(module) for module in ("nacl", "_cffi_backend"))
    return (sys.executable, "-I", "-S", password_worker.__file__, *folders)


def _folder_of(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise HashingFailed(f"the Python module {module} is missing: install gatepass[server]")
    origin = Path(spec.origin)
    return str(origin.parent.parent if spec.submodule_search_locations else origin.parent)


def _creation_flags() -> int:
    """Windows cannot lower itself from inside; elsewhere the worker does it."""
    if sys.platform == "win32":
        return subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
    return 0
