"""Clients as an operator handles them: a use case over the store, also while a server runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gatepass.cli.accounts import utc_now, with_store
from gatepass.crypto.client_keys import public_keys
from gatepass.domain.client import Client
from gatepass.domain.errors import BadUserInput
from gatepass.domain.secret import Secret
from gatepass.settings import Settings
from gatepass.usecases.add_client import AddClient, NewClient
from gatepass.usecases.find_client import find_client
from gatepass.usecases.remove_client import RemoveClient
from gatepass.usecases.rotate_client_secret import RotateClientSecret

MAX_KEY_BYTES: Final = 65_536


def add(settings: Settings, new: NewClient) -> tuple[Client, Secret[str] | None]:
    """Register a client; see `AddClient`."""
    return with_store(settings, lambda store: AddClient(store.clients, utc_now, os.urandom)(new))


def find(settings: Settings, client_id: str) -> Client:
    """
    The client.

    Raises:
        BadUserInput: there is none.
    """
    return with_store(settings, lambda store: find_client(store.clients, client_id))


def everyone(settings: Settings) -> Sequence[Client]:
    """Every registered client, oldest first."""
    return with_store(settings, lambda store: store.clients.all())


def rotate_secret(settings: Settings, client_id: str) -> Secret[str]:
    """Make another secret; see `RotateClientSecret`."""
    return with_store(settings, lambda store: RotateClientSecret(store.clients, utc_now, os.urandom)(client_id))


def remove(settings: Settings, client_id: str) -> Client:
    """Remove; see `RemoveClient`."""
    return with_store(settings, lambda store: RemoveClient(store.clients, utc_now)(client_id))


def keys_in(file: Path) -> str:
    """
    The public keys in a file.

    Raises:
        BadUserInput: they cannot be used.
    """
    with file.open("rb") as opened:
        raw = opened.read(MAX_KEY_BYTES + 1)
    try:
        return public_keys(raw.decode("utf-8") if len(raw) <= MAX_KEY_BYTES else "")
    except UnicodeDecodeError:
        raise BadUserInput(f"{file} holds no public keys: give a JWK Set, a JWK, or a public key in PEM.") from None
