"""A throttle in the memory of one process."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain.errors import RateLimited
from gatepass.usecases.ports import Clock

MAX_KEYS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many attempts within so long."""

    attempts: int
    within: timedelta


@dataclass(slots=True)
class _Count:
    until: datetime
    taken: int = 0


class Attempts:
    """
    Implements `gatepass.usecases.ports.Throttle`: a window that begins with a key's first attempt.

    It remembers a bounded number of keys; the one that was not asked for longest goes first. Several processes count
    each for itself, so that as many attempts come through as there are processes times the allowance.
    """

    def __init__(self, allowances: Mapping[str, Allowance], clock: Clock) -> None:
        """
        Take what holds.

        Args:
            allowances: by kind of key.
        """
        self._allowances = allowances
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    async def take(self, *keys: str) -> None:
        """Count one attempt for each key, or raise `RateLimited` and count none."""
        now = self._clock()
        counts = [self._count(key, now) for key in keys]
        full = [count for key, count in zip(keys, counts, strict=True) if count.taken >= self._allowance(key).attempts]
        if full:
            wait = max(count.until for count in full) - now
            raise RateLimited(retry_after_seconds=max(1, math.ceil(wait.total_seconds())))
        for count in counts:
            count.taken += 1

    async def give_back(self, *keys: str) -> None:
        """Uncount one attempt of each key."""
        for key in keys:
            count = self._counts.get(key)
            if count is not None and count.taken:
                count.taken -= 1

    def _count(self, key: str, now: datetime) -> _Count:
        count = self._counts.get(key)
        if count is None or count.until <= now:
            count = self._counts[key] = _Count(now + self._allowance(key).within)
        self._counts.move_to_end(key)
        if len(self._counts) > MAX_KEYS:
            self._counts.popitem(last=False)
        return count

    def _allowance(self, key: str) -> Allowance:
        return self._allowances[key.partition(":")[0]]
