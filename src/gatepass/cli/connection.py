"""`--profile`, `--url` and `--no-input` of the commands for API users, and the sign-in that follows from them."""

from __future__ import annotations

import functools
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from gatepass.cli.terminal import say

if TYPE_CHECKING:
    from gatepass.client import Client
    from gatepass.client.stored import SignInStore, StoredSignIn

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Given:
    """A token and how long it is good for, None where nobody said so."""

    access: str
    seconds_left: int | None


@dataclass(frozen=True, slots=True)
class Connection:
    """Which API the command line means, and whether it may ask."""

    profile: str | None
    url: str | None
    may_ask: bool

    def store(self) -> SignInStore:
        """Where sign-ins are kept."""
        from gatepass.client.stored import open_store  # noqa: PLC0415 - not for --help

        return open_store(os.environ, announce=say)

    def stored(self, store: SignInStore) -> StoredSignIn | None:
        """
        The sign-in that is kept: of the profile, or for the address, or the one in use.

        Raises:
            click.UsageError: profile and address do not belong together.
        """
        from gatepass.client.address import is_same  # noqa: PLC0415 - not for --help
        from gatepass.client.stored import profile_for  # noqa: PLC0415

        name = self.profile
        if name is None:
            name = store.current() if self.url is None else profile_for(self.url, store)
        found = None if name is None else store.load(name)
        if found is not None and self.url is not None and not is_same(found.url, self.url):
            raise click.UsageError(f"The profile {name} is for {found.url}, not for {self.url}.")
        return found

    def address(self, stored: StoredSignIn | None) -> str:
        """
        The API's address.

        Raises:
            SignInRequired: nobody said which API, and nobody has signed in.
        """
        if stored is not None:
            return stored.url
        if self.url is not None:
            return self.url
        from gatepass.client.errors import SignInRequired  # noqa: PLC0415 - not for --help

        if self.profile is not None:
            raise SignInRequired(
                f"There is no profile {self.profile}; 'gatepass status' shows which there are.", profile=self.profile
            )
        raise SignInRequired("Nobody is signed in, and neither --url nor GATEPASS_URL names an API.", url="URL")

    def open(self) -> Client:
        """The client; nothing has gone over the network yet."""
        store = self.store()
        stored = self.stored(store)
        address = self.address(stored)
        from gatepass.client import Client  # noqa: PLC0415 - it brings httpx2

        return Client(address, profile=stored.profile if stored is not None else self.profile, store=store)

    def token(self, min_ttl: timedelta | None = None) -> str:
        """See `given`."""
        return self.given(min_ttl).access

    def given(self, min_ttl: timedelta | None = None) -> Given:
        """
        A valid access token, renewed if needed. One that is kept and good costs no network, nor its imports.

        Raises:
            SignInRequired: there is nothing to get one with.
            ServerUnreachable: it had to be renewed, and there was no answer.
        """
        from gatepass.client.stored import is_fresh, is_token  # noqa: PLC0415 - not for --help

        given = os.environ.get("GATEPASS_TOKEN", "").strip()
        if is_token(given):
            return Given(given, None)
        if given_by_environment() is None:
            stored, now = self.stored(self.store()), time.time()
            is_meant = stored is not None and not is_of_another_user(stored)
            if stored and is_meant and stored.access_token and is_fresh(stored, now=now, min_ttl=min_ttl):
                return Given(stored.access_token, int(stored.remaining_seconds(now)))
        from gatepass.cli.progress import waiting_for  # noqa: PLC0415 - not for what is kept

        with self.open() as api, waiting_for(api.url):
            access, held = api.token(min_ttl), api.session.held
        left = held.until - time.monotonic() if held is not None else math.inf
        return Given(access, int(left) if left < math.inf else None)


