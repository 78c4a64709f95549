"""Keys at rest in memory: what the port promises, and nothing of a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import KeyState, SealedKey
from gatepass.usecases.ports import Resealed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class KeysInMemory:
    """The port `SealedKeys`."""

    def __init__(self, *rows: SealedKey) -> None:
        self.rows = list(rows)

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first."""
        return tuple(self.rows)

    async def add_first(self, key: SealedKey, *, note: object = None) -> bool:
        """Store `key` if there is no active key of its use yet."""
        if any(row.use is key.use and row.state is KeyState.ACTIVE for row in self.rows):
            return False
        self.rows.append(key)
        return True

    async def publish_next(self, key: SealedKey, *, note: object = None) -> bool:
        """Store `key` if there is no next key of its use yet."""
        if any(row.use is key.use and row.state is KeyState.NEXT for row in self.rows):
            return False
        self.rows.append(key)
        return True

    async def activate(self, following: KeyId, active: KeyId, now: datetime, *, note: object = None) -> bool:
        """Let a next key take the place of the active one of its use."""
        states = {row.id: (row.use, row.state) for row in self.rows}
        use, state = states.get(following, (None, None))
        if state is not KeyState.NEXT or states.get(active) != (use, KeyState.ACTIVE):
            return False
        moved = {following: KeyState.ACTIVE, active: KeyState.RETIRING}
        self.rows = [replace(row, state=moved[row.id], since=now) if row.id in moved else row for row in self.rows]
        return True

    async def remove(self, key: KeyId, *, note: object = None) -> bool:
        """Delete a key that does not sign."""
        kept = [row for row in self.rows if row.id != key or row.state is KeyState.ACTIVE]
        self.rows, before = kept, self.rows
        return len(kept) < len(before)

    async def reseal(self, keys: Sequence[Resealed], *, note: object = None) -> bool:
        """Replace the sealed forms of all of them, or of none."""
        sealed = {row.id: row.sealed for row in self.rows}
        if any(sealed.get(key.id) != key.was for key in keys):
            return False
        anew = {key.id: key.sealed for key in keys}
        self.rows = [replace(row, sealed=anew.get(row.id, row.sealed)) for row in self.rows]
        return True


def noon() -> datetime:
    """A clock that stands still."""
    return NOON
