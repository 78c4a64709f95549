"""What the starter of several processes does for them; the processes themselves: `tests/e2e/test_workers.py`."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from gatepass.server.reports import Line, Reports
from gatepass.server.run import Stop
from gatepass.server.supervisor import Servers, _pause_seconds
from gatepass.telemetry.metrics import Metrics, settled

# Starts for as long as nobody lets it, as one does that waits for its database; then says that it answers.
CHILD = """
import os, signal, socket
life, aid = (socket.socket(fileno=int(number)) for number in os.environ["_GATEPASS_INHERITED"].split(",")[:2])
aid.recv(1)
signal.signal(signal.SIGHUP, lambda *_: aid.sendall(b"reloaded"))
life.sendall(bytes(4) + b"r")
while True:
    signal.pause()
"""


def test_starts_that_fail_are_tried_again_more_and_more_slowly_but_soon_enough() -> None:
    """Whoever has no database is not asked all the time, and has its processes seconds after it is back."""
    pauses = [_pause_seconds(failures) for failures in range(100)]
    assert pauses[:4] == [0.0, 0.1, 0.2, 0.4]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5.0


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGHUP and sockets that processes inherit")
async def test_a_reload_reaches_one_that_is_starting_once_it_answers() -> None:
    """SIGHUP ends a process that does not expect it yet: `systemctl reload` beside a start was a lost process."""
    heard: list[bytes] = []
    stop = Stop()

    async def aid(line: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with line:
            line.setblocking(False)
            await servers.reload()
            await loop.sock_sendall(line, b"!")
            heard.append(await loop.sock_recv(line, 64))
        stop.request()

    command = [sys.executable, "-c", CHILD]
    servers = Servers(1, [], aid, on_ready=lambda: None, settle=settled, drain_seconds=30, command=command)
    await asyncio.wait_for(servers.run(stop), 60)
    assert heard == [b"reloaded"]


async def test_what_lost_processes_have_counted_is_one_report_however_many_they_were() -> None:
    """Each scrape takes it along: a thousand reports of lost processes were a thousand to send and to read."""
    reports = Reports(settled)
    sizes = set()
    for _ in range(1000):
        lost, counted = Line(), Metrics()
        counted.request("query", "OK", 0.02)
        lost.last = counted.snapshot()
        reports.lines.add(lost)
        reports.lose(lost)
        kept = await reports.of_others(Line())
        sizes.add(len(kept))
    assert sizes == {1}
    page, _ = Metrics().render(kept)
    assert b'gatepass_requests_total{code="OK",operation="query"} 1000.0' in page
    assert reports.lines == set()
