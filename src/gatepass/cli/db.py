"""`gatepass db`: the tables of the store, and copies of what is in it."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gatepass.cli.progress import Progress
from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import say, shown

if TYPE_CHECKING:
    from gatepass.settings import Settings

UPGRADE_NEEDED = 1
MOVED = "the target holds what the source holds; set GATEPASS_DATABASE_URL to it and start the servers"
REHEARSED = (
    "the target holds what the source held when the copy began; for the move, stop all servers and copy again with "
    "--replace"
)
Result = TypeVar("Result")


@click.group()
def db() -> None:
    """Upgrade, check, copy and back up the store."""


@db.command()
@with_source
def upgrade(source: Source) -> None:
    """
    Make or upgrade the tables of the store.

    All of it or nothing; of several at the same time one does it. On PostgreSQL this is the only way: a server never
    changes the tables. An SQLite file is upgraded at every start as well, after a copy of it was made.
    """
    from gatepass.cli.accounts import check_store_is_there  # noqa: PLC0415 - not for --help
    from gatepass.stores.opening import upgrade as upgrade_store  # noqa: PLC0415

    settings = source.load()
    check_store_is_there(settings)
    applied = _run(upgrade_store(settings.store_url))
    for name in applied:
        say(f"applied {name}")
    say(
        "the store is as this Gatepass needs it" if applied else "nothing to do: the store is as this Gatepass needs it"
    )


@db.command(short_help="Say which migrations are there and which are missing.")
@with_source
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def status(source: Source, *, as_json: bool) -> int:
    """
    Say which migrations are in the store and which are missing; exit code 1 if any is.

    Nothing is changed.
    """
    from gatepass.cli.accounts import check_store_is_there  # noqa: PLC0415 - not for --help
    from gatepass.stores.opening import schema_status  # noqa: PLC0415

    settings = source.load()
    check_store_is_there(settings)
    found = _run(schema_status(settings.store_url))
    if as_json:
        click.echo(json.dumps({"applied": list(found.applied), "missing": list(found.missing)}, indent=2))
    else:
        for name in found.applied:
            click.echo(shown(f"applied  {name}"))
        for name in found.missing:
            click.echo(shown(f"missing  {name}"))
        if found.missing:
            say("run 'gatepass db upgrade'")
    return UPGRADE_NEEDED if found.missing else 0


@db.command(short_help="Copy everything from one store to another.")
@with_source
@click.option("--from", "from_url", metavar="URL", help="The store that is read: sqlite:///… or postgresql://…")
@click.option("--to", "to_url", metavar="URL", help="The store that is filled.")
@click.option("--replace", "replaces", is_flag=True, help="Replace everything that the target holds already.")
@click.option("--rehearsal", "rehearses", is_flag=True, help="Copy a source that is in use: to try it out.")
def copy(source: Source, from_url: str | None, to_url: str | None, *, replaces: bool, rehearses: bool) -> None:
    """
    Copy everything from one store to another: accounts, sessions, clients, keys. Nobody is signed out.

    One of the two may be left out: it is the store that the settings name. Others on this machine may see a password on
    a command line; they do not see GATEPASS_DATABASE_URL.

    The copy is of one moment and arrives whole or not at all, verified by counts and SHA-256 of all rows; run it again
    after an interruption. The secret key stays the same. Make the tables of PostgreSQL before, with 'gatepass db
    upgrade'.

    Stop the servers of both stores first: what the source is told after the copy began does not come along. A store
    that is in use is refused, and no server starts on one that is being copied. With --rehearsal the source's servers
    go on: such a copy is for trying out, and the move replaces it.
    """
    if from_url is None and to_url is None:
        raise click.UsageError("Which store is the other one? Give --from or --to.")
    from gatepass.stores.copying import copy as copy_store  # noqa: PLC0415 - not for --help

    sender, receiver = _store_of(source, "--from", from_url), _store_of(source, "--to", to_url)
    from gatepass.cli.accounts import check_store_is_there  # noqa: PLC0415

    check_store_is_there(sender)
    with Progress("copying") as line:

        def progress(table: str, done: int, total: int) -> None:
            line.now(f"copying {table}: {done} of {total}")

        def warn(doubt: str) -> None:
            say(f"warning: {doubt} Make sure that none is running: what it is told now would be missing in the target")

        work = copy_store(
            sender.store_url,
            receiver.store_url,
            replaces=replaces,
            rehearses=rehearses,
            progress=progress,
            warn=warn,
        )
        try:
            arrived = _run(work)
        except KeyboardInterrupt:
            say("interrupted: the target is as it was; run the same command again")
            raise
    for copied in arrived:
        say(f"{copied.table}: {copied.rows} copied, SHA-256 {copied.digest[:16]}")
    say(REHEARSED if rehearses else MOVED)


@db.command()
@with_source
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(source: Source, file: Path) -> None:
    """
    Copy the SQLite store into FILE, also while a server runs on it.

    The copy is of one moment and holds everything that was answered before it began. A file that is there is not
    overwritten. Without the secret key, which is not in it, a copy is of no use: keep that one too, and apart.
    PostgreSQL has tools of its own: pg_dump, pg_basebackup.
    """
    from gatepass.cli.accounts import check_store_is_there  # noqa: PLC0415 - not for --help
    from gatepass.stores.opening import back_up  # noqa: PLC0415

    settings = source.load()
    check_store_is_there(settings)
    _run(back_up(settings.store_url, file.absolute()))
    say(f"made {file}")


def _store_of(source: Source, option: str, url: str | None) -> Settings:
    """The settings with that store; an error names the option, which alone was given."""
    from gatepass.settings import SettingsError  # noqa: PLC0415 - not for --help

    try:
        return source.load(database_url=url)
    except SettingsError as error:
        if error.origin != "flag --database-url":
            raise
        raise click.UsageError(f"{option}: {error.problem}") from None


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    import asyncio  # noqa: PLC0415 - not for --help

    return asyncio.run(work)
