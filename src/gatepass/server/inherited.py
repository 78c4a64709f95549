"""
What a server process of several gets from the one that started it: sockets by the numbers of their descriptors.

The numbers stand in the environment, outside the names of settings. `life` is a line on which each end notices that the
other is gone, on which this process says that it answers, and by which processes read each other's reports (JSON);
`aid` is for whatever the application shares with its starter.

A message on `life` is its length (4 bytes, big-endian), its kind, and a body.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

VARIABLE: Final = "_GATEPASS_INHERITED"
READY: Final = b"r"
"""From a process: it answers."""
ASK: Final = b"?"
"""From a process: what do the others report? From the starter: report!"""
REPORT: Final = b"="
"""A report; from the starter a list of them, those of all the others."""

_HEAD: Final = struct.Struct(">Ic")
_MAX_BODY_BYTES: Final = 16_777_216
_PATIENCE_SECONDS: Final = 3.0


@dataclass(slots=True)
class Inherited:
    """Open sockets: those to listen on, and the two lines to the starter."""

    listening: Sequence[socket.socket]
    life: socket.socket
    aid: socket.socket
    _writer: asyncio.StreamWriter | None = field(default=None, repr=False)
    _asking: list[asyncio.Future[Sequence[bytes]]] = field(default_factory=list, repr=False)

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

    async def attend(self, report: Callable[[], bytes]) -> None:
        """Give reports when they are asked for, and take those of others; returns when the starter is gone."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self.life)
        async for kind, body in messages(reader):
            if kind == ASK:
                say(self._writer, REPORT, report())
            elif kind == REPORT and self._asking:
                others = [bytes(other) for other in msgspec.json.decode(body, type=list[msgspec.Raw])]
                self._asking.pop(0).set_result(others)

    def say_ready(self) -> None:
        """Tell the starter that requests are answered."""
        if self._writer is not None:
            say(self._writer, READY)

    async def others(self) -> Sequence[bytes]:
        """What every other process reports now, and what lost ones have reported; nothing if none can say."""
        if self._writer is None or self._writer.is_closing():
            return ()
        answer: asyncio.Future[Sequence[bytes]] = asyncio.get_running_loop().create_future()
        self._asking.append(answer)
        say(self._writer, ASK)
        # Shielded: answers come in the order of the questions, so none may leave the list before its turn.
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(answer), _PATIENCE_SECONDS)
        return ()


def environment_for(life: socket.socket, aid: socket.socket, listening: Sequence[socket.socket]) -> Mapping[str, str]:
    """The environment of a process that shall `take` them; pass the descriptors on as well."""
    numbers = (taken.fileno() for taken in (life, aid, *listening))
    return {**os.environ, VARIABLE: ",".join(map(str, numbers))}


async def messages(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    """Kind and body of each message, until the far end is gone."""
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        while True:
            length, kind = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            if length > _MAX_BODY_BYTES:
                return
            yield kind, await reader.readexactly(length)


def say(writer: asyncio.StreamWriter, kind: bytes, body: bytes = b"") -> None:
    """Send a message; nothing happens where the far end is gone."""
    if not writer.is_closing():
        writer.write(_HEAD.pack(len(body), kind) + body)
