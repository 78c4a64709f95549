"""
The command line: a file per noun.

Owns: commands, prompts, exit codes (`command.EXIT_CODES`), and how an error is said: one line on standard error that
begins with `gatepass:`. Data goes to standard output. The commands for operators stand on `source`, those for API users
on `connection`.
Does not know: how anything is done; every command calls a use case, the server, the settings, or the client library.
Imports: everything below, and each part only when a command needs it, so that `gatepass --help` is quick.
"""

import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says, and exit. Ctrl-C shows no stack trace while the imports are under way either."""
    try:
        from gatepass.cli.command import main as begin  # noqa: PLC0415 - they take longest
    except KeyboardInterrupt:
        sys.exit(130)
    begin(arguments)
