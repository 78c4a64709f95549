"""Server keys at rest. Sealing and opening them is not done here."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gatepass.domain.audit import Note
from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.audit import noted
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import Resealed

_COLUMNS: Final = "id, use, algorithm, state, sealed, public_jwk, created_at, since"
_ALL: Final = f"SELECT {_COLUMNS} FROM sealed_keys ORDER BY created_at, id"  # noqa: S608 - constants
_ADD_UNLESS: Final = f"""
INSERT INTO sealed_keys ({_COLUMNS})
SELECT :id, :use, :algorithm, :state, :sealed, :public_jwk, :created_at, :since
WHERE NOT EXISTS (SELECT 1 FROM sealed_keys WHERE use = :use AND state = :state)
"""  # noqa: S608 - constants
_ARE_NEXT_AND_ACTIVE: Final = """
SELECT 1 FROM sealed_keys AS following JOIN sealed_keys AS active ON active.use = following.use
WHERE following.id = ? AND following.state = 'next' AND active.id = ? AND active.state = 'active'
"""
_MOVE: Final = "UPDATE sealed_keys SET state = ?, since = ? WHERE id = ?"
_REMOVE: Final = "DELETE FROM sealed_keys WHERE id = ? AND state <> 'active'"
_IS_SEALED_SO: Final = "SELECT 1 FROM sealed_keys WHERE id = ? AND sealed = ?"
_RESEAL: Final = "UPDATE sealed_keys SET sealed = ? WHERE id = ?"


class SqliteSealedKeys:
    """See `gatepass.usecases.ports.SealedKeys`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
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
        return await self._writer.do(noted(lambda connection: connection.execute(_REMOVE, (key,)).rowcount == 1, note))

    async def reseal(self, keys: Sequence[Resealed], *, note: Note[bool] | None = None) -> bool:
        """Replace the sealed forms of all of them, or of none."""
        return await self._writer.do(noted(lambda connection: _reseal(connection, keys), note))


def _all(connection: sqlite3.Connection) -> Sequence[SealedKey]:
    return [
        SealedKey(
            KeyId(id_),
            KeyUse(use),
            Algorithm(algorithm),
            KeyState(state),
            sealed,
            public_jwk,
            rows.moment(created_at),
            rows.moment(since),
        )
        for id_, use, algorithm, state, sealed, public_jwk, created_at, since in connection.execute(_ALL)
    ]


def _add(connection: sqlite3.Connection, key: SealedKey, state: KeyState) -> bool:
    values = {
        "id": key.id,
        "use": key.use.value,
        "algorithm": key.algorithm.value,
        "state": state.value,
        "sealed": key.sealed,
        "public_jwk": key.public_jwk,
        "created_at": rows.microseconds(key.created_at),
        "since": rows.microseconds(key.since),
    }
    return connection.execute(_ADD_UNLESS, values).rowcount == 1


def _activate(connection: sqlite3.Connection, following: KeyId, active: KeyId, now: datetime) -> bool:
    if connection.execute(_ARE_NEXT_AND_ACTIVE, (following, active)).fetchone() is None:
        return False
    since = rows.microseconds(now)
    # In this order: at no moment are there two active keys.
    connection.execute(_MOVE, (KeyState.RETIRING.value, since, active))
    connection.execute(_MOVE, (KeyState.ACTIVE.value, since, following))
    return True


def _reseal(connection: sqlite3.Connection, keys: Sequence[Resealed]) -> bool:
    if not all(connection.execute(_IS_SEALED_SO, (key.id, key.was)).fetchone() for key in keys):
        return False
    connection.executemany(_RESEAL, [(key.sealed, key.id) for key in keys])
    return True
