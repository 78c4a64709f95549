"""Server keys at rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gatepass.domain.signing_key import SealedKey


class SealedKeys(Protocol):
    """Server keys at rest."""

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first."""
        ...

    async def add_first(self, key: SealedKey) -> bool:
        """Store `key` if there is no active key of its use yet; False: there is one, nothing was written."""
        ...
