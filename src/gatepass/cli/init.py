"""`gatepass init`: the data folder of a new Gatepass."""

from __future__ import annotations

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import say


@click.command(short_help="Make the data folder of a new Gatepass.")
@with_source
@click.option(
    "--database-url",
    metavar="URL",
    help="postgresql://… in place of an SQLite file; goes into gatepass.toml. Others on this machine may see a "
    "password on a command line; they do not see GATEPASS_DATABASE_URL.",
)
def init(source: Source, /, *, database_url: str | None) -> None:
    """
    Make the data folder: store, secret key, and a gatepass.toml to fill in.

    Nothing that is there is overwritten. A secret key that is set in the environment is used, and no file is made
    for it. A database on a server is not touched: 'gatepass db upgrade' makes the tables in it.
    """
    from gatepass.cli.new_data_folder import make_data_folder  # noqa: PLC0415 - not for --help

    settings = source.load(database_url=database_url)
    for path in make_data_folder(settings, database_url):
        say(f"made {path}")
    _say_next_steps(source, is_on_a_server=settings.database_path is None)


def _say_next_steps(source: Source, *, is_on_a_server: bool) -> None:
    options = f" --data-dir {source.data_dir}" if source.data_dir else ""
    say(
        "",
        "Keep a copy of the secret key apart from the store: neither is of use without the other.",
        "",
        "Next:",
        *([f"  gatepass db upgrade{options}"] if is_on_a_server else []),
        f"  gatepass user add{options} you@example.org",
        f"  gatepass serve{options} --upstream http://127.0.0.1:4000/graphql",
    )
