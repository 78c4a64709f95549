"""Runs a server until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import uvicorn

from gatepass.http.asgi import App
from gatepass.server.inherited import Inherited
from gatepass.server.lifespan import Lifespan
from gatepass.server.listening import listen, port_of
from gatepass.server.protocol import BoundedConfig, BoundedHttpProtocol, ServerLimits
from gatepass.settings.addresses import url_host

Listening = Callable[[str], None]
"""Told the address, such as `http://127.0.0.1:8000`, once connections are answered."""
Reload = Callable[[], Awaitable[None]]

_TICKS_A_SECOND = 10
_log = logging.getLogger(__name__)


class Stop:
    """A request to stop. The first drains: open requests may finish. The second ends at once."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self.insisted = asyncio.Event()
        self.signal: int | None = None

    def request(self, signal_number: int | None = None) -> None:
        """Ask; again to insist."""
        if self.requested.is_set():
            self.insisted.set()
        self.signal = self.signal or signal_number
        self.requested.set()


def run_server(
    app: App,
    *,
    host: str,
    port: int,
    on_listening: Listening,
    limits: ServerLimits | None = None,
    reload: Reload | None = None,
) -> None:
    """
    Serve until SIGTERM or Ctrl-C, then drain and return.

    Args:
        reload: called on SIGHUP; what it raises is logged and the server goes on.

    Raises:
        CannotListenError: before the application is started.
        KeyboardInterrupt: after the drain, if Ctrl-C was the reason.
    """
    sockets = listen(host, port, (limits or ServerLimits()).backlog)

    async def until_stopped() -> int | None:
        async with stopped_by_signals(reload) as stop:
            await serve(app, sockets=sockets, on_listening=on_listening, limits=limits, stop=stop)
        return stop.signal

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        received = runner.run(until_stopped())
    if received == signal.SIGINT:
        raise KeyboardInterrupt


def run_inherited(
    app: App,
    inherited: Inherited,
    *,
    report: Callable[[], bytes],
    limits: ServerLimits | None = None,
    reload: Reload | None = None,
) -> None:
    """
    Serve on sockets that another process holds, until it says so or is gone, then drain and return.

    Args:
        report: JSON, what the other processes may ask of this one.
        reload: as for `run_server`.
    """

    async def until_stopped() -> None:
        async with stopped_by_signals(reload) as stop:
            watching = asyncio.create_task(_stop_when_alone(inherited, report, stop))
            await serve(
                app,
                sockets=list(inherited.listening),
                on_listening=lambda _: inherited.say_ready(),
                limits=limits,
                stop=stop,
            )
            watching.cancel()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(until_stopped())


async def _stop_when_alone(inherited: Inherited, report: Callable[[], bytes], stop: Stop) -> None:
    """A starter that was killed cannot say so."""
    await inherited.attend(report)
    if not stop.requested.is_set():
        stop.request()


async def serve(
    app: App,
    *,
    sockets: list[socket.socket],
    on_listening: Listening,
    limits: ServerLimits | None = None,
    stop: Stop | None = None,
) -> None:
    """
    Serve within a running loop, until `stop` asks for the end or the task is cancelled.

    What the application raises at its start passes through.

    Args:
        sockets: from `listen`; closed when this returns.
    """
    server = _Server(BoundedConfig(app, limits or ServerLimits()), stop or Stop(), on_listening)
    try:
        await server.serve(sockets)
    finally:
        await server.finish(sockets)


@contextlib.asynccontextmanager
async def stopped_by_signals(reload: Reload | None = None) -> AsyncIterator[Stop]:
    """
    A `Stop` that SIGTERM and SIGINT ask. In the main thread only.

    Args:
        reload: called on SIGHUP. Without it SIGHUP stops as well: the terminal is gone.
    """
    stop = Stop()
    hangup = getattr(signal, "SIGHUP", None)
    stopping = [signal.SIGINT, signal.SIGTERM, *([hangup] if hangup and not reload else [])]
    with contextlib.ExitStack() as handlers:
        for number in stopping:
            handlers.enter_context(_handled(number, stop.request))
        if hangup and reload:
            reloading = _Reloading(reload)
            handlers.enter_context(_handled(hangup, lambda _: reloading.begin()))
        yield stop


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A fast one where there is one."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - there is none for Windows

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class _Server(uvicorn.Server):
    """Uvicorn's server, with signals, start and end in our hands."""

    config: BoundedConfig

    def __init__(self, config: BoundedConfig, stop: Stop, on_listening: Listening) -> None:
        super().__init__(config)
        config.load()
        config.lifespan_class = Lifespan
        self._stop = stop
        self._on_listening = on_listening

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `stopped_by_signals`: uvicorn would raise them again after a clean end."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once it is true."""
        await super().startup(sockets)
        _spare_collections()
        if sockets and not self._stop.requested.is_set():
            self._on_listening(f"http://{url_host(_host_of(sockets))}:{port_of(sockets)}")

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: see whether to stop. Once a second: see whose head takes too long."""
        if counter % _TICKS_A_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedHttpProtocol):
                    connection.check_time(now)
        return await super().on_tick(counter) or self._stop.requested.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain; a second request to stop ends the waiting."""
        insisting = asyncio.create_task(self._force_if_insisted())
        try:
            await self._take_what_waits(sockets or [])
            await super().shutdown(sockets)
        finally:
            insisting.cancel()

    async def finish(self, sockets: Sequence[socket.socket]) -> None:
        """Let go of everything, however the serving ended. May come after `shutdown`."""
        for server in getattr(self, "servers", []):
            server.close()
        for taken in sockets:
            taken.close()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        lifespan = getattr(self, "lifespan", None)
        if isinstance(lifespan, Lifespan):
            await lifespan.shutdown()

    async def _take_what_waits(self, sockets: Sequence[socket.socket]) -> None:
        """
        Accept the connections in the backlog, after which nobody is told that there is a server here.

        Closing the socket would reset them, and whoever has sent a request on one would not know whether it was run.
        """
        loop = asyncio.get_running_loop()
        waiting = [taken.dup() for taken in sockets]
        for server in self.servers:
            server.close()
        for listening in waiting:
            with listening, contextlib.suppress(BlockingIOError, InterruptedError):
                listening.setblocking(False)
                while True:
                    await loop.connect_accepted_socket(self._connection, listening.accept()[0])

    def _connection(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self.config, self.server_state, self.lifespan.state)

    async def _force_if_insisted(self) -> None:
        await self._stop.insisted.wait()
        self.force_exit = True


class _Reloading:
    """One reload at a time."""

    def __init__(self, reload: Reload) -> None:
        self._reload = reload
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            await self._reload()
        except Exception:
            _log.exception("reloading failed; what was loaded before stays in force")


@contextlib.contextmanager
def _handled(number: int, handle: Callable[[int], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        former = signal.signal(number, lambda received, _: loop.call_soon_threadsafe(handle, received))
        try:
            yield
        finally:
            signal.signal(number, former)
        return
    loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


def _spare_collections() -> None:
    """
    Leave what the start has made out of all further garbage collections, and collect the young ones less often.

    A request makes a few hundred objects that die with it and no cycles, so collections find next to nothing. But a
    parsed document is full of cycles: who sends hostile ones all the time is to find the old generation collected.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 5)


def _host_of(sockets: Sequence[socket.socket]) -> str:
    host: str = sockets[0].getsockname()[0]
    return host
