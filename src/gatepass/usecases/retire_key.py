"""Giving a key up by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gatepass.domain.errors import BadUserInput
from gatepass.domain.key_schedule import KeySchedule
from gatepass.domain.signing_key import KeyState, SealedKey
from gatepass.usecases.ports import Clock, SealedKeys
from gatepass.usecases.rotate_at_once import RotateAtOnce

SHORTEST_NAME: Final = 4


@dataclass(frozen=True, slots=True)
class Retired:
    """The key that is gone, and the one that signs in its place if it was the active one."""

    key: SealedKey
    successor: SealedKey | None


@dataclass(frozen=True, slots=True)
class RetireKey:
    """Removes a key. Where its tokens still live, only if that is said."""

    keys: SealedKeys
    rotate_at_once: RotateAtOnce
    schedule: KeySchedule
    clock: Clock

    async def __call__(self, name: str, *, at_once: bool) -> Retired:
        """
        Remove the key of this name.

        Args:
            at_once: also where tokens are lost; an active key gets a fresh successor first.

        Raises:
            BadUserInput: no such key, or tokens of it live and `at_once` was not said; nothing was written.
            KeyUnusable: others keep changing the keys.
        """
        key = named(await self.keys.all(), name)
        if not at_once:
            self._check_unneeded(key)
        successor = None
        if key.state is KeyState.ACTIVE:
            successor = await self.rotate_at_once(key.use, is_fresh=True)
        if not await self.keys.remove(key.id) and at_once:
            # Before another process made it the active one, or after it has removed it.
            rows = {row.id: row for row in await self.keys.all()}
            if key.id in rows:
                return await self(key.id, at_once=True)
        return Retired(key, successor)

    def _check_unneeded(self, key: SealedKey) -> None:
        if key.state is KeyState.ACTIVE:
            raise BadUserInput(
                f"{key.id} is the {key.use} key that signs: 'gatepass key rotate' replaces it and lets its tokens "
                "live. If somebody else may know it, say --now: its tokens are refused then."
            )
        if key.state is KeyState.RETIRING and self.clock() < (over := self.schedule.over_from(key)):
            raise BadUserInput(
                f"Tokens of {key.id} may live until {over:%Y-%m-%d %H:%M} UTC; then it goes by itself. If somebody "
                "else may know it, say --now: its tokens are refused then."
            )


def named(keys: Sequence[SealedKey], name: str) -> SealedKey:
    """
    The key with this id, or the only one whose id begins so.

    Raises:
        BadUserInput: none, or several.
    """
    found = [key for key in keys if key.id == name]
    if not found and len(name) >= SHORTEST_NAME:
        found = [key for key in keys if key.id.startswith(name)]
    if not found:
        raise BadUserInput(f"There is no key {name}: 'gatepass key list' shows those that there are.")
    if len(found) > 1:
        raise BadUserInput(f"Several keys begin with {name}: write more of the id.")
    return found[0]
