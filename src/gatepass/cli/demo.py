"""`gatepass demo`: everything at once on this machine, to be tried and thrown away."""

from __future__ import annotations

import click

DEMO_PORT = 8000


@click.command(short_help="Try everything on this machine.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=DEMO_PORT,
    show_default=True,
    help="TCP port on 127.0.0.1.",
)
def demo(port: int) -> None:
    """
    Try Gatepass: a demo API with sign-in in front of it, on this machine only.

    It makes a store in a temporary folder and two accounts, and prints what to paste. Ctrl-C stops it and removes
    everything.
    """
    from gatepass.cli.demonstration import run_demo  # noqa: PLC0415 - not for --help

    run_demo(port)
