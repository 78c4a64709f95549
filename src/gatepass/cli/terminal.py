"""What is said to people, and what they are asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click

from gatepass.cli.passing_line import PASSING_LINE
from gatepass.domain.errors import BadUserInput, GatepassError
from gatepass.domain.secret import Secret

MAX_PASSWORD_BYTES: Final = 65_536
ATTEMPTS: Final = 3


class DeclinedError(GatepassError):
    """Somebody was asked, and said no."""


def say(*lines: str) -> None:
    """Tell something that is no data: it goes to standard error."""
    with PASSING_LINE.cleared():
        for line in lines:
            click.echo(shown(line), err=True)


def complain(message: str) -> None:
    """Tell what went wrong, in one line."""
    with PASSING_LINE.cleared():
        click.echo(f"gatepass: {shown(message)}", err=True)


def shown(text: str) -> str:
    """Text without secrets, and without anything that a terminal obeys."""
    from gatepass.telemetry.redaction import clean_text  # noqa: PLC0415 - only when there is something to say

    return clean_text(text)


def is_traceback_wanted() -> bool:
    """Whether a developer looks on."""
    return bool(os.environ.get("GATEPASS_TRACEBACK"))


def new_password(check: Callable[[Secret[str]], object], *, from_stdin: bool) -> Secret[str]:
    """
    A password that somebody wants to set: asked for twice on a terminal, or from standard input.

    Args:
        check: raises BadUserInput for one that cannot be set; on a terminal that asks again.
        from_stdin: take standard input to its end; one closing line break is not part of the password.

    Raises:
        BadUserInput: it cannot be set.
        click.UsageError: there is no terminal to ask on.
    """
    if from_stdin:
        plain = _password_from_stdin()
        check(plain)
        return plain
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password on: use --password-stdin.")
    for attempt in range(1, ATTEMPTS + 1):
        plain = Secret(click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True))
        try:
            check(plain)
        except BadUserInput as refused:
            if attempt == ATTEMPTS:
                raise
            say(str(refused))
        else:
            return plain
    raise AssertionError("unreachable")


def own_password(*, from_stdin: bool, may_ask: bool) -> Secret[str]:
    """
    The password of an account that is there: from standard input, from GATEPASS_PASSWORD or the file that
    GATEPASS_PASSWORD_FILE names, or asked for once on a terminal.

    Raises:
        BadUserInput: what came is no password, or nothing.
        click.UsageError: there is none, and nobody to ask.
    """
    if from_stdin:
        return _not_empty(_password_from_stdin(), "Standard input")
    if plain := os.environ.get("GATEPASS_PASSWORD"):
        return Secret(plain)
    if file := os.environ.get("GATEPASS_PASSWORD_FILE"):
        with Path(file).open("rb") as opened:
            return _not_empty(_password_of(opened.read(MAX_PASSWORD_BYTES + 1), file), file)
    if not may_ask:
        raise click.UsageError("There is no terminal to ask for the password on: use --password-stdin.")
    return Secret(click.prompt("Password", hide_input=True, err=True))


def confirm(question: str, *, is_confirmed: bool) -> None:
    """
    Ask before something that cannot be undone.

    Args:
        is_confirmed: `--yes` was given.

    Raises:
        click.UsageError: there is no terminal to ask on.
        DeclinedError: the answer was no.
    """
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: use --yes.")
    if not click.confirm(shown(question), err=True):
        raise DeclinedError("nothing was done")


def sign_ins(count: int) -> str:
    """So many, in words."""
    return f"{count} sign-in" if count == 1 else f"{count} sign-ins"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose cells stand below each other; the last one is as wide as it is."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)][:-1]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def _password_from_stdin() -> Secret[str]:
    if sys.stdin.isatty():
        raise click.UsageError("--password-stdin reads from a pipe or a file, not from a terminal.")
    return _password_of(sys.stdin.buffer.read(MAX_PASSWORD_BYTES + 1), "Standard input")


def _not_empty(password: Secret[str], name: str) -> Secret[str]:
    """Most often it is a variable of a script that is not set; an API that is asked with it may count an attempt."""
    if not password.reveal():
        raise BadUserInput(f"{name} is empty: there is no password in it.")
    return password


def _password_of(raw: bytes, name: str) -> Secret[str]:
    """The text, without one closing line break."""
    if len(raw) > MAX_PASSWORD_BYTES:
        raise BadUserInput(f"{name} is too long to be a password.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadUserInput(f"{name} has a password that is not text in UTF-8.") from None
    return Secret(text.removesuffix("\n").removesuffix("\r"))
