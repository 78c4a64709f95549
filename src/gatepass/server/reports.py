"""What the starter of several server processes knows of each: whether it answers, and what it reports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Final

from gatepass.server.inherited import ASK, READY, REPORT, messages, say

Settle = Callable[[Sequence[bytes]], bytes]
"""Makes one report of several whose processes are gone."""

_PATIENCE_SECONDS: Final = 1.0


class Line:
    """The line to one process."""

    def __init__(self) -> None:
        self.is_ready = False
        self.reported = asyncio.Event()
        self.last: bytes | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def listen(self, life: socket.socket, reports: Reports, on_ready: Callable[[], None]) -> None:
        """Take what it says, until it is gone."""
        reader, self._writer = await asyncio.open_unix_connection(sock=life)
        async for kind, body in messages(reader):
            if kind == READY:
                self.is_ready = True
                on_ready()
            elif kind == ASK:
                say(self._writer, REPORT, b"[" + b",".join(await reports.of_others(self)) + b"]")
            elif kind == REPORT:
                self.last = body
                self.reported.set()

    def ask(self) -> None:
        """Have it report."""
        if self._writer is not None:
            self.reported.clear()
            say(self._writer, ASK)

    def close(self) -> None:
        """Let go of it; the process notices."""
        if self._writer is not None:
            self._writer.close()


class Reports:
    """
    What all processes report.

    Those that were lost count on with their last reports, so that no sum ever falls; these become one, for there may be
    any number of them.
    """

    def __init__(self, settle: Settle) -> None:
        self.lines: set[Line] = set()
        self._settle = settle
        self._of_lost: tuple[bytes, ...] = ()

    def lose(self, line: Line) -> None:
        """The process is gone."""
        self.lines.discard(line)
        if line.last is not None:
            self._of_lost = (self._settle((*self._of_lost, line.last)),)

    async def of_others(self, asker: Line) -> list[bytes]:
        """A fresh report of every other process that answers in time, the last one of those that do not."""
        others = [line for line in self.lines if line is not asker and line.is_ready]
        for line in others:
            line.ask()
        answered = [asyncio.create_task(line.reported.wait()) for line in others]
        if answered:
            _, late = await asyncio.wait(answered, timeout=_PATIENCE_SECONDS)
            for waiting in late:
                waiting.cancel()
        return [*(line.last for line in others if line.last is not None), *self._of_lost]
