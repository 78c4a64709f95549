"""Word of what takes more than a second: on standard error, on a terminal only, and gone when it is done."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Final, Self

import click

from gatepass.cli.terminal import say, shown

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
        self._lock = threading.Lock()
        self._width = 0

    def now(self, text: str) -> None:
        """What the line says from now on."""
        self._text = text

    def say(self, *lines: str) -> None:
        """Tell something that stays, above the line."""
        with self._lock:
            self._clear()
            say(*lines)

    def __enter__(self) -> Self:
        if self._is_shown:
            self._thread = threading.Thread(target=self._write, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _write(self) -> None:
        started, wait = time.monotonic(), FIRST_SECONDS
        while not self._done.wait(wait):
            wait = NEXT_SECONDS
            with self._lock:
                line = shown(f"{self._text} ({time.monotonic() - started:.0f} s)")
                click.echo(f"\r{line.ljust(self._width)}", nl=False, err=True)
                self._width = len(line)
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._width:
            click.echo(f"\r{' ' * self._width}\r", nl=False, err=True)
        self._width = 0
