"""Rotating the server's keys: what their age and their time in each state ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gatepass.domain.key_schedule import Activate, KeySchedule, Publish, Remove, Step, due
from gatepass.domain.signing_key import KeyState
from gatepass.usecases.ports import Clock, MakesKeys, SealedKeys


@dataclass(frozen=True, slots=True)
class RotateKeys:
    """Does what is due. Every process asks every second; of several at once, one does it."""

    keys: SealedKeys
    maker: MakesKeys
    schedule: KeySchedule
    clock: Clock

    async def __call__(self) -> Sequence[Step]:
        """What was done, by this process."""
        now = self.clock()
        steps = due(await self.keys.all(), now, self.schedule)
        return [step for step in steps if await self._do(step, now)]

    async def _do(self, step: Step, now: datetime) -> bool:
        match step:
            case Publish(use):
                return await self.keys.publish_next(await self.maker.make(use, KeyState.NEXT, now))
            case Activate(following, active):
                return await self.keys.activate(following.id, active.id, now)
            case Remove(key):
                return await self.keys.remove(key.id)
