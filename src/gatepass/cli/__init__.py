"""
The command line: a file per noun.

Owns: commands, prompts, exit codes (`command.EXIT_CODES`), and how an error is said: one line on standard error that
begins with `gatepass:`. Data goes to standard output. The commands for operators stand on `source`, those for API users
on `connection`.
Does not know: how anything is done; every command calls a use case, the server, the settings, or the client library.
Imports: everything below, and each part only when a command needs it, so that `gatepass --help` is quick.
"""

from gatepass.cli.command import main

__all__ = ["main"]
