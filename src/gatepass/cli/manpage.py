"""The manual page gatepass(1), from the commands themselves. `python -m gatepass.cli.reference` renews it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

import click

from gatepass.cli.command import EXIT_CODES, gatepass

ENVIRONMENT: Final = {
    "GATEPASS_URL": "Address of the API.",
    "GATEPASS_PROFILE": "Name of the sign-in to use.",
    "GATEPASS_TOKEN": "An access token. It comes before everything that is kept, and is never renewed.",
    "GATEPASS_USERNAME, GATEPASS_PASSWORD, GATEPASS_PASSWORD_FILE": (
        "Credentials to sign in with, for machines. They come before what is kept. The file holds the password alone."
    ),
    "GATEPASS_STORE": "Where sign-ins are kept: keyring, file or none.",
    "GATEPASS_NO_INPUT": "Set to 1: never ask, fail instead.",
    "GATEPASS_TRACEBACK": "Set to 1: show where in the code an internal error came from.",
    "NO_COLOR": "Nothing is ever coloured, with or without it.",
    "GATEPASS_...": "Every setting of the server: see gatepass.toml and 'gatepass config show'.",
}
FILES: Final = {
    "$XDG_STATE_HOME/gatepass/": (
        "Sign-ins, where there is no keyring: for their owner's eyes only. Without XDG_STATE_HOME: ~/.local/state."
    ),
    "gatepass.toml": "Settings of the server, in its data folder.",
}


def man_page() -> str:
    """The page in the man macros of roff."""
    root = click.Context(gatepass, info_name="gatepass")
    lines = [
        '.TH GATEPASS 1 "" "Gatepass" "User Commands"',
        ".nh",  # what is divided cannot be pasted
        ".ad l",
        ".SH NAME",
        "gatepass \\- sign\\-in and one\\-hour bearer tokens for any GraphQL API",
        ".SH SYNOPSIS",
        ".B gatepass",
        ".I COMMAND",
        "[OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        _text(
            "Data goes to standard output, messages to standard error. Errors are lines that begin with 'gatepass:'. "
            "Questions are asked on a terminal only. Secrets are never arguments."
        ),
    ]
    for title, names in gatepass.sections.items():
        lines.append(f".SH {title.upper()}")
        for name in names:
            lines += _command(root, name)
    lines += [".SH ENVIRONMENT", *_terms(ENVIRONMENT), ".SH FILES", *_terms(FILES)]
    lines += [".SH EXIT STATUS", *_terms({str(code): f"{words}." for code, words in EXIT_CODES.items()})]
    return "\n".join(lines) + "\n"


def _command(parent: click.Context, name: str) -> Iterator[str]:
    group = parent.command
    assert isinstance(group, click.Group)  # noqa: S101 - who calls has looked
    command = group.get_command(parent, name)
    if command is None or command.hidden:
        return
    context = click.Context(command, parent=parent, info_name=name)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _command(context, inner)
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_text(f'{context.command_path} {usage}')}"
    yield from _paragraphs(inspect.cleandoc(command.help or ""))
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    yield from _terms({name: words for name, words in filter(None, records) if words and "--help" not in name})


def _paragraphs(help_text: str) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", help_text)):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *(_text(line) for line in paragraph.splitlines()[1:]), ".fi")
        else:
            yield _text(" ".join(paragraph.split()))


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, words in terms.items():
        yield ".TP"
        yield f"\\fB{_text(term)}\\fR"
        yield _text(words)


def _text(text: str) -> str:
    """Text as roff shows it: no requests, no escapes, hyphens that can be pasted."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    # roff itself reads ASCII only.
    escaped = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped
