"""`gatepass header`: the header line with the token."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from gatepass.cli.connection import Connection, with_connection
from gatepass.cli.token import min_ttl


@click.command(short_help="Print the Authorization header.")
@min_ttl
@click.option("--json", "is_json", is_flag=True, help="As a JSON object of headers.")
@with_connection
def header(connection: Connection, *, min_ttl: timedelta | None, is_json: bool) -> None:
    """
    Print the line 'Authorization: Bearer ...' with a valid access token.

    For curl, so that no token stands on a command line:

    \b
    curl -H @<(gatepass header) https://api.example.org/graphql/ ...
    """  # noqa: D301 - click's mark for lines that stay as they are
    value = f"Bearer {connection.token(min_ttl)}"
    click.echo(json.dumps({"Authorization": value}) if is_json else f"Authorization: {value}")
