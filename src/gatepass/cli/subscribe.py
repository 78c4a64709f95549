"""`gatepass subscribe`: what a subscription brings, as it comes."""

from __future__ import annotations

from typing import Any

import click

from gatepass.cli.connection import Connection, is_json_anyway, with_connection
from gatepass.cli.documents import check_operation, with_operation
from gatepass.cli.progress import waiting_for
from gatepass.cli.rows import as_json


@click.command(short_help="Follow a subscription.")
@with_operation
@click.option("--first", metavar="N", type=click.IntRange(1), help="End after so many events.")
@is_json_anyway
@with_connection
def subscribe(
    connection: Connection, document: str, variables: dict[str, Any], operation: str | None, *, first: int | None
) -> None:
    """
    Follow the GraphQL subscription in FILE, or on standard input if FILE is -.

    Each event is printed at once as one line of JSON. Ctrl-C ends it, with exit code 130.
    """
    check_operation(document, operation, is_subscription=True)
    with connection.open() as api, waiting_for(api.url) as progress:
        for number, data in enumerate(api.subscribe(document, variables, operation_name=operation), 1):
            progress.stop()
            click.echo(as_json(data, indent=None))
            if number == first:
                return
