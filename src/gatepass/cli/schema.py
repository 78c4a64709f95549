"""`gatepass schema`: the API's schema, as introspection or in the definition language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepass.cli.connection import Connection, with_connection
from gatepass.cli.graphql_errors import say_errors
from gatepass.cli.progress import waiting_for
from gatepass.cli.rows import as_json
from gatepass.domain.errors import GatepassError

if TYPE_CHECKING:
    from gatepass.client import Client


class NoSchemaError(GatepassError):
    """The API does not tell its schema."""


@click.command(short_help="Print the API's schema.")
@click.option("--sdl", "is_sdl", is_flag=True, help="In the schema definition language, not as JSON.")
@click.option("--json", "is_json", is_flag=True, help="As JSON, which it is without --sdl.")
@with_connection
def schema(connection: Connection, *, is_sdl: bool, is_json: bool) -> None:
    """
    Print the API's schema, as a signed-in user sees it.

    As JSON it is the answer to an introspection query, {"__schema": ...}, which tools for GraphQL read.
    """
    from gatepass.cli.sdl import sdl  # noqa: PLC0415 - not for --help

    if is_sdl and is_json:
        raise click.UsageError("--sdl and --json contradict each other.")
    with connection.open() as api, waiting_for(api.url):
        data = _introspected(api)
    click.echo(sdl(data["__schema"]) if is_sdl else f"{as_json(data)}\n", nl=False)


def _introspected(api: Client) -> dict[str, Any]:
    """The answer of a server of today, or of one that knows the specification of 2018 only."""
    from gatepass.cli.sdl import INTROSPECTION, INTROSPECTION_2018  # noqa: PLC0415
    from gatepass.client import GraphQLErrors  # noqa: PLC0415

    try:
        reply = api.execute(INTROSPECTION)
        if not reply.errors and reply.data:
            return reply.data
    except GraphQLErrors:
        pass
    reply = api.execute(INTROSPECTION_2018)
    if reply.errors or not reply.data:
        say_errors(reply.errors, reply.request_id)
        raise NoSchemaError("the API does not tell its schema")
    return reply.data
