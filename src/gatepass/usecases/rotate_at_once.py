"""Rotating without waiting: when a key is compromised, or somebody must not wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gatepass.domain.errors import KeyUnusable
from gatepass.domain.key_schedule import in_state
from gatepass.domain.signing_key import KeyState, KeyUse, SealedKey
from gatepass.usecases.begin_rotation import BUSY, TRIES, BeginRotation
from gatepass.usecases.ports import Clock, SealedKeys


@dataclass(frozen=True, slots=True)
class RotateAtOnce:
    """Lets a next key sign without its lead, as soon as every process of this store has seen it."""

    keys: SealedKeys
    begin: BeginRotation
    clock: Clock
    until_seen: Callable[[], Awaitable[None]]

    async def __call__(self, use: KeyUse, *, is_fresh: bool = False) -> SealedKey:
        """
        The key that signs now.

        Raises:
            KeyUnusable: as `BeginRotation`.
        """
        for _ in range(TRIES):
            following = await self.begin(use, is_fresh=is_fresh)
            await self.until_seen()
            active = in_state(await self.keys.all(), use, KeyState.ACTIVE)
            if active is not None and active.id == following.id:
                return active  # its lead was over meanwhile
            if active is not None and await self.keys.activate(following.id, active.id, self.clock()):
                return following
        raise KeyUnusable(BUSY)
