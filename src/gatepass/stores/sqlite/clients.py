"""OAuth clients, and the assertions that they have used."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gatepass.domain.audit import Note
from gatepass.domain.client import Client, ClientAuthentication, GrantType
from gatepass.domain.identifiers import AccountId
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.accounts import add_account, remove_account
from gatepass.stores.sqlite.audit import noted
from gatepass.stores.sqlite.revocations import revoke_all, revoke_client
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import StoredClient

_COLUMNS: Final = (
    "id, name, authentication, grants, scopes, redirect_uris, is_first_party, jwks, created_at, secret_digest"
)
_ADD: Final = f"INSERT INTO clients ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
_ALL: Final = f"SELECT {_COLUMNS} FROM clients ORDER BY created_at, id"  # noqa: S608 - constants
_FIND: Final = f"SELECT {_COLUMNS} FROM clients WHERE id = ?"  # noqa: S608 - constants
_REPLACE_SECRET: Final = "UPDATE clients SET secret_digest = ? WHERE id = ? AND secret_digest IS NOT NULL"  # noqa: S105
_SPEND: Final = "INSERT INTO client_assertions (digest, expires_at) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING"
_SPENT: Final = "SELECT digest FROM client_assertions WHERE expires_at < ? LIMIT ?"

_NOBODY: Final = (
    "",
    "A client",
    "client_secret",
    "authorization_code refresh_token",
    "",
    "https://a.invalid/",
    0,
    "",
    0,
    b"",
)
"""Read in place of a row that is not there: the clock must not tell which clients there are."""


class SqliteClients:
    """See `gatepass.usecases.ports.Clients`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def add(self, stored: StoredClient, *, note: Note[None] | None = None) -> None:
        """Store a new client, with its own account."""
        await self._writer.do(noted(lambda connection: _add(connection, stored), note))

    async def find(self, client_id: str) -> StoredClient | None:
        """The client with exactly this id."""
        return await self._reader.do(lambda connection: _find(connection, client_id))

    async def all(self) -> Sequence[Client]:
        """Every client, oldest first."""
        return await self._reader.do(lambda connection: [_client(row).client for row in connection.execute(_ALL)])

    async def replace_secret(
        self, client_id: str, secret_digest: bytes, now: datetime, *, note: Note[bool] | None = None
    ) -> bool:
        """Replace the secret, and revoke what the client got for itself, in one."""
        return await self._writer.do(
            noted(lambda connection: _replace_secret(connection, client_id, secret_digest, now), note)
        )

    async def remove(self, client_id: str, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """Remove the client and all that hangs on it, in one."""
        return await self._writer.do(noted(lambda connection: _remove(connection, client_id, now), note))


class SqliteClientAssertions:
    """See `gatepass.usecases.ports.ClientAssertions`."""

    def __init__(self, writer: Worker) -> None:
        self._writer = writer

    async def spend(self, digest: bytes, expires_at: datetime) -> bool:
        """Note an assertion, durably, once."""
        values = (digest, rows.microseconds(expires_at))
        return await self._writer.do(lambda connection: connection.execute(_SPEND, values).rowcount == 1)

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Forget those that have expired."""
        return await self._writer.do(lambda connection: _sweep(connection, rows.microseconds(expired_before), limit))


def _add(connection: sqlite3.Connection, stored: StoredClient) -> None:
    client = stored.client
    if (account := client.own_account) is not None:
        add_account(connection, account, None)
    connection.execute(
        _ADD,
        (
            client.id,
            client.name,
            client.authentication,
            " ".join(sorted(client.grants)),
            rows.scopes_or_none(client.scopes),
            " ".join(client.redirect_uris),
            client.is_first_party,
            client.jwks,
            rows.microseconds(client.created_at),
            stored.secret_digest,
        ),
    )


def _find(connection: sqlite3.Connection, client_id: str) -> StoredClient | None:
    row = connection.execute(_FIND, (client_id,)).fetchone()
    found = _client(row or _NOBODY)
    return found if row else None


def _client(row: tuple[Any, ...]) -> StoredClient:
    client_id, name, authentication, grants, scopes, redirect_uris, is_first_party, jwks, created_at, digest = row
    client = Client(
        client_id,
        name,
        ClientAuthentication(authentication),
        frozenset(map(GrantType, grants.split())),
        rows.given_scopes(scopes),
        tuple(redirect_uris.split()),
        rows.moment(created_at),
        bool(is_first_party),
        jwks,
    )
    return StoredClient(client, digest)


def _replace_secret(connection: sqlite3.Connection, client_id: str, secret_digest: bytes, now: datetime) -> bool:
    if connection.execute(_REPLACE_SECRET, (secret_digest, client_id)).rowcount != 1:
        return False
    revoke_all(connection, _own_account(client_id), now)
    return True


def _remove(connection: sqlite3.Connection, client_id: str, now: datetime) -> bool:
    if connection.execute("DELETE FROM clients WHERE id = ?", (client_id,)).rowcount != 1:
        return False
    revoke_client(connection, client_id, now)
    remove_account(connection, _own_account(client_id), now)
    return True


def _own_account(client_id: str) -> AccountId:
    """Of a client that never acts for itself nobody has this id."""
    return AccountId(UUID(client_id))


def _sweep(connection: sqlite3.Connection, expired_before: int, limit: int) -> int:
    found = connection.execute(_SPENT, (expired_before, limit)).fetchall()
    return connection.executemany("DELETE FROM client_assertions WHERE digest = ?", found).rowcount if found else 0
