"""Keys at rest in memory: what the port promises, and nothing of a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gatepass.domain.signing_key import KeyState, SealedKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class KeysInMemory:
    """The port `SealedKeys`."""

    def __init__(self, *rows: SealedKey) -> None:
        self.rows = list(rows)

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first."""
        return tuple(self.rows)

    async def add_first(self, key: SealedKey) -> bool:
        """Store `key` if there is no active key of its use yet."""
        if any(row.use is key.use and row.state is KeyState.ACTIVE for row in self.rows):
            return False
        self.rows.append(key)
        return True


def noon() -> datetime:
    """A clock that stands still."""
    return NOON
