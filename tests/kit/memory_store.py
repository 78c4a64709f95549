"""Sign-ins of the client in memory: a store that shows what was written, and can be full."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from gatepass.client.stored import ProcessLock, StoredSignIn, StoreError


@dataclass
class MemoryStore:
    """Keeps sign-ins as long as the test runs. `is_full`: nothing more can be written."""

    kept: dict[str, StoredSignIn] = field(default_factory=dict)
    saves: list[StoredSignIn] = field(default_factory=list)
    is_full: bool = False
    in_use: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, profile: str) -> StoredSignIn | None:
        return self.kept.get(profile)

    def save(self, sign_in: StoredSignIn) -> None:
        if self.is_full:
            raise StoreError("No space left.")
        self.kept[sign_in.profile] = sign_in
        self.saves.append(sign_in)
        self.in_use = self.in_use or sign_in.profile

    def delete(self, profile: str) -> None:
        self.kept.pop(profile, None)

    def profiles(self) -> Sequence[str]:
        return sorted(self.kept)

    def current(self) -> str | None:
        return self.in_use if self.in_use in self.kept else None

    def use(self, profile: str) -> None:
        if profile not in self.kept:
            raise KeyError(profile)
        self.in_use = profile

    def lock(self, profile: str) -> ProcessLock:
        return _Held(self._lock)

    @property
    def is_locked(self) -> bool:
        """Whether somebody has not let go."""
        return self._lock.locked()


class _Held:
    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._is_held = False

    def try_acquire(self) -> bool:
        self._is_held = self._lock.acquire(blocking=False)
        return self._is_held

    def release(self) -> None:
        if self._is_held:
            self._is_held = False
            self._lock.release()

    def __enter__(self) -> Self:
        self._is_held = self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
