"""`gatepass use`: another profile from now on."""

from __future__ import annotations

import os

import click

from gatepass.cli.connection import complete_profile, connection_to, say_what_comes_first
from gatepass.cli.terminal import say


@click.command(short_help="Switch to another sign-in.")
@click.argument("profile", metavar="PROFILE", shell_complete=complete_profile)
def use(profile: str) -> None:
    """Use another sign-in from now on, in this and every other terminal. 'gatepass status' shows which there are."""
    from gatepass.client.stored import open_store  # noqa: PLC0415 - not for --help

    store = open_store(os.environ, announce=say)
    stored = connection_to(profile, None, may_ask=False).stored(store)
    if stored is None:
        known = ", ".join(sorted(store.profiles())) or "none"
        raise click.UsageError(f"There is no profile {profile}. There are: {known}.")
    store.use(profile)
    say(f"using {profile}: {stored.url}")
    say_what_comes_first()
