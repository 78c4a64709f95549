"""
What a server process of several gets from the one that started it: sockets by the numbers of their descriptors.

The numbers stand in the environment, outside the names of settings. `life` tells each end whether the other one
lives, and the starter when this process answers; `aid` is for whatever the application shares with its starter.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

VARIABLE: Final = "_GATEPASS_INHERITED"
READY: Final = b"r"


@dataclass(frozen=True, slots=True)
class Inherited:
    """Open sockets: those to listen on, and the two lines to the starter."""

    listening: Sequence[socket.socket]
    life: socket.socket
    aid: socket.socket

    @classmethod
    def take(cls, environ: MutableMapping[str, str] = os.environ) -> Inherited | None:
        """
        What this process inherited, once; `None` in one that was started by hand.

        The variable is removed: processes that this one starts inherit nothing.
        """
        numbers = environ.pop(VARIABLE, None)
        if numbers is None:
            return None
        life, aid, *listening = (socket.socket(fileno=int(number)) for number in numbers.split(","))
        for taken in (life, aid, *listening):
            taken.setblocking(False)
            taken.set_inheritable(False)
        return cls(listening, life, aid)

    def say_ready(self) -> None:
        """Tell the starter that requests are answered."""
        self.life.send(READY)

    async def starter_gone(self) -> None:
        """Return when the starter has ended, however it did."""
        loop = asyncio.get_running_loop()
        try:
            while await loop.sock_recv(self.life, 1):
                pass
        except OSError:
            return


def environment_for(life: socket.socket, aid: socket.socket, listening: Sequence[socket.socket]) -> Mapping[str, str]:
    """The environment of a process that shall `take` them; pass the descriptors on as well."""
    numbers = (taken.fileno() for taken in (life, aid, *listening))
    return {**os.environ, VARIABLE: ",".join(map(str, numbers))}
