"""`gatepass query`: run an operation; all pages of it into a file, if wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gatepass.cli import rows
from gatepass.cli.command import FAILED
from gatepass.cli.connection import Connection, with_connection
from gatepass.cli.documents import check_operation, with_operation
from gatepass.cli.graphql_errors import say_errors
from gatepass.cli.progress import waiting_for
from gatepass.cli.terminal import say


def _is_in_a_folder(_context: click.Context, _parameter: click.Parameter, target: Path | None) -> Path | None:
    """Said before the API is asked."""
    if target is not None and not target.parent.is_dir():
        raise click.UsageError(f"There is no folder {target.parent}.")
    return target


@click.command(short_help="Run a query or a mutation.")
@with_operation
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(rows.FORMS),
    default="json",
    show_default=True,
    help="How to print the data.",
)
@click.option("--json", "is_json", is_flag=True, help="The same as --output json.")
@click.option("--path", metavar="PATH", help="Which part of the data to print, such as companies.items.")
@click.option("--all", "all_pages", is_flag=True, help="Get every page; see above.")
@click.option(
    "--to",
    "target",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_is_in_a_folder,
    help="Write into FILE, not to standard output.",
)
@click.option("--resume", is_flag=True, help="Go on with an export that was interrupted; with --all and --to.")
@click.pass_context
@with_connection
def query(
    connection: Connection,
    context: click.Context,
    document: str,
    variables: dict[str, Any],
    operation: str | None,
    *,
    form: str,
    is_json: bool,
    path: str | None,
    all_pages: bool,
    target: Path | None,
    resume: bool,
) -> None:
    """
    Run the GraphQL operation in FILE, or on standard input if FILE is -.

    \b
    gatepass query companies.graphql -v first=20 --output table
    echo '{ __typename }' | gatepass query -

    The data is printed as JSON, or its list of objects as a table or as CSV. Errors go to standard error, and then the
    exit code is 1, also if there is data beside them.

    With --all the operation is repeated for page after page. It must declare a variable $after (or $cursor), and ask
    for pageInfo { hasNextPage endCursor } beside the list. With --to the pages are collected in FILE.part; an export
    that was interrupted goes on with --resume.
    """  # noqa: D301 - click's mark for lines that stay as they are
    if is_json and form != "json":
        raise click.UsageError(f"--json and --output {form} contradict each other.")
    if resume and not (all_pages and target):
        raise click.UsageError("--resume goes with --all and --to FILE.")
    check_operation(document, operation, is_subscription=False)
    if all_pages:
        from gatepass.cli.export import Job, run_export  # noqa: PLC0415 - seldom wanted

        run_export(connection, Job(document, variables, operation, form, path), target, resume=resume)
        return
    with connection.open() as api, waiting_for(api.url):
        reply = api.execute(document, variables, operation_name=operation)
    if reply.data is not None or not reply.errors:
        _write(_text(reply.data, form, path), target)
    if reply.errors:
        say_errors(reply.errors, reply.request_id)
        context.exit(FAILED)


def _text(data: object, form: str, path: str | None) -> str:
    if form == "json":
        return f"{rows.as_json(data if path is None else rows.part(data, path))}\n"
    place = rows.rows_path(data, path)
    found = [rows.flat(value) for value in rows.values_of(data, place)]
    if rows.at(data, (*place[:-1], "pageInfo", "hasNextPage")) is True:
        say("there are more pages: --all gets them")
    columns = rows.columns_of(found)
    return rows.as_csv(columns, found) if form == "csv" else rows.as_table(columns, found)


def _write(text: str, target: Path | None) -> None:
    if target is None:
        click.echo(text, nl=False)
    else:
        target.write_text(text, encoding="utf-8")
