"""`gatepass token`: a valid access token, for whatever wants one."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Final

import click

from gatepass.cli.connection import Connection, with_connection

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[timedelta]):
    """`90`, `90s`, `5m`, `1h`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The time, or the refusal of anything else."""
        if isinstance(value, timedelta):
            return value
        found = _DURATION.fullmatch(str(value).strip())
        if found is None or float(found[1]) > 1e6:  # noqa: PLR2004 - longer than any token lives
            self.fail(f"{value!r} is no time: it should read like 90s, 5m or 1h", param, ctx)
        return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


min_ttl = click.option(
    "--min-ttl", metavar="TIME", type=Duration(), help="Renew a token that is good for less than this, such as 5m."
)


@click.command(short_help="Print a valid access token.")
@min_ttl
@click.option("--json", "is_json", is_flag=True, help="As a JSON object, with the seconds that it is good for.")
@with_connection
def token(connection: Connection, *, min_ttl: timedelta | None, is_json: bool) -> None:
    """
    Print a valid access token, renewed if it is about to expire.

    Nothing else is printed, so that scripts can say: TOKEN=$(gatepass token)
    """
    given = connection.given(min_ttl)
    if is_json:
        found = {"access_token": given.access, "token_type": "Bearer", "expires_in": given.seconds_left}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(given.access)
