"""
The sign-in that is kept between runs, and where.

Imports no HTTP client: a command that finds a fresh token here has nothing else to wait for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol, Self, TypeGuard
from urllib.parse import urlsplit

from gatepass.client.address import is_same
from gatepass.client.errors import ClientError

MARGIN_SECONDS: Final = 60.0
MARGIN_SHARE: Final = 0.2
_CLOCK_STEP: Final = 5.0
"""Seconds that a clock may go back while it is kept right."""
_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_LONGEST_NAME: Final = 64
Announce = Callable[[str], object]
"""Takes one line for people."""


class StoreError(ClientError):
    """The store cannot be read or written, or is not there."""

    code = "STORE_ERROR"


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """
    One sign-in as it is kept. Never a password.

    Args:
        profile: its name, as `checked_profile` takes it.
        obtained_at, expires_at: of the access token, seconds of this machine's wall clock; only their distance and
            the time that has passed since are used, so a wrong clock does no harm.
        says_lifetime, gives_hint: whether the server has `expiresIn`, and `deviceHint`; None while nobody asked.
        device_hint: goes with the next sign-in of this user.
    """

    profile: str
    url: str
    username: str
    management_flow: bool = True
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    obtained_at: float = 0.0
    expires_at: float = 0.0
    says_lifetime: bool | None = None
    device_hint: str | None = field(default=None, repr=False)
    gives_hint: bool | None = None

    @property
    def lifetime_seconds(self) -> float:
        """How long the access token was to live when it came."""
        return max(self.expires_at - self.obtained_at, 0.0)

    def remaining_seconds(self, now: float) -> float:
        """
        What is left of the access token at `now`, seconds of the wall clock.

        Nothing where the clock has been set back to before it came: how old it is cannot be told then.
        """
        return self.expires_at - now if now > self.obtained_at - _CLOCK_STEP else 0.0


class ProcessLock(AbstractContextManager["ProcessLock"], Protocol):
    """Held by one process, and one thread of it, at a time."""

    def try_acquire(self) -> bool:
        """Take it if it is free."""

    def release(self) -> None:
        """Give it back; nothing happens if it is not held."""


class SignInStore(Protocol):
    """Where sign-ins are kept. Every method may raise `StoreError`."""

    def load(self, profile: str) -> StoredSignIn | None:
        """What is kept under that name. Something damaged is set aside, said, and counts as nothing."""

    def save(self, sign_in: StoredSignIn) -> None:
        """Keep it under its profile, whole or not at all. The first profile is the current one."""

    def delete(self, profile: str) -> None:
        """Forget it; nothing happens if it is not there."""

    def profiles(self) -> Sequence[str]:
        """All names, sorted."""

    def current(self) -> str | None:
        """The name in use."""

    def use(self, profile: str) -> None:
        """Make it the name in use; KeyError for one that is not kept."""

    def lock(self, profile: str) -> ProcessLock:
        """What must be held from reading a refresh token until its successor is kept."""


class NoLock:
    """For what no other process can see."""

    def try_acquire(self) -> bool:
        """It is always free."""
        return True

    def release(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class NoStore:
    """Keeps nothing."""

    def load(self, profile: str) -> StoredSignIn | None:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return None

    def save(self, sign_in: StoredSignIn) -> None:
        """Not kept."""

    def delete(self, profile: str) -> None:
        """Nothing to forget."""

    def profiles(self) -> Sequence[str]:
        """None."""
        return ()

    def current(self) -> str | None:
        """None."""
        return None

    def use(self, profile: str) -> None:
        """Always a KeyError."""
        raise KeyError(profile)

    def lock(self, profile: str) -> ProcessLock:  # noqa: ARG002 - the port's signature
        """Nothing to lock."""
        return NoLock()


def open_store(environ: Mapping[str, str] = os.environ, *, announce: Announce = lambda _: None) -> SignInStore:
    """
    The store that `GATEPASS_STORE` names; unless it does, files that have sign-ins already, else the system's keyring
    if one answers, else files.

    So a sign-in is found again where it was kept, also from a desktop whose keyring the shell of yesterday did not
    reach; and `gatepass token` does not ask a keyring in vain each time.

    Args:
        announce: gets a line when tokens go to files for the first time, and when something damaged was set aside.

    Raises:
        StoreError: an unknown name, or a keyring is wanted and none answers.
    """
    # A store imports this module.
    from gatepass.client.file_store import FileStore, has_keyring_names, state_folder  # noqa: PLC0415

    kind = environ.get("GATEPASS_STORE", "").strip().lower()
    if kind == "none":
        return NoStore()
    folder = state_folder(environ)
    files = FileStore(folder, announce=announce)
    if kind == "file" or (kind == "" and files.profiles() and not has_keyring_names(folder)):
        return files
    if kind not in ("", "keyring"):
        raise StoreError(f"GATEPASS_STORE is {kind!r}; it can be keyring, file or none.")
    from gatepass.client.keyring_store import KeyringStore, answering_keyring  # noqa: PLC0415

    keyring = answering_keyring()
    if keyring is not None:
        return KeyringStore(keyring, folder, announce=announce)
    if kind == "keyring":
        raise StoreError(
            "GATEPASS_STORE is keyring, and no keyring answers. Install gatepass[keyring] and unlock the system's "
            "keyring, or use GATEPASS_STORE=file."
        )
    return files


def warn(line: str) -> None:
    """For programs: a line of the log, which goes to standard error unless they say otherwise."""
    import logging  # noqa: PLC0415 - hardly ever needed, and not quick to import

    logging.getLogger("gatepass.client").warning(line)


def margin_seconds(lifetime_seconds: float) -> float:
    """How long before its expiry a token is renewed: 60 s, or 20 % of a short one's life."""
    return min(MARGIN_SECONDS, MARGIN_SHARE * lifetime_seconds)


