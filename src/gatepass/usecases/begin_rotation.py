"""Rotating by hand: the next key now, whatever the age of the present one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gatepass.domain.errors import KeyUnusable
from gatepass.domain.key_schedule import in_state
from gatepass.domain.signing_key import KeyState, KeyUse, SealedKey
from gatepass.usecases.ports import Clock, MakesKeys, SealedKeys

TRIES: Final = 5
"""Each is lost to another change of another process."""
BUSY: Final = "Another process keeps changing the keys: try again."


@dataclass(frozen=True, slots=True)
class BeginRotation:
    """Publishes a next key; the servers let it sign when its lead is over."""

    keys: SealedKeys
    maker: MakesKeys
    clock: Clock

    async def __call__(self, use: KeyUse, *, is_fresh: bool = False) -> SealedKey:
        """
        The next key of a use: the one that is there, or a new one.

        A next key for another algorithm than the one that is set gives way; it has signed nothing.

        Args:
            is_fresh: take no key that is there: whoever knows the active one may know that one too.

        Raises:
            KeyUnusable: there are no keys yet, or others keep changing them.
        """
        rows = await self.keys.all()
        if in_state(rows, use, KeyState.ACTIVE) is None:
            raise KeyUnusable("There are no keys to rotate yet: the first start of a server makes them.")
        unwanted = {row.id for row in rows} if is_fresh else set()
        for _ in range(TRIES):
            there = in_state(rows, use, KeyState.NEXT)
            if there is not None:
                if there.algorithm is self.maker.algorithm(use) and there.id not in unwanted:
                    return there
                await self.keys.remove(there.id)
            await self.keys.publish_next(await self.maker.make(use, KeyState.NEXT, self.clock()))
            rows = await self.keys.all()
        raise KeyUnusable(BUSY)
