"""A renewal under way: one carries it out, all others wait for it, from threads and from event loops alike."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gatepass.client.errors import ClientError
from gatepass.client.tokens import Held


class Flight:
    """Lands once, with tokens, with an error, or with nothing where whoever carried it out was stopped."""

    def __init__(self) -> None:
        self._landed = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self._held: Held | None = None
        self._error: Exception | None = None

    def land(self, held: Held | None = None, error: Exception | None = None) -> None:
        """Tell everybody who waits. Only the first landing counts."""
        with self._lock:
            if self._landed.is_set():
                return
            self._held, self._error = held, error
            self._landed.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def call_after(self, callback: Callable[[], object]) -> None:
        """Call it once landed, at once if it has; in whichever thread that is."""
        with self._lock:
            if not self._landed.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def wait(self) -> Held | None:
        """Block until it has landed; see `outcome`."""
        self._landed.wait()
        return self.outcome()

    def outcome(self) -> Held | None:
        """
        The tokens; None where nobody finished the work, so that who waited has to do it.

        Raises:
            ClientError: what went wrong, as a copy of one's own.
            Exception: it was a mistake of ours; who waits must hear of that too, and not try it over and over.
        """
        if isinstance(self._error, ClientError):
            raise self._error.again() from self._error
        if self._error is not None:
            raise self._error
        return self._held
