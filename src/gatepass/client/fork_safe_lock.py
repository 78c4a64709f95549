"""A lock that is free in a child after a fork, whoever held it in the parent: that thread is not there any more."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Self


class ForkSafeLock:
    """Between the threads of one process. What it guards must be usable at any moment at which a fork may come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _all.add(self)

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def after_fork(self) -> None:
        """Nobody holds it."""
        self._lock = threading.Lock()


_all: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()


def _after_fork() -> None:
    for lock in list(_all):
        lock.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
