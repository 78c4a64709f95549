"""The listening socket, taken before anything else is done: a taken port is found before anything is said."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

from gatepass.domain.errors import GatepassError


class CannotListenError(GatepassError):
    """The server cannot listen there; the message says how to mend it."""


def listen(host: str, port: int, backlog: int = 2048) -> list[socket.socket]:
    """
    Listening sockets for every address of `host`.

    Connections wait in the backlog until somebody accepts them, so none is refused while the application starts.

    Args:
        port: 0 takes any free one.

    Raises:
        CannotListenError: taken, not allowed, or no address of this machine.
    """
    sockets: list[socket.socket] = []
    refused: OSError | None = None
    for family, address in _addresses(host, port):
        if sockets and port == 0:
            address = (address[0], port_of(sockets), *address[2:])  # noqa: PLW2901 - the same one for each address
        try:
            sockets.append(_listen_on(family, address, backlog))
        except OSError as error:
            refused = error
            # A machine without IPv6 may still say that localhost has an IPv6 address.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                break
    if refused is not None and (not sockets or refused.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)):
        for taken in sockets:
            taken.close()
        raise CannotListenError(_why(refused, host, port)) from refused
    return sockets


def port_of(sockets: Sequence[socket.socket]) -> int:
    """The port that they listen on."""
    port: int = sockets[0].getsockname()[1]
    return port


def _addresses(host: str, port: int) -> list[tuple[int, tuple[str | int, ...]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotListenError(f"{host} is no address of this machine: pick another with --host") from error
    return list(
        dict.fromkeys(
            (int(family), tuple(address)) for family, _, _, _, address in found if isinstance(address[0], str)
        )
    )


def _listen_on(family: int, address: tuple[str | int, ...], backlog: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(backlog)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken: stop what uses it or pick another with --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} needs privileges: pick one above 1023 with --port, and put a proxy in front"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: pick another with --host"
    return f"cannot listen on {host} port {port}: {error.strerror}"
