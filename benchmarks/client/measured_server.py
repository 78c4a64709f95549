"""The token server as a process, and its two addresses for measurement."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from benchmarks.client.token_server import Figures
from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import free_port, server


@dataclass(frozen=True)
class MeasuredServer:
    """On loopback."""

    port: int

    @property
    def address(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}/graphql/"

    def begin(self, life_seconds: float = 3600.0, **settings: float) -> None:
        """Forget what came; see `token_server.Tokens`."""
        settings = {"life_seconds": life_seconds, **settings}
        httpx2.post(f"http://127.0.0.1:{self.port}/begin", json=settings).raise_for_status()

    def figures(self) -> Figures:
        """What came since."""
        return Figures(**httpx2.get(f"http://127.0.0.1:{self.port}/figures").json())


@contextlib.contextmanager
def measured_server(cores: Cores | None = None) -> Iterator[MeasuredServer]:
    """Runs as long as the block."""
    port = free_port()
    with server([sys.executable, "-m", "benchmarks.client.token_server", str(port)], port, cores=cores):
        yield MeasuredServer(port)
