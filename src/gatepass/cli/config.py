"""`gatepass config`: what is set, and where."""

from __future__ import annotations

import json

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import shown


@click.group()
def config() -> None:
    """Show the settings."""


@config.command()
@with_source
@click.option("--origin", is_flag=True, help="Say of each where it came from.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def show(source: Source, *, origin: bool, as_json: bool) -> None:
    """
    Print every setting that holds, secrets hidden.

    Settings come from flags, from GATEPASS_* variables, from gatepass.toml, in that order; the rest are defaults.
    """
    from gatepass.settings.reference import toml  # noqa: PLC0415 - not for --help

    rows = source.load().report()
    if as_json:
        table = {row.key: {"value": row.value, "origin": row.origin} if origin else row.value for row in rows}
        click.echo(json.dumps(table, indent=2))
        return
    lines = [(f"{row.key} = {'(not set)' if row.value is None else toml(row.value)}", row.origin) for row in rows]
    width = max(len(line) for line, _ in lines if len(line) < 60) if origin else 0  # noqa: PLR2004 - a column
    for line, where in lines:
        click.echo(shown(f"{line:{width}}  # {where}" if origin else line))
