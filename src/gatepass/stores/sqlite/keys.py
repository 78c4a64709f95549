"""Server keys at rest. Sealing and opening them is not done here."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.worker import Worker

_ALL: Final = (
    "SELECT id, use, algorithm, state, sealed, public_jwk, created_at FROM sealed_keys ORDER BY created_at, id"
)
_ADD_FIRST: Final = """
INSERT INTO sealed_keys (id, use, algorithm, state, sealed, public_jwk, created_at)
SELECT :id, :use, :algorithm, :state, :sealed, :public_jwk, :created_at
WHERE NOT EXISTS (SELECT 1 FROM sealed_keys WHERE use = :use AND state = 'active')
"""


class SqliteSealedKeys:
    """See `gatepass.usecases.ports.SealedKeys`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first."""
        return await self._reader.do(_all)

    async def add_first(self, key: SealedKey) -> bool:
        """Store `key` if its use has no active key yet; of several processes that start at once, one gets through."""
        return await self._writer.do(lambda connection: _add_first(connection, key))


def _all(connection: sqlite3.Connection) -> Sequence[SealedKey]:
    return [
        SealedKey(
            KeyId(id_), KeyUse(use), Algorithm(algorithm), KeyState(state), sealed, public_jwk, rows.moment(created_at)
        )
        for id_, use, algorithm, state, sealed, public_jwk, created_at in connection.execute(_ALL)
    ]


def _add_first(connection: sqlite3.Connection, key: SealedKey) -> bool:
    values = {
        "id": key.id,
        "use": key.use.value,
        "algorithm": key.algorithm.value,
        "state": key.state.value,
        "sealed": key.sealed,
        "public_jwk": key.public_jwk,
        "created_at": rows.microseconds(key.created_at),
    }
    return connection.execute(_ADD_FIRST, values).rowcount == 1
