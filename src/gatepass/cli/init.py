"""`gatepass init`: the data folder of a new Gatepass."""

from __future__ import annotations

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import say


@click.command(short_help="Make the data folder of a new Gatepass.")
@with_source
def init(source: Source) -> None:
    """
    Make the data folder: store, secret key, and a gatepass.toml to fill in.

    Nothing that is there is overwritten. A secret key that is set in the environment is used, and no file is made
    for it.
    """
    from gatepass.cli.new_data_folder import make_data_folder  # noqa: PLC0415 - not for --help

    for path in make_data_folder(source.load()):
        say(f"made {path}")
    _say_next_steps(source)


def _say_next_steps(source: Source) -> None:
    options = f" --data-dir {source.data_dir}" if source.data_dir else ""
    say(
        "",
        "Keep a copy of the secret key apart from the store: neither is of use without the other.",
        "",
        "Next:",
        f"  gatepass user add{options} you@example.org",
        f"  gatepass serve{options} --upstream http://127.0.0.1:4000/graphql",
    )