def with_connection(command: Callable[Concatenate[Connection, P], R]) -> Callable[..., R]:
    """Give a command the three options; it gets them as its first argument."""

    @click.option(
        "--profile",
        metavar="NAME",
        envvar="GATEPASS_PROFILE",
        shell_complete=complete_profile,
        help="A sign-in other than the one in use.  [env: GATEPASS_PROFILE]",
    )
    @click.option(
        "--url",
        metavar="URL",
        envvar="GATEPASS_URL",
        help="The API by its address, in place of a profile.  [env: GATEPASS_URL]",
    )
    @no_input
    @functools.wraps(command)
    def with_options(*args: Any, profile: str | None, url: str | None, may_ask: bool, **kwargs: Any) -> R:
        profile, url = _flags_before_variables(profile, url)
        return command(connection_to(profile, url, may_ask=may_ask), *args, **kwargs)

    return with_options


def _flags_before_variables(profile: str | None, url: str | None) -> tuple[str | None, str | None]:
    """A flag also comes before the variable of the other one: both say which API."""
    source = click.get_current_context().get_parameter_source
    of_profile, of_url = source("profile"), source("url")
    if ParameterSource.COMMANDLINE in (of_profile, of_url):
        profile = None if of_profile is ParameterSource.ENVIRONMENT else profile
        url = None if of_url is ParameterSource.ENVIRONMENT else url
    return profile, url


def connection_to(profile: str | None, url: str | None, *, may_ask: bool) -> Connection:
    """
    What the options say; empty ones say nothing.

    Raises:
        click.UsageError: the name cannot be one, or the address has not the form of one.
    """
    return Connection(_checked_name(profile) if profile else None, checked_address(url) if url else None, may_ask)


def no_input(command: Callable[..., R]) -> Callable[..., R]:
    """`--no-input`; the command gets `may_ask`."""

    @click.option(
        "--no-input",
        is_flag=True,
        envvar="GATEPASS_NO_INPUT",
        help="Never ask, fail instead.  [env: GATEPASS_NO_INPUT]",
    )
    @functools.wraps(command)
    def with_option(*args: Any, no_input: bool, **kwargs: Any) -> R:
        return command(*args, may_ask=not no_input and sys.stdin.isatty(), **kwargs)

    return with_option


def is_json_anyway(command: Callable[..., R]) -> Callable[..., R]:
    """`--json` where there is no other form: whoever gives it everywhere is not stopped."""
    return click.option("--json", is_flag=True, expose_value=False, help="As JSON, which it is anyway.")(command)


def given_by_environment() -> str | None:
    """The variable with credentials that come before what is kept; a user without a password is none."""
    if os.environ.get("GATEPASS_TOKEN"):
        return "GATEPASS_TOKEN"
    has_password = any(os.environ.get(name) for name in ("GATEPASS_PASSWORD", "GATEPASS_PASSWORD_FILE"))
    return "GATEPASS_USERNAME" if os.environ.get("GATEPASS_USERNAME") and has_password else None


def is_of_another_user(stored: StoredSignIn) -> bool:
    """Whether GATEPASS_USERNAME says that another user is meant."""
    return os.environ.get("GATEPASS_USERNAME") not in (None, "", stored.username)


def say_what_comes_first() -> None:
    """Nobody is to wonder why a kept sign-in is not the one that is used."""
    if (name := given_by_environment()) is not None:
        say(f"{name} is set and comes before what is kept")


def _checked_name(name: str) -> str:
    from gatepass.client.stored import StoreError, checked_profile  # noqa: PLC0415 - not for --help

    try:
        return checked_profile(name)
    except StoreError as error:
        raise click.UsageError(str(error)) from None


def checked_address(url: str) -> str:
    """
    An address as it was given, if it can be one.

    Raises:
        click.UsageError: it has not the form of one, or it holds a password, which others could read.
    """
    from gatepass.client.address import BadAddress, checked  # noqa: PLC0415 - not for --help

    try:
        return checked(url)
    except BadAddress as error:
        raise click.UsageError(str(error)) from None


def complete_profile(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names for the shell's completion; it must not print, and not fail."""
    from gatepass.client.stored import open_store  # noqa: PLC0415

    try:
        names = open_store(os.environ, announce=lambda _: None).profiles()
    except Exception:  # nobody wants a stack trace in the middle of typing
        return []
    return [name for name in sorted(names) if name.startswith(incomplete)]
