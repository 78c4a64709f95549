"""Server keys at rest, and who makes and seals them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gatepass.domain.audit import Note
from gatepass.domain.identifiers import KeyId
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey


@dataclass(frozen=True, slots=True)
class Resealed:
    """A key's sealed form as it was read, and the one that takes its place."""

    id: KeyId
    was: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


class SealedKeys(Protocol):
    """Server keys at rest. Of several processes that do the same at once, one gets through."""

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first. Cheap; asked every second or so."""
        ...

    async def add_first(self, key: SealedKey, *, note: Note[bool] | None = None) -> bool:
        """Store an active `key` if there is no active key of its use yet; False: there is, nothing was written."""
        ...

    async def publish_next(self, key: SealedKey, *, note: Note[bool] | None = None) -> bool:
        """Store a next `key` if there is no next key of its use yet; False: there is, nothing was written."""
        ...

    async def activate(self, following: KeyId, active: KeyId, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """
        Let a next key take the place of the active one of its use, which begins to retire; both `since` now.

        Returns:
            False: they are not (any more) the next and the active key of one use; nothing was written.
        """
        ...

    async def remove(self, key: KeyId, *, note: Note[bool] | None = None) -> bool:
        """Delete a key that does not sign. False: no such key, or it is the active one; nothing was written."""
        ...

    async def reseal(self, keys: Sequence[Resealed], *, note: Note[bool] | None = None) -> bool:
        """
        Put new sealed forms in place of the old ones, all or none.

        Returns:
            False: one of them is gone or not sealed as it was; nothing was written.
        """
        ...


class MakesKeys(Protocol):
    """New keys, sealed."""

    def algorithm(self, use: KeyUse) -> Algorithm:
        """What a new key of this use is for."""
        ...

    async def make(self, use: KeyUse, state: KeyState, now: datetime) -> SealedKey:
        """A new key; nothing is stored."""
        ...


class Reseals(Protocol):
    """Seals keys anew after a change of the operator's secret key."""

    def reseal(self, key: SealedKey) -> bytes | None:
        """
        The key under the present secret key; None: it is already.

        Raises:
            KeyUnusable: neither the present nor the previous secret key opens it.
        """
        ...
