"""The reference pages of commands and settings. `python -m gatepass.cli.reference` renews them in docs/reference."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from gatepass.cli.command import EXIT_CODES, gatepass
from gatepass.cli.manpage import man_page
from gatepass.settings.reference import settings_reference

_WIDTH: Final = 100
_HEAD: Final = """\
# Command line

Data goes to standard output, messages to standard error. Errors are one line that begins with `gatepass:` and says how
to mend it. Questions are asked on a terminal only. Secrets are never arguments.

| exit code | |
| --- | --- |
"""


def pages() -> dict[str, str]:
    """The generated pages by file name: in Markdown, and the manual page in roff."""
    return {"cli.md": cli_reference(), "gatepass.1": man_page(), "settings.md": settings_reference()}


def cli_reference() -> str:
    """Every command's own help."""
    root = click.Context(gatepass, info_name="gatepass", terminal_width=_WIDTH, **gatepass.context_settings)
    codes = "".join(f"| {code} | {words} |\n" for code, words in EXIT_CODES.items())
    return f"{_HEAD}{codes}" + "".join(
        f"\n## {context.command_path}\n\n```text\n{context.get_help()}\n```\n" for context in _contexts(root)
    )


def renew(folder: Path) -> None:
    """Write the pages."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    if not isinstance(context.command, click.Group):
        return
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        if command is not None:
            yield from _contexts(click.Context(command, parent=context, info_name=name, terminal_width=_WIDTH))


if __name__ == "__main__":
    renew(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
