"""`gatepass revoke-all`: everybody signs in again."""

from __future__ import annotations

import click

from gatepass.cli.source import Source, with_source
from gatepass.cli.terminal import confirm, say, sign_ins


@click.command("revoke-all", short_help="End every sign-in of everybody.")
@with_source
@click.option("--yes", is_flag=True, help="Do not ask.")
def revoke_all(source: Source, *, yes: bool) -> None:
    """
    End every sign-in of everybody, as after a theft or from an old backup.

    No refresh from then on, and every access token is refused within a second. Accounts and passwords stay.
    """
    from gatepass.cli import sessions  # noqa: PLC0415 - not for --help

    settings = source.load()
    confirm("End every sign-in of everybody?", is_confirmed=yes)
    ended, accounts = sessions.revoke_all(settings)
    say(f"ended {sign_ins(ended)} of {accounts} {'account' if accounts == 1 else 'accounts'}")
