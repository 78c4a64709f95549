"""Server keys at rest. Sealing and opening them is not done here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.writer import Writer

_ALL: Final = (
    "SELECT id, use, algorithm, state, sealed, public_jwk, created_at FROM sealed_keys "
    'ORDER BY created_at, id COLLATE "C"'
)
# Of several at once the index of active keys lets one through.
_ADD_FIRST: Final = """
INSERT INTO sealed_keys (id, use, algorithm, state, sealed, public_jwk, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE NOT EXISTS (SELECT FROM sealed_keys WHERE use = $2 AND state = 'active')
ON CONFLICT (use) WHERE state = 'active' DO NOTHING RETURNING id
"""


class PostgresSealedKeys:
    """See `gatepass.usecases.ports.SealedKeys`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first."""
        return await self._reader.do(_all)

    async def add_first(self, key: SealedKey) -> bool:
        """Store `key` if its use has no active key yet; of several processes that start at once, one gets through."""
        return await self._writer.do(lambda connection: _add_first(connection, key))


async def _all(connection: Connection) -> Sequence[SealedKey]:
    return [
        SealedKey(KeyId(id_), KeyUse(use), Algorithm(algorithm), KeyState(state), sealed, public_jwk, created_at)
        for id_, use, algorithm, state, sealed, public_jwk, created_at in await connection.fetch(_ALL)
    ]


async def _add_first(connection: Connection, key: SealedKey) -> bool:
    values = (
        key.id,
        key.use.value,
        key.algorithm.value,
        key.state.value,
        key.sealed,
        key.public_jwk,
        key.created_at,
    )
    return await connection.fetchval(_ADD_FIRST, *values) is not None
