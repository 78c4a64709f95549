"""`gatepass curl`: curl with the token, which no command line shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from urllib.parse import urlsplit

import click

from gatepass.cli.connection import Connection, with_connection
from gatepass.domain.errors import GatepassError

# Schemes only. A URL without one becomes file://…, which `--proto` refuses: so no host gets the token unseen. A line
# `location-trusted` in ~/.curlrc is taken back.
_ONLY_URLS = ("--no-location-trusted", "--proto-default", "file", "--proto", "=http,https")
# What names addresses elsewhere than on the command line, where they could be looked at. curl takes the beginning of a
# long option for the whole of it.
_UNSEEN = ("--conf", "--variable", "--expand-")
# Short options that take a value: what follows one in the same word is that.
_WITH_VALUE = frozenset("AbcCdDeEFhHKmoPQrtTuUwxXyYz")
# What follows these is not fetched, also where it looks like an address.
_TAKE_ANYTHING = frozenset(("-d", "--data", "--data-raw", "--data-binary", "-e", "--referer", "-x", "--proxy"))


class NoCurlError(GatepassError):
    """curl is not there."""


@click.command(
    short_help="Run curl with the token.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- ...")
@click.pass_context
@with_connection
def curl(connection: Connection, context: click.Context, arguments: tuple[str, ...]) -> None:
    """
    Run curl with the API's address and a valid token.

    What stands behind -- goes to curl as it is. The address is added unless there is one, and the header
    'Content-Type: application/json' where there is --data without one. The token goes through a pipe, so that no list
    of processes shows it, and to the API's own host only: another host is refused, and so is --config, whose file could
    name one. The exit code is curl's.

    \b
    gatepass curl -- --data '{"query": "{ __typename }"}'
    """  # noqa: D301 - click's mark for lines that stay as they are
    program = shutil.which("curl")
    if program is None:
        raise NoCurlError("curl is not installed")
    address = connection.address(connection.stored(connection.store()))
    refuse_other_hosts(address, arguments)
    with _header_file(f"Authorization: Bearer {connection.token()}\n") as (name, descriptors):
        command = [program, *_ONLY_URLS, "-H", f"@{name}", *_additions(address, arguments), *arguments]
        context.exit(subprocess.run(command, pass_fds=descriptors, check=False).returncode)  # noqa: S603 - curl it is


def refuse_other_hosts(address: str, arguments: Sequence[str]) -> None:
    """
    Refuse what would give the token to another host.

    Raises:
        click.UsageError: an address there has another origin, or curl was told to take the header along.
    """
    for each in arguments:
        # curl takes the beginning of a long option for the whole of it.
        if each.startswith("--location-t"):
            raise click.UsageError("--location-trusted would give the token to another host: use --location.")
        if each.startswith(_UNSEEN) or "K" in _short_options(each):
            raise click.UsageError(f"{each} could name another host, which would get the token: say it all here.")
        if each.startswith("--proto"):
            raise click.UsageError(f"{each} is set already, so that the token goes to the API's own host only.")
    if any(each.removeprefix("--url=").startswith("@") for each in _values_of(arguments, "--url")):
        raise click.UsageError("--url @FILE could name another host, which would get the token: say it all here.")
    for url in _urls(arguments):
        if _origin(url) != _origin(address):
            raise click.UsageError(f"The token is for {_origin(address)}, and not for {_origin(url)}.")


def _short_options(word: str) -> str:
    """The letters of `-sSd`, up to the first that takes a value."""
    if not word.startswith("-") or word.startswith("--"):
        return ""
    end = next((place for place, letter in enumerate(word) if letter in _WITH_VALUE), len(word))
    return word[1 : end + 1]


def _values_of(arguments: Sequence[str], option: str) -> list[str]:
    """What follows a long option, in the next word or, with it, in the same."""
    following = [each for before, each in pairwise(arguments) if before == option]
    return [*following, *(each for each in arguments if each.startswith(f"{option}="))]


def _urls(arguments: Sequence[str]) -> list[str]:
    """What curl would fetch; it spells the scheme in any case, and takes parts of a name in braces."""
    before = ["", *arguments]
    # Newer versions of curl also take an option and its value in one.
    values = [each.removeprefix("--url=") for each in arguments]
    return [
        each
        for option, each in zip(before, values, strict=False)
        if each.lower().startswith(("http:", "https:")) and option not in _TAKE_ANYTHING
    ]


def _origin(url: str) -> str:
    """Scheme, host and port (RFC 6454 §4); what cannot be read is nobody's."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _additions(address: str, arguments: Sequence[str]) -> list[str]:
    added: list[str] = []
    has_body = any(each.startswith("--data") or "d" in _short_options(each) for each in arguments)
    if has_body and not any("content-type:" in each.lower() for each in arguments):
        added += ["-H", "Content-Type: application/json"]
    return added if _urls(arguments) else [*added, address]


@contextmanager
def _header_file(line: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A name under which curl, and nobody else, can read the line."""
    if os.name == "posix":
        reading, writing = os.pipe()
        try:
            os.write(writing, line.encode())
        finally:
            os.close(writing)
        try:
            yield f"/dev/fd/{reading}", (reading,)
        finally:
            os.close(reading)
        return
    with tempfile.TemporaryDirectory() as folder:  # its owner's alone
        path = os.path.join(folder, "header")  # noqa: PTH118
        with open(path, "x", encoding="utf-8") as file:  # noqa: PTH123
            file.write(line)
        yield path, ()
