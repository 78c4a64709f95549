"""Server keys at rest. Sealing and opening them is not done here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gatepass.domain.audit import Note
from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.stores.postgres.audit import noted
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.writer import Writer
from gatepass.usecases.ports import Resealed

_COLUMNS: Final = "id, use, algorithm, state, sealed, public_jwk, created_at, since"
_ALL: Final = f'SELECT {_COLUMNS} FROM sealed_keys ORDER BY created_at, id COLLATE "C"'  # noqa: S608 - constants
# Changes of keys are rare and take turns; the indexes of active and next keys are there as well.
_LOCK: Final = "LOCK TABLE sealed_keys IN SHARE ROW EXCLUSIVE MODE"
_ADD_UNLESS: Final = f"""
INSERT INTO sealed_keys ({_COLUMNS})
SELECT $1, $2, $3, $4, $5, $6, $7, $8
WHERE NOT EXISTS (SELECT FROM sealed_keys WHERE use = $2 AND state = $4) RETURNING id
"""  # noqa: S608 - constants
_ARE_NEXT_AND_ACTIVE: Final = """
SELECT true FROM sealed_keys AS following JOIN sealed_keys AS active ON active.use = following.use
WHERE following.id = $1 AND following.state = 'next' AND active.id = $2 AND active.state = 'active'
"""
_MOVE: Final = "UPDATE sealed_keys SET state = $1, since = $2 WHERE id = $3"
_REMOVE: Final = "DELETE FROM sealed_keys WHERE id = $1 AND state <> 'active' RETURNING id"
_IS_SEALED_SO: Final = "SELECT true FROM sealed_keys WHERE id = $1 AND sealed = $2"
_RESEAL: Final = "UPDATE sealed_keys SET sealed = $1 WHERE id = $2"


class PostgresSealedKeys:
    """See `gatepass.usecases.ports.SealedKeys`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first."""
        return await self._reader.do(_all)

    async def add_first(self, key: SealedKey, *, note: Note[bool] | None = None) -> bool:
        """Store `key` if its use has no active key yet; of several processes that start at once, one gets through."""
        return await self._writer.do(noted(lambda connection: _add(connection, key, KeyState.ACTIVE), note))

    async def publish_next(self, key: SealedKey, *, note: Note[bool] | None = None) -> bool:
        """Store `key` if its use has no next key yet."""
        return await self._writer.do(noted(lambda connection: _add(connection, key, KeyState.NEXT), note))

    async def activate(self, following: KeyId, active: KeyId, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """Let the next key sign in the active one's place, if they still are what they were."""
        return await self._writer.do(noted(lambda connection: _activate(connection, following, active, now), note))

    async def remove(self, key: KeyId, *, note: Note[bool] | None = None) -> bool:
        """Delete a key that does not sign."""
        return await self._writer.do(noted(lambda connection: _remove(connection, key), note))

    async def reseal(self, keys: Sequence[Resealed], *, note: Note[bool] | None = None) -> bool:
        """Replace the sealed forms of all of them, or of none."""
        return await self._writer.do(noted(lambda connection: _reseal(connection, keys), note))


async def _all(connection: Connection) -> Sequence[SealedKey]:
    return [
        SealedKey(KeyId(id_), KeyUse(use), Algorithm(algorithm), KeyState(state), sealed, public_jwk, created_at, since)
        for id_, use, algorithm, state, sealed, public_jwk, created_at, since in await connection.fetch(_ALL)
    ]


async def _add(connection: Connection, key: SealedKey, state: KeyState) -> bool:
    await connection.execute(_LOCK)
    values = (
        key.id,
        key.use.value,
        key.algorithm.value,
        state.value,
        key.sealed,
        key.public_jwk,
        key.created_at,
        key.since,
    )
    return await connection.fetchval(_ADD_UNLESS, *values) is not None


async def _activate(connection: Connection, following: KeyId, active: KeyId, now: datetime) -> bool:
    await connection.execute(_LOCK)
    if await connection.fetchval(_ARE_NEXT_AND_ACTIVE, following, active) is None:
        return False
    # In this order: at no moment are there two active keys.
    await connection.execute(_MOVE, KeyState.RETIRING.value, now, active)
    await connection.execute(_MOVE, KeyState.ACTIVE.value, now, following)
    return True


async def _remove(connection: Connection, key: KeyId) -> bool:
    await connection.execute(_LOCK)
    return await connection.fetchval(_REMOVE, key) is not None


async def _reseal(connection: Connection, keys: Sequence[Resealed]) -> bool:
    await connection.execute(_LOCK)
    for key in keys:
        if await connection.fetchval(_IS_SEALED_SO, key.id, key.was) is None:
            return False
    for key in keys:
        await connection.execute(_RESEAL, key.sealed, key.id)
    return True
