"""`gatepass logout`: end the sign-in, at the API and here."""

from __future__ import annotations

import click

from gatepass.cli.connection import Connection, given_by_environment, is_of_another_user, with_connection
from gatepass.cli.progress import waiting_for
from gatepass.cli.terminal import say
from gatepass.domain.errors import GatepassError


class WrongSignInError(GatepassError):
    """It would not be the sign-in that was meant."""


@click.command(short_help="End a sign-in.")
@with_connection
def logout(connection: Connection) -> None:
    """
    End a sign-in: at the API, if it knows signOut, and here in any case.

    An API without signOut lets tokens that were copied elsewhere live until they expire. If the API cannot be reached
    the exit code is 5, and the sign-in is forgotten here nevertheless. If it cannot be removed here, on a disk that is
    read-only say, the exit code is 1, the message says whether the API has ended it, and 'gatepass status' shows it
    still.
    """
    store = connection.store()
    stored = connection.stored(store)
    if stored is None:
        say(f"nobody is signed in{' there' if connection.profile or connection.url else ''}")
        return
    if given_by_environment() or is_of_another_user(stored):
        raise WrongSignInError(
            "GATEPASS_TOKEN or GATEPASS_USERNAME is set and comes before what is kept, so another sign-in would end. "
            "Unset it first."
        )
    from gatepass.client import Client  # noqa: PLC0415 - it brings httpx2
    from gatepass.client.stored import StoreError  # noqa: PLC0415 - not for --help

    try:
        with Client(stored.url, profile=stored.profile, store=store) as api, waiting_for(stored.url):
            is_known = api.sign_out()
    except StoreError:
        raise  # a second attempt would fail as well, and not say what the server knows
    except BaseException:
        store.delete(stored.profile)
        raise
    say(f"signed out of {stored.url} (profile {stored.profile})")
    if not is_known:
        say("the API knows no signOut: tokens that were copied elsewhere live until they expire")
