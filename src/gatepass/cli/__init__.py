"""
The command line: a file per noun.

Owns: commands, prompts, exit codes (0 done, 1 failed, 2 wrong usage, 130 interrupted), and how an error is said: one
line on standard error that begins with `gatepass:`. Data goes to standard output.
Does not know: how anything is done; every command calls a use case, the server, or the settings.
Imports: everything below, and each part only when a command needs it, so that `gatepass --help` is quick.
"""

from gatepass.cli.command import main

__all__ = ["main"]
