"""Word of what takes more than a second: on standard error, on a terminal only, and gone when it is done."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from gatepass.cli.passing_line import PASSING_LINE
from gatepass.cli.terminal import shown

FIRST_SECONDS: Final = 1.0
NEXT_SECONDS: Final = 0.2


class Progress:
    """
    One line that is written over; a context manager.

    A thread writes it, so that it also comes while the command waits. Nothing is written within the first second.
    """

    def __init__(self, text: str, *, is_shown: bool | None = None) -> None:
        self._text = text
        self._is_shown = sys.stderr.isatty() if is_shown is None else is_shown
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def now(self, text: str) -> None:
        """What the line says from now on."""
        self._text = text

    def stop(self) -> None:
        """Say nothing from now on, and leave nothing behind."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        if self._is_shown:
            self._thread = threading.Thread(target=self._write, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _write(self) -> None:
        started, wait = time.monotonic(), FIRST_SECONDS
        while not self._done.wait(wait):
            wait = NEXT_SECONDS
            PASSING_LINE.show(shown(f"{self._text} ({time.monotonic() - started:.0f} s)"))
        with PASSING_LINE.cleared():
            pass


def waiting_for(address: str) -> Progress:
    """While the API at that address is asked."""
    return Progress(f"waiting for {urlsplit(address).netloc}")
