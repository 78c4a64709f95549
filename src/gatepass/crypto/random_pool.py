"""Random bytes from the operating system, fetched in advance."""

from __future__ import annotations

import os

_POOL_BYTES = 4096


class RandomPool:
    """
    The port `RandomBytes`: as `os.urandom`, at a twentieth of the system calls.

    Each call of `os.urandom` lets go of the interpreter lock, and another thread takes it: 26 µs of a refresh. No byte
    is given out twice. For the thread of one event loop; a forked child throws the rest away.
    """

    def __init__(self) -> None:
        self._pool = b""
        self._next = 0
        self._process = 0

    def __call__(self, count: int) -> bytes:
        """That many bytes."""
        if self._next + count > len(self._pool) or self._process != os.getpid():
            self._pool, self._next, self._process = os.urandom(max(_POOL_BYTES, count)), 0, os.getpid()
        taken = self._pool[self._next : self._next + count]
        self._next += count
        return taken
