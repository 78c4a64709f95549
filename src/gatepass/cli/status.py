"""`gatepass status`: which sign-ins there are. It asks no server."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from gatepass.cli.command import SIGN_IN_NEEDED
from gatepass.cli.connection import Connection, given_by_environment, say_what_comes_first, with_connection
from gatepass.cli.rows import as_json
from gatepass.cli.terminal import complain, shown

if TYPE_CHECKING:
    from gatepass.client.stored import StoredSignIn


@click.command(short_help="Show the sign-ins that are kept.")
@click.option("--json", "is_json", is_flag=True, help="As a JSON object.")
@click.pass_context
@with_connection
def status(connection: Connection, context: click.Context, *, is_json: bool) -> None:
    """
    Show the sign-ins that are kept, with a star at the one in use. No server is asked.

    The exit code is 0 if the one in use, or the one of --profile or --url, is there, and 4 if it is not.
    """
    store = connection.store()
    chosen = connection.stored(store)
    kept = [stored for name in sorted(store.profiles()) if (stored := store.load(name)) is not None]
    rows = [_row(each, is_chosen=chosen is not None and each.profile == chosen.profile) for each in kept]
    source = given_by_environment()
    if is_json:
        click.echo(as_json({"environment": source, "profiles": rows}))
    else:
        for line in _lines(rows):
            click.echo(shown(line))
        say_what_comes_first()
    if chosen is None and source is None:
        where = " there" if connection.profile or connection.url else ""
        complain(f"nobody is signed in{where}: run 'gatepass login URL'")
        context.exit(SIGN_IN_NEEDED)


def _row(stored: StoredSignIn, *, is_chosen: bool) -> dict[str, Any]:
    left = max(0, int(stored.remaining_seconds(time.time()))) if stored.access_token else 0
    return {
        "profile": stored.profile,
        "in_use": is_chosen,
        "url": stored.url,
        "user": stored.username,
        "signed_in_or_renewed_at": _iso(stored.obtained_at),
        "access_token_seconds_left": left,
        "is_renewable": bool(stored.refresh_token),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    cells = [
        (f"{'*' if row['in_use'] else ' '} {row['profile']}", row["url"], row["user"] or "-", _token(row))
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _token(row: dict[str, Any]) -> str:
    if row["access_token_seconds_left"]:
        return f"token good for {_span(row['access_token_seconds_left'])}"
    return "token is renewed at its next use" if row["is_renewable"] else "expired"


def _span(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"  # noqa: PLR2004
