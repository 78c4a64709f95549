"""How a server starts, says so, drains and ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.domain.errors import KeyUnusable
from gatepass.http.asgi import Receive, Scope, Send
from gatepass.server import CannotListenError, Stop, listen, run_server, serve
from gatepass.server.lifespan import StartFailedError
from tests.server.conftest import Start, StubApp

PROGRAM = """
    import asyncio, sys
    from gatepass.server import run_server, ServerLimits

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                print(step, flush=True)
                await send({"type": f"lifespan.{step}.complete"})
            return
        if scope["path"] == "/slow":
            await asyncio.sleep(1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/endless":
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            await asyncio.sleep(600)
        await send({"type": "http.response.body", "body": b"done"})

    async def reload():
        print("reload", flush=True)
        raise RuntimeError("the upstream is away")

    run_server(
        app, host="127.0.0.1", port=0, on_listening=lambda address: print(address, flush=True),
        limits=ServerLimits(drain_seconds=float(sys.argv[1])), reload=reload,
    )
    print("returned", flush=True)
"""


@pytest.fixture
def program(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A server as a process of its own that says when it has started; its parameter is the drain in seconds."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM))
    command = [sys.executable, str(script), getattr(request, "param", "3")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "startup\n"
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def asks(process: subprocess.Popen[str], path: str) -> socket.socket:
    assert process.stdout is not None
    port = int(process.stdout.readline().rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return connection


def test_sigterm_drains_and_ends_with_0(program: subprocess.Popen[str]) -> None:
    """A request that is being answered is answered to its end."""
    with asks(program, "/slow") as connection:
        time.sleep(0.3)
        program.terminate()
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    out, err = program.communicate(timeout=10)
    assert b"done" in answer
    assert (program.returncode, out, err) == (0, "shutdown\nreturned\n", "")


def test_ctrl_c_drains_and_says_that_it_was_interrupted(program: subprocess.Popen[str]) -> None:
    """KeyboardInterrupt after a clean end; the command line makes 130 of it."""
    with asks(program, "/") as connection:
        connection.recv(4096)
        program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=10)
    assert out == "shutdown\n"
    assert err.endswith("KeyboardInterrupt\n")


def test_the_drain_has_an_end(program: subprocess.Popen[str]) -> None:
    """A stream that never ends cannot keep the server."""
    with asks(program, "/endless") as connection:
        connection.recv(4096)
        started = time.monotonic()
        program.terminate()
        out, _ = program.communicate(timeout=20)
    assert time.monotonic() - started > 2.5
    assert (program.returncode, out) == (0, "shutdown\nreturned\n")


@pytest.mark.parametrize("program", ["60"], indirect=True)
def test_a_second_signal_ends_the_drain(program: subprocess.Popen[str]) -> None:
    """And the application is still stopped in order."""
    with asks(program, "/endless") as connection:
        connection.recv(4096)
        program.terminate()
        time.sleep(0.3)
        program.terminate()
        out, _ = program.communicate(timeout=20)
    assert (program.returncode, out) == (0, "shutdown\nreturned\n")


def test_sighup_reloads_and_a_failed_reload_is_only_logged(program: subprocess.Popen[str]) -> None:
    """What was loaded before stays in force."""
    assert program.stdout is not None
    address = program.stdout.readline().strip()
    program.send_signal(signal.SIGHUP)
    assert program.stdout.readline() == "reload\n"
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == b"done"
    program.terminate()
    out, err = program.communicate(timeout=10)
    assert (program.returncode, out) == (0, "shutdown\nreturned\n")
    assert "reloading failed" in err


async def test_the_address_is_told_when_it_answers(started: Start) -> None:
    """Not before: who prints it can paste it."""
    async with started() as server:
        assert server.app.events == ["startup"]
        assert (await server.sends(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).startswith(
            b"HTTP/1.1 200"
        )
    assert server.app.events == ["startup", "shutdown"]


async def test_a_taken_port_is_found_before_the_application_starts(started: Start) -> None:
    """And the message says what to do."""
    app = StubApp()
    async with started() as server:
        with pytest.raises(
            CannotListenError, match=rf"^port {server.port} is taken: stop what uses it or pick another"
        ):
            run_server(app, host="127.0.0.1", port=server.port, on_listening=lambda _: None)
    assert app.events == []


async def test_a_port_can_be_taken_again_at_once(started: Start) -> None:
    """Restarting does not wait for old connections to time out."""
    async with started() as server:
        await server.sends(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    stop = Stop()
    await serve(StubApp(), sockets=listen("127.0.0.1", server.port), on_listening=lambda _: stop.request(), stop=stop)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_foreign_address_is_refused_in_words(host: str) -> None:
    """TEST-NET-1 and a name that does not exist."""
    with pytest.raises(CannotListenError, match=f"{host} is no address of this machine: pick another with --host"):
        listen(host, 0)


def test_localhost_is_every_loopback_address() -> None:
    """One port for IPv4 and IPv6, where the machine has both."""
    sockets = listen("localhost", 0)
    assert len({taken.getsockname()[1] for taken in sockets}) == 1
    for taken in sockets:
        taken.close()


async def test_what_an_application_raises_at_its_start_comes_through() -> None:
    """The command line says it in one line; a logged stack trace and an exit code would not."""

    async def unusable(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyUnusable("the secret key is another")

    with pytest.raises(KeyUnusable, match="the secret key is another"):
        await serve(unusable, sockets=listen("127.0.0.1", 0), on_listening=lambda _: pytest.fail("it does not listen"))


async def test_a_start_that_failed_is_told() -> None:
    """As the ASGI specification has it."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no store"})

    with pytest.raises(StartFailedError, match="no store"):
        await serve(failing, sockets=listen("127.0.0.1", 0), on_listening=lambda _: None)


async def test_a_cancelled_server_stops_its_application(started: Start) -> None:
    """Whatever ends it, nothing is left behind."""
    app = StubApp()
    with pytest.raises(asyncio.CancelledError):
        async with started(app) as server:
            server.task.cancel()
    assert app.events == ["startup", "shutdown"]
