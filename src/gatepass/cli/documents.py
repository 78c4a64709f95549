"""What the query commands read: a document from a file or standard input, and its variables."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click

R = TypeVar("R")
MAX_BYTES: Final = 10_000_000
# A declaration such as `$first: Int = 20`; strings and comments were taken out before.
_DECLARATION: Final = re.compile(r"\$\s*([_A-Za-z][_0-9A-Za-z]*)\s*:\s*([\[\]!\w\s]+)")
_IGNORED: Final = re.compile(r'"""(?:\\"""|[\s\S])*?"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|#[^\n]*')
_DOCUMENT: Final = re.compile(r"\s*(?:\{|(?:query|mutation|subscription|fragment)\b[^./\\]*[{(])")
_SECRET: Final = re.compile(r"pass(?:word|wd|phrase)|secret|(?:refresh|access)_?token|credential", re.IGNORECASE)
_TEXTS: Final = frozenset({"String", "ID"})


def with_operation(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command FILE, its variables and the operation's name; it gets `document`, `variables`, `operation`."""

    @click.argument("file", metavar="FILE|-", shell_complete=_complete_file)
    @click.option(
        "-v",
        "--variable",
        "given",
        multiple=True,
        metavar="NAME=VALUE",
        help="A variable: text for String and ID, JSON for other types; may be repeated.",
    )
    @click.option(
        "--variables",
        "variables_file",
        metavar="FILE",
        shell_complete=_complete_file,
        help="Variables as a JSON object, in a file or -.",
    )
    @click.option("--operation", metavar="NAME", help="Which operation to run, where the document has several.")
    @functools.wraps(command)
    def with_options(
        *args: Any, file: str, given: tuple[str, ...], variables_file: str | None, operation: str | None, **kwargs: Any
    ) -> R:
        if file == variables_file == "-":
            raise click.UsageError("Only one of document and variables can come from standard input.")
        document = read_document(file)
        variables = read_variables(document, given, variables_file)
        for name, value in {**variables, "--operation": operation}.items():
            _check_is_text(name, value)
        return command(*args, document=document, variables=variables, operation=operation, **kwargs)

    return with_options


def _complete_file(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """The shell knows its files best."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - for a shell that asks alone

    return [CompletionItem(incomplete, type="file")]


def read_document(file: str) -> str:
    """
    The document in a file, or on standard input if `file` is `-`.

    Raises:
        click.UsageError: it is not there, is no text, or is itself a document.
    """
    text = _read(file, "FILE")
    if not text.strip():
        raise click.UsageError(f"{_name(file)} is empty: it should hold a GraphQL document.")
    return text


def check_operation(document: str, operation: str | None, *, is_subscription: bool) -> None:
    """
    Say what the API would say in other words, or not at all. What cannot be told for certain is left to the API.

    Args:
        is_subscription: whether the command follows subscriptions, and runs nothing else.

    Raises:
        click.UsageError: the operation is one for the other command, or it is not clear which one is meant.
    """
    from gatepass.client.operation_kind import operations  # noqa: PLC0415 - not for --help

    found = operations(document)
    names = ", ".join(name for name, _ in found if isinstance(name, str)) or "none with a name"
    meant = [kind for name, kind in found if operation in (None, name)]
    if found and not meant:
        raise click.UsageError(f"The document has no operation {operation}; it has {names}.")
    if len(meant) > 1:
        raise click.UsageError(f"The document has several operations: say which with --operation. It has {names}.")
    if meant == ["subscription"] and not is_subscription:
        raise click.UsageError("That is a subscription: use gatepass subscribe.")
    if meant in (["query"], ["mutation"]) and is_subscription:
        raise click.UsageError(f"That is a {meant[0]}: use gatepass query.")


def read_variables(document: str, given: Sequence[str], file: str | None) -> dict[str, Any]:
    """
    The variables of an operation: those of a JSON file, and over them those of `-v name=value`.

    The document's declarations say what a value means: for `String` and `ID` it is text as it stands; otherwise it is
    JSON, and text where it is no JSON (an enum's name, a date).

    Raises:
        click.UsageError: one of them has no form that can be read, is not declared, or is a secret.
    """
    declared = declared_variables(document)
    variables = _from_file(file) if file is not None else {}
    for each in given:
        name, is_pair, value = each.partition("=")
        if not is_pair or not name:
            raise click.UsageError(f"-v takes name=value, not {name!r}.")
        if _SECRET.search(name):
            raise click.UsageError(
                f"{name!r} looks like a secret, and others can read the command line: put it into a file, "
                "--variables FILE."
            )
        if name not in declared:
            known = ", ".join(f"${each}" for each in declared) or "none"
            raise click.UsageError(f"The document declares no variable ${name}; it has {known}.")
        variables[name] = value if declared[name] in _TEXTS else _value(value)
    return variables


def _check_is_text(name: str, value: Any) -> None:
    """Python has half characters where an argument is not in the encoding of the system; so can JSON."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise click.UsageError(f"The value of {name} is not text in UTF-8.") from None


def declared_variables(document: str) -> Mapping[str, str]:
    """The variables that operations declare, with the type's own name; a list has the name `[…]`."""
    return {
        name: "[…]" if "[" in kind else kind.strip(" \t\r\n!").split()[0]
        for name, kind in _DECLARATION.findall(_IGNORED.sub(" ", document))
    }


def _from_file(file: str) -> dict[str, Any]:
    try:
        found = json.loads(_read(file, "--variables"))
    except json.JSONDecodeError as error:
        raise click.UsageError(f"{_name(file)} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{_name(file)} must be a JSON object: one member for each variable.")
    return cast("dict[str, Any]", found)


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        return text


def _no_number(text: str) -> None:
    raise ValueError(text)  # NaN and Infinity are no JSON


def _read(file: str, what: str) -> str:
    if file != "-" and _DOCUMENT.match(file):
        raise click.UsageError(f"{what} is a file's name. For a document on the spot: gatepass query - <<<'{{ … }}'")
    try:
        raw = _standard_input(what) if file == "-" else _bytes_of(Path(file))
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}.") from None
    if len(raw) > MAX_BYTES:
        raise click.UsageError(f"{_name(file)} is larger than {MAX_BYTES:,} bytes.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError(f"{_name(file)} is not text in UTF-8.") from None


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _standard_input(what: str) -> bytes:
    if sys.stdin.isatty():
        click.echo(f"reading {what} from the terminal; Ctrl-D ends it", err=True)
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _name(file: str) -> str:
    return "Standard input" if file == "-" else file
