"""`gatepass login`: sign in once; the password goes to the API and is kept nowhere."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from gatepass.cli.connection import (
    Connection,
    checked_address,
    complete_profile,
    connection_to,
    no_input,
    say_what_comes_first,
)
from gatepass.cli.progress import Progress, waiting_for
from gatepass.cli.terminal import own_password, say
from gatepass.domain.errors import GatepassError

if TYPE_CHECKING:
    from gatepass.client.device import DeviceCode
    from gatepass.client.stored import SignInStore


class RefusedError(GatepassError):
    """The API refused the user or the password: this command has failed, where others need a sign-in first."""


class KeepsNothingError(GatepassError):
    """There is no place for a sign-in."""


@click.command(short_help="Sign in to an API.")
@click.argument("url", metavar="[URL]", required=False)
@click.option(
    "-u", "--user", metavar="USER", envvar="GATEPASS_USERNAME", help="E-mail address.  [env: GATEPASS_USERNAME]"
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--device", is_flag=True, help="Sign in with a browser, here or on another device; no password here.")
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE",
    multiple=True,
    help="With --device: ask for this scope, again for more, and for no other; without it for all that you have.",
)
@click.option(
    "--profile",
    metavar="NAME",
    envvar="GATEPASS_PROFILE",
    shell_complete=complete_profile,
    help="A name for this sign-in; the API's host unless given.  [env: GATEPASS_PROFILE]",
)
@no_input
def login(
    url: str | None,
    user: str | None,
    scopes: tuple[str, ...],
    profile: str | None,
    *,
    password_stdin: bool,
    device: bool,
    may_ask: bool,
) -> None:
    """
    Sign in to an API, and use that sign-in from now on.

    URL is the address of the GraphQL API, such as https://api.example.org/graphql/. Without it: GATEPASS_URL, or the
    address of the profile. What is not given is asked for on a terminal. The password can also come from
    GATEPASS_PASSWORD, or from the file that GATEPASS_PASSWORD_FILE names. It is sent to the API and kept nowhere; what
    is kept are tokens, in the system's keyring or in a file that only you can read.

    Sign in twice, with another URL or --profile, to have two sign-ins; 'gatepass use' switches.
    """
    from gatepass.client.stored import NoStore  # noqa: PLC0415 - not for --help

    if device and password_stdin:
        raise click.UsageError("--device takes no password: leave out --password-stdin.")
    if scopes and not device:
        raise click.UsageError("--scope goes with --device: who signs in with a password gets all scopes.")
    connection = connection_to(profile, url or os.environ.get("GATEPASS_URL"), may_ask=may_ask)
    store = connection.store()
    if isinstance(store, NoStore):
        raise KeepsNothingError(
            "GATEPASS_STORE=none keeps no sign-in. Set GATEPASS_USERNAME and GATEPASS_PASSWORD_FILE in place of login."
        )
    address, name = _target(connection, store)
    _check_is_writable(store, name)
    _warn_of_clear_text(address)
    if device:
        _sign_in_on_device(address, name, store, scopes)
        user = None
    else:
        user = _sign_in(connection, address, name, store, user, password_stdin=password_stdin)
    store.use(name)
    say(f"signed in to {address}{f' as {user}' if user else ''} (profile {name})")
    say_what_comes_first()


def _check_is_writable(store: SignInStore, name: str) -> None:
    """Before anybody signs in: what cannot be kept would live on at the API, and nobody could end it."""
    lock = store.lock(name)
    lock.try_acquire()
    lock.release()


def _target(connection: Connection, store: SignInStore) -> tuple[str, str]:
    """Address and profile of the sign-in to come."""
    from gatepass.client.stored import default_profile, profile_for  # noqa: PLC0415 - not for --help

    url = connection.url
    if url is None:
        stored = connection.stored(store)
        if stored is not None:
            return stored.url, stored.profile
        if not connection.may_ask:
            raise click.UsageError("Which API? Give its address: gatepass login https://api.example.org/graphql/")
        url = checked_address(click.prompt("Address of the API", err=True).strip())
    if connection.profile is not None:
        return url, connection.profile
    return url, profile_for(url, store) or default_profile(url, store.profiles())


def _sign_in(
    connection: Connection, address: str, name: str, store: SignInStore, user: str | None, *, password_stdin: bool
) -> str:
    from gatepass.client import Client, SignInRefused  # noqa: PLC0415 - it brings httpx2

    user = (user or "").strip()
    if not user:
        if not connection.may_ask:
            raise click.UsageError("Who? Give the e-mail address: --user USER, or GATEPASS_USERNAME.")
        before = store.load(name)
        user = click.prompt("E-mail address", default=before.username if before else None, err=True).strip()
    password = own_password(from_stdin=password_stdin, may_ask=connection.may_ask)
    # Given to the client as well, so that it does not look for credentials in the environment.
    api = Client(address, username=user, password=password.reveal(), profile=name, store=store)
    with api, waiting_for(address):
        try:
            api.sign_in(user, password.reveal())
        except SignInRefused as error:
            raise RefusedError(str(error)) from None
    return user


def _sign_in_on_device(address: str, name: str, store: SignInStore, scopes: Sequence[str]) -> None:
    from gatepass.client import Client  # noqa: PLC0415 - it brings httpx2

    with (
        Client(address, profile=name, store=store) as api,
        Progress("waiting for somebody to type in the code"),
    ):
        api.sign_in_on_device(lambda code: say(*_instructions(code)), scope=" ".join(scopes) or None)


def _instructions(code: DeviceCode) -> Iterator[str]:
    """What to do in the browser. Whoever reads a code must know that it lets somebody in (RFC 8628 §5.4)."""
    yield f"Open {code.verification_uri} in a browser, here or on another device, and type in the code:"
    yield f"  {code.user_code}"
    if code.verification_uri_complete:
        yield f"or open {code.verification_uri_complete} and compare the code"
    yield f"There is time for {code.expires_in_seconds / 60:.0f} minutes. Never type in a code that others sent you."


def _warn_of_clear_text(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        say(f"warning: password and tokens travel in clear text to {parts.netloc}: use https:// if the API has it")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
