"""
Hash workers that serve one world after the other, in place of new processes for each.

They are the product's own, and `PasswordPool` does with them what it does with any. Only `tests/crypto`, which is about
how they start and are lost, has new ones each time.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

from gatepass.crypto import password_pool, worker_process
from gatepass.crypto.worker_process import WorkerProcess


@dataclass(frozen=True)
class _Child:
    """A worker between two loops, and our end of the line to it."""

    process: subprocess.Popen[bytes]
    line: socket.socket

    @classmethod
    def start(cls) -> _Child:
        ours, theirs = socket.socketpair()
        with theirs:
            environ = {name: os.environ[name] for name in worker_process._ENVIRONMENT if name in os.environ}
            process = subprocess.Popen(
                worker_process._command(), stdin=theirs.fileno(), stdout=theirs.fileno(), env=environ
            )
        return cls(process, ours)

    def end(self) -> None:
        self.line.close()
        self.process.kill()
        self.process.wait()


_idle: Final[list[_Child]] = []


class _OnLoop:
    """What a `WorkerProcess` uses of asyncio's `Process`, for a child that is older than the loop."""

    def __init__(self, child: _Child, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.child, self.pid = child, child.process.pid
        self.stdin, self.stdout = writer, reader
        self.kill = child.process.kill
        self._over = asyncio.Event()
        self._life = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._life, self._over.set)

    @property
    def returncode(self) -> int | None:
        return self.child.process.poll()

    async def wait(self) -> int:
        """Until it has ended, or is in nobody's hands any more."""
        await self._over.wait()
        return self.returncode or 0

    async def let_go(self) -> None:
        """The loop has it no longer."""
        asyncio.get_running_loop().remove_reader(self._life)
        os.close(self._life)
        self.stdin.close()
        await self.stdin.wait_closed()
        self._over.set()


class KeptWorker(WorkerProcess):
    """A worker that is kept for the next `start` when it is stopped, if it lives and owes nobody an answer."""

    def __init__(self, held: _OnLoop, time_limit: timedelta) -> None:
        super().__init__(cast(Process, held), time_limit)
        self._held = held
        self._owes = False

    @classmethod
    async def start(cls, time_limit: timedelta) -> WorkerProcess:
        """One that was kept, or a new one."""
        while _idle:
            child = _idle.pop()
            if child.process.poll() is None:
                return await cls._on_this_loop(child, time_limit)
            child.end()
        worker = await cls._on_this_loop(_Child.start(), time_limit)
        worker._owes = True
        try:
            await worker._answer_within(worker_process._START_LIMIT)
        except BaseException:
            await worker.stop()
            raise
        worker._owes = False
        return worker

    @classmethod
    async def _on_this_loop(cls, child: _Child, time_limit: timedelta) -> KeptWorker:
        return cls(_OnLoop(child, *await asyncio.open_unix_connection(sock=child.line.dup())), time_limit)

    async def ask(self, request: bytes) -> bytes:
        """As of any."""
        self._owes = True
        answer = await super().ask(request)
        self._owes = False
        return answer

    async def stop(self) -> None:
        """Keep it, or end it."""
        await self._held.let_go()
        child = self._held.child
        if self._owes or child.process.poll() is not None:
            child.end()
        else:
            _idle.append(child)


def keep_workers() -> None:
    """From now on, in this process."""
    if sys.platform == "linux":  # elsewhere there is no `pidfd_open`
        vars(password_pool)["WorkerProcess"] = KeptWorker


def end_workers() -> None:
    """Those that were kept."""
    while _idle:
        _idle.pop().end()
