"""A lock between processes, and between the threads of each: an open file that is locked."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import weakref
from pathlib import Path
from typing import Final, Self

from gatepass.client.stored import StoreError

_PAUSE_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 120.0


class FileLock:
    """
    Held until it is released or the process ends, however it ends. The file stays: removing it would let two in.

    A child after a fork does not hold it, also if its parent did.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        _all.add(self)

    def try_acquire(self) -> bool:
        """
        Take it if it is free.

        Raises:
            StoreError: the file cannot be opened.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be opened: {error.strerror}.") from error
        # Known before it is locked: a fork in between must find it.
        self._descriptor = descriptor
        if _lock(descriptor):
            return True
        self._close()
        return False

    def release(self) -> None:
        """Give it back; nothing happens if it is not held."""
        if self._descriptor is not None:
            # Said and not left to the closing: a child may have the descriptor open still.
            _unlock(self._descriptor)
            self._close()

    def __enter__(self) -> Self:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.try_acquire():
            if time.monotonic() > deadline:
                raise StoreError(f"Another process has held {self._path} for {_PATIENCE_SECONDS:.0f} seconds.")
            time.sleep(_PAUSE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            # Forgotten first: a child that is forked in between must not close what took the number since.
            os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        with contextlib.suppress(OSError):
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        # flock, not lockf: a lock of POSIX is lost when any other descriptor of that file is closed.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


_all: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _forget_in_child() -> None:
    """Close what a child inherited, without unlocking: the lock is the parent's, and lasts as long as it is open."""
    for lock in _all:
        lock._close()  # noqa: SLF001 - the class of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
