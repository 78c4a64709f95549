"""
Several server processes on the same sockets: started, replaced when one is lost, drained together.

The starter accepts nothing itself. It holds the listening sockets, so that connections wait in their backlog while a
lost process is replaced, and one line to each process, which ends with either of the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from gatepass.domain.errors import GatepassError
from gatepass.server.inherited import environment_for
from gatepass.server.listening import listen, port_of
from gatepass.server.protocol import ServerLimits
from gatepass.server.reports import Line, Reports, Settle
from gatepass.server.run import Listening, Stop, stopped_by_signals
from gatepass.settings.addresses import url_host

Aid = Callable[[socket.socket], Awaitable[None]]
"""Serves one process over the line that it shares with its starter, until that process is gone."""

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0
"""Starts fail while the database is away; once it is back nobody shall miss a process for long."""
_END_SECONDS: Final = 3.0
"""What an ending process may take beyond its drain before it is killed."""

_log = logging.getLogger(__name__)


class NotStartedError(GatepassError):
    """A process ended before all of them were ready."""


def run_servers(
    count: int,
    *,
    host: str,
    port: int,
    on_listening: Listening,
    aid: Callable[[], contextlib.AbstractAsyncContextManager[Aid]],
    settle: Settle,
    limits: ServerLimits,
) -> None:
    """
    Run this very command `count` times as server processes, until SIGTERM or Ctrl-C, then drain them and return.

    SIGHUP goes on to each, once it answers.

    Args:
        on_listening: told once every one of them answers.
        aid: entered before the first start; what it yields serves each process.
        settle: keeps what lost processes have reported.

    Raises:
        CannotListenError: before anything was started.
        NotStartedError: nothing is left running.
        KeyboardInterrupt: after the drain, if Ctrl-C was the reason.
    """
    sockets = listen(host, port, limits.backlog)
    address = f"http://{url_host(sockets[0].getsockname()[0])}:{port_of(sockets)}"

    async def until_stopped() -> int | None:
        async with aid() as serve_aid:
            servers = Servers(
                count,
                sockets,
                serve_aid,
                on_ready=lambda: on_listening(address),
                settle=settle,
                drain_seconds=limits.drain_seconds,
            )
            async with stopped_by_signals(servers.reload) as stop:
                await servers.run(stop)
        return stop.signal

    with asyncio.Runner() as runner:
        received = runner.run(until_stopped())
    if received == signal.SIGINT:
        raise KeyboardInterrupt


class Servers:
    """The processes and their places."""

    def __init__(
        self,
        count: int,
        sockets: Sequence[socket.socket],
        aid: Aid,
        *,
        on_ready: Callable[[], None],
        settle: Settle,
        drain_seconds: float,
        command: Sequence[str] | None = None,
    ) -> None:
        """
        Take what they share.

        Args:
            sockets: closed when `run` returns.
            command: what each runs; the command line of this process unless told.
        """
        self._count = count
        self._sockets = sockets
        self._aid = aid
        self._on_ready = on_ready
        self._drain_seconds = drain_seconds
        self._command = [sys.executable, *sys.orig_argv[1:]] if command is None else command
        self._running: dict[Process, Line] = {}
        self._reports = Reports(settle)
        self._to_reload: set[Line] = set()
        self._serving: set[asyncio.Future[None]] = set()
        self._were_ready = False

    async def run(self, stop: Stop) -> None:
        """
        Keep every place filled until `stop` asks for the end; then drain.

        Raises:
            NotStartedError: the first start failed.
        """
        places = [asyncio.create_task(self._fill_place()) for _ in range(self._count)]
        stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.requested.wait())
        try:
            await asyncio.wait({stopping, *places}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, *places):
                task.cancel()
            outcomes = await asyncio.gather(*places, return_exceptions=True)
            await self._drain(stop)
        for outcome in outcomes:
            if isinstance(outcome, NotStartedError):
                raise outcome

    async def reload(self) -> None:
        """Pass SIGHUP on. It would end one that is just starting, which gets it once it answers."""
        self._to_reload.update(self._running.values())
        self._pass_reload_on()

    async def _fill_place(self) -> None:
        """Always a process there. Those that end in a row before they were ready are replaced more and more slowly."""
        failures = 0
        while True:
            process, line = await self._start()
            code = await process.wait()
            self._running.pop(process).close()
            self._reports.lose(line)
            self._to_reload.discard(line)
            if not self._were_ready:
                raise NotStartedError("a server process did not start; its own message stands above")
            failures = 0 if line.is_ready else failures + 1
            _log.error("server process %d was lost (exit code %d); another takes its place", process.pid, code)
            await asyncio.sleep(_pause_seconds(failures))

    async def _start(self) -> tuple[Process, Line]:
        (life, its_life), (aid, its_aid) = socket.socketpair(), socket.socketpair()
        life.setblocking(False)
        with its_life, its_aid:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env=environment_for(its_life, its_aid, self._sockets),
                pass_fds=[taken.fileno() for taken in (its_life, its_aid, *self._sockets)],
                # A terminal sends Ctrl-C to its whole group; these are told by their starter.
                process_group=0,
            )
        line = self._running[process] = Line()
        self._reports.lines.add(line)
        self._begin(line.listen(life, self._reports, self._note_ready))
        self._begin(self._aid(aid))
        return process, line

    def _begin(self, serving: Awaitable[None]) -> None:
        """Have a line served as long as its process lives, which may be longer than its place is filled."""
        task = asyncio.ensure_future(serving)
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    def _note_ready(self) -> None:
        self._pass_reload_on()
        if not self._were_ready and sum(line.is_ready for line in self._running.values()) == self._count:
            self._were_ready = True
            self._on_ready()

    async def _drain(self, stop: Stop) -> None:
        """
        Ask all to end; a second request to stop is passed on; who does not end in time is killed.

        The sockets go first: what connected to them now would wait for processes that accept nothing any more.
        """
        for taken in self._sockets:
            taken.close()
        self._send_all(signal.SIGTERM)
        insisting = asyncio.create_task(self._insist(stop))
        try:
            async with asyncio.timeout(self._drain_seconds + _END_SECONDS):
                await self._all_ended()
        except TimeoutError:
            self._send_all(signal.SIGKILL)
            await self._all_ended()
        finally:
            insisting.cancel()
            for line in self._running.values():
                line.close()

    async def _all_ended(self) -> None:
        await asyncio.gather(*(process.wait() for process in self._running))

    async def _insist(self, stop: Stop) -> None:
        await stop.insisted.wait()
        self._send_all(signal.SIGTERM)

    def _pass_reload_on(self) -> None:
        for process, line in self._running.items():
            if line.is_ready and line in self._to_reload:
                self._to_reload.discard(line)
                _send(process, signal.SIGHUP)

    def _send_all(self, number: int) -> None:
        for process in self._running:
            _send(process, number)


def _send(process: Process, number: int) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


def _pause_seconds(failures: int) -> float:
    """Nothing after one that had been ready, then 0.1 s doubling up to 5 s."""
    if not failures:
        return 0.0
    return min(_FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16), _LONGEST_PAUSE_SECONDS)
