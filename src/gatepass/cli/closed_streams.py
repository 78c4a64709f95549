"""What is in the place of standard streams that the shell closed (`>&-`, `<&-`), or that take nothing (a full disk)."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_INPUT: Final = 0
_OUTPUT: Final = 1
_MESSAGES: Final = 2


class ClosedOutput(io.TextIOBase):
    """Whatever is written to it fails, so that output is never lost with exit code 0."""

    def write(self, text: str, /) -> int:  # noqa: ARG002 - what a stream has
        """Raises: OSError, always."""
        raise OSError(errno.EBADF, "standard output is closed")


class LosableMessages(io.FileIO):
    """Where messages go. One that cannot be written is lost: what a command did is not undone by that."""

    def write(self, message: ReadableBuffer, /) -> int:
        """Write what can be written; all of it counts as written."""
        written = None
        with contextlib.suppress(OSError):
            written = super().write(message)
        return memoryview(message).nbytes if written is None else written


def put_in_place() -> None:
    """
    Standard input is empty where it was closed, standard output fails, and standard error takes anything.

    Their numbers are taken as well: the next file that is opened would otherwise be the standard output of curl, say.
    """
    if sys.stdin is None:
        _take(_INPUT, os.O_RDONLY)
        sys.stdin = open(_INPUT, closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stdout is None:
        _take(_OUTPUT, os.O_RDONLY)
        sys.stdout = ClosedOutput()
    if sys.stderr is None:
        _take(_MESSAGES, os.O_WRONLY)
        sys.stderr = open(_MESSAGES, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    elif not sys.stderr.isatty():
        messages = io.BufferedWriter(LosableMessages(_MESSAGES, "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(messages, sys.stderr.encoding, line_buffering=True)


def _take(number: int, mode: int) -> None:
    descriptor = os.open(os.devnull, mode)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(number, True)