def is_lasting(remaining_seconds: float, lifetime_seconds: float, min_ttl_seconds: float = 0.0) -> bool:
    """
    Whether a token needs no renewal yet.

    `min_ttl_seconds` asks for more time than the margin, but never for more than a token has after a fifth of its
    life: whoever asks for five minutes of a token that lives three would otherwise renew it at every call.
    """
    wanted = min(min_ttl_seconds, (1 - MARGIN_SHARE) * lifetime_seconds)
    return remaining_seconds > max(margin_seconds(lifetime_seconds), wanted)


def is_fresh(sign_in: StoredSignIn, *, now: float, min_ttl: timedelta | None = None) -> bool:
    """Whether its access token can be used without renewal; `now` in seconds of the wall clock."""
    wanted = min_ttl.total_seconds() if min_ttl is not None else 0.0
    return bool(sign_in.access_token) and is_lasting(sign_in.remaining_seconds(now), sign_in.lifetime_seconds, wanted)


def is_token(value: object) -> TypeGuard[str]:
    """Whether it can be sent in a header: visible ASCII (RFC 6750 §2.1 allows less, servers send more)."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and bool(value) and " " not in value


def profile_for(url: str, store: SignInStore) -> str | None:
    """The profile for an address, the current one first; None where there is none."""
    current = store.current()
    for name in sorted(store.profiles(), key=lambda name: (name != current, name)):
        sign_in = store.load(name)
        if sign_in is not None and is_same(sign_in.url, url):
            return name
    return None


def default_profile(url: str, taken: Sequence[str] = ()) -> str:
    """A name for a new profile: the address's host, numbered where that is taken."""
    parts = urlsplit(url)
    host = f"{parts.hostname or 'api'}{f'-{parts.port}' if parts.port else ''}"
    name = "".join(character if character in _NAME_CHARACTERS else "-" for character in host)[: _LONGEST_NAME - 4]
    name = name.lstrip("-_.") or "api"
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def is_profile(name: str) -> bool:
    """Whether it can be a profile's name, see `checked_profile`."""
    return 0 < len(name) <= _LONGEST_NAME and set(name) <= _NAME_CHARACTERS and name[0].isalnum()


def checked_profile(name: str) -> str:
    """
    A profile's name that can be a file's name on any system.

    Raises:
        StoreError: it cannot.
    """
    if not is_profile(name):
        raise StoreError(
            f"{name!r} is no name of a profile: up to {_LONGEST_NAME} letters, digits, '-', '_' and '.', "
            "and a letter or digit first."
        )
    return name
