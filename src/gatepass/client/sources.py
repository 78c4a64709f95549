"""Where credentials come from: argument, `GATEPASS_TOKEN`, `GATEPASS_USERNAME` and its password, the stored sign-in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from gatepass.client.address import checked
from gatepass.client.errors import ClientError, SignInRequired
from gatepass.client.session import Source
from gatepass.client.stored import SignInStore, default_profile, is_token, open_store, profile_for, warn

_LONGEST_PASSWORD_FILE: Final = 65536


class BadCredentials(ClientError):
    """Credentials that cannot be used as they were given."""

    code = "BAD_CREDENTIALS"


def find_source(
    url: str | None,
    *,
    username: str | None = None,
    password: str | None = None,
    token: str | None = None,
    profile: str | None = None,
    store: SignInStore | None = None,
    management_flow: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> Source:
    """
    The first that is there. The store is opened only if nothing comes before it, or the address is its business.

    Args:
        url: None for `GATEPASS_URL`, else the address of the profile.
        profile: None for `GATEPASS_PROFILE`; else the one for the address, else the one in use.

    Raises:
        SignInRequired: no address, and no profile that has one.
        BadAddress, BadCredentials, StoreError: something is there that cannot be used.
    """
    profile = profile or environ.get("GATEPASS_PROFILE") or None
    url = url or environ.get("GATEPASS_URL") or None
    opened = store
    if url is None:
        opened = store if store is not None else open_store(environ, announce=warn)
        url = _address_of(opened, profile)
    url = checked(url)
    given = _given(
        url, management_flow=management_flow, username=username, password=password, token=token, environ=environ
    )
    if given is not None:
        return given
    if opened is None:
        opened = open_store(environ, announce=warn)
    kept = kept_source(url, opened, profile, management_flow=management_flow, username=username)
    # A user of the environment without a password is no credentials, but says whose sign-in is meant.
    alone = environ.get("GATEPASS_USERNAME") if username is None else None
    return replace(kept, username=alone, origin="environment") if alone else kept


def kept_source(
    url: str, store: SignInStore, profile: str | None, *, management_flow: bool = True, username: str | None = None
) -> Source:
    """The sign-in that is kept for an address, or is going to be."""
    name = profile or profile_for(url, store) or default_profile(url, store.profiles())
    kept = store.load(name)
    if kept is not None:
        management_flow = kept.management_flow
    return Source(url, management_flow, username=username, profile=name, store=store, origin="store")


def source_to_sign_in(
    source: Source, profile: str | None, store: SignInStore | None, environ: Mapping[str, str] = os.environ
) -> Source:
    """Where a sign-in that was asked for in so many words is kept, whatever credentials came before it."""
    if source.is_kept:
        return replace(source, username=None)
    opened = store if store is not None else open_store(environ, announce=warn)
    profile = profile or environ.get("GATEPASS_PROFILE") or None
    return replace(kept_source(source.url, opened, profile), management_flow=source.management_flow, username=None)


def _given(
    url: str,
    *,
    management_flow: bool,
    username: str | None,
    password: str | None,
    token: str | None,
    environ: Mapping[str, str],
) -> Source | None:
    """What comes before the store; it is never kept there."""
    if token is not None:
        if username is not None or password is not None:
            raise BadCredentials("Give a token, or a username and a password, not both.")
        return Source(url, management_flow, token=_checked_token(token, "The token that was given"))
    if password is not None:
        username = username or environ.get("GATEPASS_USERNAME")
        if not username:
            raise BadCredentials("A password was given without a username.")
        _check_is_text("The password that was given", password)
        _check_is_text("The username that was given", username)
        return Source(url, management_flow, username=username, password=password)
    return _from_environment(url, management_flow=management_flow, username=username, environ=environ)


def _from_environment(
    url: str, *, management_flow: bool, username: str | None, environ: Mapping[str, str]
) -> Source | None:
    """Who asks for a user by name gets no other one's credentials."""
    if username is None and environ.get("GATEPASS_TOKEN"):
        token = _checked_token(environ["GATEPASS_TOKEN"].strip(), "GATEPASS_TOKEN")
        return Source(url, management_flow, token=token, origin="environment")
    found = environ.get("GATEPASS_USERNAME")
    if not found or username not in (None, found):
        return None
    password = _password(environ)
    if password is None:
        return None
    _check_is_text("GATEPASS_USERNAME", found)
    return Source(url, management_flow, username=found, password=password, origin="environment")


def _password(environ: Mapping[str, str]) -> str | None:
    """Without the one line end that an editor puts at the end of a file."""
    if environ.get("GATEPASS_PASSWORD"):
        _check_is_text("GATEPASS_PASSWORD", environ["GATEPASS_PASSWORD"])
        return environ["GATEPASS_PASSWORD"]
    path = environ.get("GATEPASS_PASSWORD_FILE")
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LONGEST_PASSWORD_FILE).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadCredentials(f"GATEPASS_PASSWORD_FILE names {path}, which cannot be read: {reason}.") from None
    password = content.removesuffix("\n").removesuffix("\r")
    if not password:
        raise BadCredentials(f"GATEPASS_PASSWORD_FILE names {path}, which is empty.")
    return password


def _check_is_text(name: str, value: str) -> None:
    """Python has half characters where an argument or a variable is not in the encoding of the system."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadCredentials(f"{name} is not text in UTF-8.") from None


def _checked_token(token: str, name: str) -> str:
    if not is_token(token):
        raise BadCredentials(f"{name} is no token that can be sent: it is empty or has a space or odd characters.")
    return token


def _address_of(store: SignInStore, profile: str | None) -> str:
    name = profile or store.current()
    kept = store.load(name) if name is not None else None
    if kept is None:
        named = f"There is no profile {name}." if name is not None else "No address was given, and nobody is signed in."
        raise SignInRequired(named, url="URL", profile=profile)
    return kept.url
