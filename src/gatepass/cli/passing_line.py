"""The line on a terminal that is written over; whatever else is said takes its place, and never stands behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click


class PassingLine:
    """There is one, for there is one terminal. Threads write to it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._width = 0

    def show(self, text: str) -> None:
        """Write it over what stands there."""
        with self._lock:
            click.echo(f"\r{text.ljust(self._width)}", nl=False, err=True)
            self._width = len(text)

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Nothing stands there, and nothing comes until the end of this."""
        with self._lock:
            if self._width:
                click.echo(f"\r{' ' * self._width}\r", nl=False, err=True)
            self._width = 0
            yield


PASSING_LINE: Final = PassingLine()
