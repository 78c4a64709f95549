"""OAuth clients for the tests of stores and of what uses them."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any, Final

from gatepass.domain.account import Scope
from gatepass.domain.client import Client, ClientAuthentication, GrantType
from gatepass.domain.identifiers import uuid7
from gatepass.usecases.ports import StoredClient
from tests.kit.store_world import NOW

DIGEST: Final = bytes(range(32))
OTHER_DIGEST: Final = bytes(32)


def a_client(now: datetime = NOW, **differing: Any) -> Client:
    """A client for browsers, not stored yet."""
    values: dict[str, Any] = {
        "id": str(uuid7(now, os.urandom(10))),
        "name": "Reports, Inc.",
        "authentication": ClientAuthentication.SECRET,
        "grants": frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
        "scopes": (Scope("companies:read"),),
        "redirect_uris": ("https://client.example/callback", "http://127.0.0.1/cb?a=b"),
        "created_at": now,
    }
    return Client(**values | differing)


def a_service(now: datetime = NOW, **differing: Any) -> Client:
    """A client that acts for itself, not stored yet."""
    return a_client(now, grants=frozenset({GrantType.CLIENT_CREDENTIALS}), redirect_uris=(), **differing)


def with_secret(client: Client) -> StoredClient:
    """As it is stored."""
    return StoredClient(client, DIGEST)
