"""How long connections to the upstream are kept, and how a dead one is noticed."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any, Final

KEEP_ALIVE: Final = timedelta(seconds=4)
"""
How long an unused connection is kept. Many servers (Node, uvicorn) close after five seconds; a mutation that meets such
an end on its way fails, so we let go first.
"""

PROBE_AFTER_SECONDS: Final = 60


def probe(connection: Any) -> None:
    """
    Let the kernel probe a silent connection.

    An event stream may be silent for long. Without probes a host that lost its power would look like one that has
    nothing to say.

    Args:
        connection: a socket, or what an event loop has in its place.
    """
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER_SECONDS)


def probed_socket(address: Any) -> socket.socket:
    """A new socket for an address as `getaddrinfo` gives it."""
    family, kind, protocol, *_ = address
    connection = socket.socket(family, kind, protocol)
    probe(connection)
    return connection
