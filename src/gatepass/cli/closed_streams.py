"""What is in the place of a standard stream that the shell closed, as `>&-` and `<&-` do; Python has None there."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Final

_INPUT: Final = 0
_OUTPUT: Final = 1


class ClosedOutput(io.TextIOBase):
    """Whatever is written to it fails, so that output is never lost with exit code 0."""

    def write(self, text: str, /) -> int:  # noqa: ARG002 - what a stream has
        """Raises: OSError, always."""
        raise OSError(errno.EBADF, "standard output is closed")


def put_in_place() -> None:
    """
    Standard input is empty where it was closed, and standard output fails.

    Their numbers are taken as well: the next file that is opened would otherwise be the standard output of curl, say.
    """
    if sys.stdin is None:
        _take(_INPUT)
        sys.stdin = open(_INPUT, closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stdout is None:
        _take(_OUTPUT)
        sys.stdout = ClosedOutput()


def _take(number: int) -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(number, True)
