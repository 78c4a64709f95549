"""Clients of OAuth 2 as actors, on a whole Gatepass."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2

from gatepass.domain import client_secret
from gatepass.domain.client import Client
from gatepass.domain.secret import Secret
from gatepass.settings import Settings
from gatepass.stores.opening import open_store
from gatepass.usecases.ports import StoredClient
from tests.kit.client_world import a_client
from tests.kit.store_of_run import all_rows
from tests.kit.world import World

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_OF_REFUSALS = {"audit_entries", "audit_last", "audit_seal", "attempts"}
"""Tables that are there to be written to when something is refused."""
Parameters = Mapping[str, str] | list[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered."""

    status: int
    headers: httpx2.Headers
    body: Any

    @property
    def error(self) -> str:
        """The word of RFC 6749 §5.2; it must come with a description."""
        assert set(self.body) == {"error", "error_description"}, self.body
        assert self.body["error_description"]
        word: str = self.body["error"]
        return word

    @property
    def tokens(self) -> dict[str, Any]:
        """The members of a good answer."""
        assert self.status == 200, self.body
        assert isinstance(self.body, dict)
        return self.body


@dataclass(frozen=True)
class Program:
    """A client that talks to the endpoints, proving itself with its secret, if it has one."""

    world: World
    client: Client
    secret: Secret[str] | None = None
    proof: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its `client_id`."""
        return self.client.id

    async def posts(self, path: str, parameters: Parameters, headers: Mapping[str, str] | None = None) -> Answer:
        """POST a form as it stands."""
        pairs = list(parameters.items()) if isinstance(parameters, Mapping) else parameters
        response = await self.world.client.post(path, content=urlencode(pairs), headers={**FORM, **(headers or {})})
        assert response.headers["cache-control"] == "no-store"
        return Answer(response.status_code, response.headers, response.json() if response.content else None)

    async def asks(self, path: str, **parameters: str) -> Answer:
        """POST a form, with what proves who it is."""
        if self.secret is None:
            return await self.posts(path, {"client_id": self.id, **parameters})
        return await self.posts(path, parameters, basic(self.id, self.secret.reveal()))

    async def asks_for_tokens(self, grant_type: str, **parameters: str) -> Answer:
        """POST to the token endpoint."""
        return await self.asks("/oauth/token", grant_type=grant_type, **parameters)

    async def refreshes(self, refresh_token: str, **parameters: str) -> Answer:
        """Use the grant."""
        return await self.asks_for_tokens("refresh_token", refresh_token=refresh_token, **parameters)

    async def gets_tokens_for_itself(self, **parameters: str) -> Answer:
        """Use the grant."""
        return await self.asks_for_tokens("client_credentials", **parameters)

    async def polls(self, device_code: str) -> Answer:
        """Use the grant."""
        return await self.asks_for_tokens(DEVICE_GRANT, device_code=device_code)


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of `client_secret_basic`; ids and secrets of ours have no character that would have to be encoded."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def register(settings: Settings, **differing: Any) -> tuple[Client, Secret[str]]:
    """Register a client through a store of its own on the same file, as another process would."""
    client, secret = a_client(datetime.now(UTC), **differing), client_secret.make(os.urandom(32))
    store = await open_store(settings.store_url)
    try:
        digest = client_secret.digest(secret) if client.authentication == "client_secret" else None
        await store.clients.add(StoredClient(client, digest))
    finally:
        await store.close()
    return client, secret


async def program(world: World, **differing: Any) -> Program:
    """A registered client, ready to talk."""
    client, secret = await register(world.settings, **differing)
    return Program(world, client, secret if client.authentication == "client_secret" else None)


def written(folder: Path) -> dict[str, Any]:
    """Every row of the store but counted attempts and the audit log, to see that nothing was written."""
    return {name: rows for name, rows in all_rows(folder).items() if name not in _OF_REFUSALS}
