"""OAuth clients, and the assertions that they have used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gatepass.domain.audit import Note
from gatepass.domain.client import Client, ClientAuthentication, GrantType
from gatepass.domain.identifiers import EPOCH, AccountId
from gatepass.stores.postgres import rows
from gatepass.stores.postgres.accounts import add_account, lock_account, remove_account
from gatepass.stores.postgres.audit import noted
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.revocations import revoke_all, revoke_client
from gatepass.stores.postgres.writer import Writer
from gatepass.usecases.ports import StoredClient

_COLUMNS: Final = (
    "id, name, authentication, grants, scopes, redirect_uris, is_first_party, jwks, created_at, secret_digest"
)
_ADD: Final = f"INSERT INTO clients ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"  # noqa: S608
_ALL: Final = f'SELECT {_COLUMNS} FROM clients ORDER BY created_at, id COLLATE "C"'  # noqa: S608 - constants
_FIND: Final = f"SELECT {_COLUMNS} FROM clients WHERE id = $1"  # noqa: S608 - constants
_REPLACE: Final = """
UPDATE clients SET secret_digest = $2 WHERE id = $1 AND secret_digest IS NOT NULL RETURNING id
"""
_REMOVE: Final = "DELETE FROM clients WHERE id = $1 RETURNING id"
_SPEND: Final = """
INSERT INTO client_assertions (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING RETURNING digest
"""
_SWEEP: Final = """
WITH old AS MATERIALIZED (
    SELECT digest FROM client_assertions WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM client_assertions c USING old WHERE c.digest = old.digest RETURNING 1
"""

_NOBODY: Final = (
    "", "A client", "client_secret", "authorization_code refresh_token", "", "https://a.invalid/", False, "", EPOCH, b""
)  # fmt: skip
"""Read in place of a row that is not there: the clock must not tell which clients there are."""


class PostgresClients:
    """See `gatepass.usecases.ports.Clients`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def add(self, stored: StoredClient, *, note: Note[None] | None = None) -> None:
        """Store a new client, with its own account."""
        await self._writer.do(noted(lambda connection: _add(connection, stored), note))

    async def find(self, client_id: str) -> StoredClient | None:
        """The client with exactly this id."""
        if not rows.is_text(client_id):
            return None
        return await self._reader.do(lambda connection: _find(connection, client_id))

    async def all(self) -> Sequence[Client]:
        """Every client, oldest first."""
        rows_found = await self._reader.do(lambda connection: connection.fetch(_ALL))
        return [_client(row).client for row in rows_found]

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


class PostgresClientAssertions:
    """See `gatepass.usecases.ports.ClientAssertions`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def spend(self, digest: bytes, expires_at: datetime) -> bool:
        """Note an assertion, durably, once."""
        noted = await self._writer.do(lambda connection: connection.fetchval(_SPEND, digest, expires_at))
        return noted is not None

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Forget those that have expired."""
        return len(await self._writer.do(lambda connection: connection.fetch(_SWEEP, expired_before, limit)))


async def _add(connection: Connection, stored: StoredClient) -> None:
    client = stored.client
    if (account := client.own_account) is not None:
        await add_account(connection, account, None)
    await connection.execute(
        _ADD,
        client.id,
        client.name,
        client.authentication.value,
        " ".join(sorted(client.grants)),
        rows.scopes_or_none(client.scopes),
        " ".join(client.redirect_uris),
        client.is_first_party,
        client.jwks,
        client.created_at,
        stored.secret_digest,
    )


async def _find(connection: Connection, client_id: str) -> StoredClient | None:
    row = await connection.fetchrow(_FIND, client_id)
    found = _client(row or _NOBODY)
    return found if row else None


def _client(row: Sequence[Any]) -> StoredClient:
    client_id, name, authentication, grants, scopes, redirect_uris, is_first_party, jwks, created_at, digest = row
    client = Client(
        client_id,
        name,
        ClientAuthentication(authentication),
        frozenset(map(GrantType, grants.split())),
        rows.given_scopes(scopes),
        tuple(redirect_uris.split()),
        created_at,
        is_first_party,
        jwks,
    )
    return StoredClient(client, digest)


async def _replace_secret(connection: Connection, client_id: str, secret_digest: bytes, now: datetime) -> bool:
    if await connection.fetchval(_REPLACE, client_id, secret_digest) is None:
        return False
    await revoke_all(connection, _own_account(client_id), now)
    return True


async def _remove(connection: Connection, client_id: str, now: datetime) -> bool:
    if await connection.fetchval(_REMOVE, client_id) is None:
        return False
    await lock_account(connection, _own_account(client_id))
    await revoke_client(connection, client_id, now)
    await remove_account(connection, _own_account(client_id), now)
    return True


def _own_account(client_id: str) -> AccountId:
    """Of a client that never acts for itself nobody has this id."""
    return AccountId(UUID(client_id))
