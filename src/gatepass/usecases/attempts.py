"""A throttle over the store's counters, for everything that may be tried but is no sign-in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain.attempts import (
    NO_WAIT,
    CounterKey,
    Decision,
    Hold,
    Rate,
    Standing,
    Wait,
    mark_of_refusals,
)
from gatepass.domain.audit import AuditEvent
from gatepass.domain.errors import RateLimited
from gatepass.usecases.notes import of_rate_limit
from gatepass.usecases.ports import Clock, Counters


@dataclass(frozen=True, slots=True)
class Attempts:
    """
    Implements `gatepass.usecases.ports.Throttle`, with one rate for each kind of key.

    Every process on the store counts together, and a restart forgets nothing.
    """

    rates: Mapping[str, Rate]
    counters: Counters
    clock: Clock

    async def take(self, *keys: str, refused_as: AuditEvent | None = None) -> None:
        """Count one attempt for each key, or raise `RateLimited` and count none."""
        now, kept = self.clock(), [_kept(key) for key in keys]

        def rule(standing: Standing) -> Decision[Wait | None]:
            held = max((self._hold(key, standing, now) for key in kept), key=lambda hold: hold.seconds)
            if held.seconds > NO_WAIT:
                wait, marked = held.refused(standing, now)
                return Decision(wait, marked)
            return Decision(None, {key: self.rates[key.kind].counted(standing.get(key), now) for key in kept})

        note = of_rate_limit(refused_as) if refused_as is not None else None
        refused = await self.counters.change([*kept, *map(mark_of_refusals, kept)], rule, note=note)
        if refused is not None:
            raise rate_limited(refused.seconds)

    async def give_back(self, *keys: str) -> None:
        """Uncount one attempt of each key."""
        now, kept = self.clock(), [_kept(key) for key in keys]

        def rule(standing: Standing) -> Decision[None]:
            return Decision(None, {key: self.rates[key.kind].uncounted(standing.get(key), now) for key in kept})

        await self.counters.change(kept, rule)

    def _hold(self, key: CounterKey, standing: Standing, now: datetime) -> Hold:
        rate = self.rates[key.kind]
        return Hold(key, rate.wait(standing.get(key), now), rate.within)


def rate_limited(wait: timedelta) -> RateLimited:
    """The refusal of somebody who has to wait that long; whole seconds, and never too few."""
    return RateLimited(retry_after_seconds=max(1, math.ceil(wait.total_seconds())))


def _kept(key: str) -> CounterKey:
    kind, _, subject = key.partition(":")
    return CounterKey(kind, b"", subject)
