"""
One pool of hash workers for several server processes: each has a line to the process that owns the pool.

More workers than cores are strictly worse, and one bounded queue is fair to all. A message on the line is its length
and its number (4 bytes each, big-endian) and a body. Bodies there: a request of `password_worker`; empty, the caller
has left. Bodies back: an answer of `password_worker`, `!` ‖ why it failed, or `~` ‖ seconds to wait (4 bytes).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
from typing import Final

from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.argon2_passwords import Argon2Passwords
from gatepass.crypto.password_worker import FAILED
from gatepass.domain.errors import HashingFailed, Overloaded

_HEAD: Final = struct.Struct(">II")
_SECONDS: Final = struct.Struct(">I")
_OVERLOADED: Final = b"~"
_MAX_BODY_BYTES: Final = 65_536
_LOST: Final = "the process that hashes passwords is gone"


async def share(passwords: Argon2Passwords, line: socket.socket) -> None:
    """
    Answer what comes on a line until its far end closes; requests that are open then cost nothing more.

    Args:
        line: one end of a stream `socketpair`; closed when this returns.
    """
    reader, writer = await asyncio.open_unix_connection(sock=line)
    asked: dict[int, asyncio.Task[None]] = {}
    try:
        while (message := await _read(reader)) is not None:
            number, request = message
            if request:
                task = asked[number] = asyncio.create_task(_answer(passwords, writer, number, request))
                task.add_done_callback(lambda _, number=number: asked.pop(number, None))  # type: ignore[misc]
            elif (left := asked.get(number)) is not None:
                left.cancel()
    finally:
        for task in list(asked.values()):
            task.cancel()
        writer.close()


class SharedPool(Argon2Passwords):
    """
    The port `Passwords` over the pool of another process. `start` it before use and `close` it after.

    Args:
        parameters: as those of the pool.
        line: the other end of the pool's.
    """

    def __init__(self, parameters: Argon2Parameters, line: socket.socket) -> None:
        super().__init__(parameters)
        self._line = line
        self._numbers = itertools.cycle(range(2**32))
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """
        Take up the line, and make the hash that stands in for a missing one.

        Raises:
            HashingFailed, Overloaded: the far end did not.
        """
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line)
        self._reading = asyncio.create_task(self._read_answers(reader))
        await self.make_stand_in()

    async def close(self) -> None:
        """Let go of the line; requests that still wait fail as `HashingFailed`."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def waiting(self) -> int:
        """How many requests of this process are open, for metrics."""
        return len(self._asked)

    async def ask(self, request: bytes) -> bytes:
        """See `Argon2Passwords.ask`. A cancelled caller leaves the line at once and costs no hash."""
        if self._writer is None or self._writer.is_closing():
            raise HashingFailed(_LOST)
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        _write(self._writer, number, request)
        try:
            return _read_answer(await answer)
        except asyncio.CancelledError:
            _write(self._writer, number, b"")
            raise
        finally:
            self._asked.pop(number, None)

    async def _read_answers(self, reader: asyncio.StreamReader) -> None:
        try:
            while (message := await _read(reader)) is not None:
                number, answer = message
                waiting = self._asked.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        finally:
            if self._writer is not None:
                self._writer.close()
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(HashingFailed(_LOST))


async def _answer(passwords: Argon2Passwords, writer: asyncio.StreamWriter, number: int, request: bytes) -> None:
    try:
        answer = await passwords.ask(request)
    except Overloaded as overloaded:
        answer = _OVERLOADED + _SECONDS.pack(overloaded.retry_after_seconds or 1)
    except HashingFailed as failed:
        answer = FAILED + str(failed).encode()
    _write(writer, number, answer)


def _read_answer(answer: bytes) -> bytes:
    if answer.startswith(_OVERLOADED):
        raise Overloaded(retry_after_seconds=_SECONDS.unpack(answer[len(_OVERLOADED) :])[0])
    return answer


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes] | None:
    """The next message; `None` when the far end is gone or says what is no message."""
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        length, number = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if length <= _MAX_BODY_BYTES:
            return number, await reader.readexactly(length)
    return None


def _write(writer: asyncio.StreamWriter, number: int, body: bytes) -> None:
    """Never waits: what is under way is bounded by the pool's queue, and each message by its content."""
    if not writer.is_closing():
        writer.write(_HEAD.pack(len(body), number) + body)
