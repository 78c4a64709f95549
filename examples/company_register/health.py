"""Rehearses changing health ratings, one stream per subscriber; the register itself never changes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from .company import Company, HealthRating
from .notes import now

_SCALE: list[HealthRating] = [rating for rating in HealthRating if rating is not HealthRating.UNRATED]
_SEED = 7


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A rating that moved by one step; `changed_at` is RFC 3339 in UTC."""

    company_number: str
    company_name: str
    previous_rating: HealthRating
    new_rating: HealthRating
    changed_at: str


class HealthFeed:
    """Where the streams come from; `open_streams` says how many subscribers are being served."""

    def __init__(self) -> None:
        self.open_streams = 0

    async def changes(
        self, companies: Sequence[Company], *, interval_seconds: float, first: int | None
    ) -> AsyncGenerator[HealthChange, None]:
        """
        Yield a change at once and then one per interval, the same changes for every subscriber.

        Args:
            companies: those that may change; at least one, all of them rated.
            first: end after this many changes; None never ends.
        """
        self.open_streams += 1
        try:
            rng, ratings = Random(_SEED), dict[str, HealthRating]()
            for made in count(1):
                company = companies[int(rng.random() * len(companies))]
                number, name = company.company_number, company.company_name
                previous = ratings.get(number, company.health_rating)
                ratings[number] = _step(rng, previous)
                yield HealthChange(number, name, previous, ratings[number], now())
                if made == first:
                    return
                await asyncio.sleep(interval_seconds)
        finally:
            self.open_streams -= 1


def _step(rng: Random, rating: HealthRating) -> HealthRating:
    """Move a rating one step up or down; at either end there is only one way."""
    place = _SCALE.index(rating)
    better = place > 0 and (place == len(_SCALE) - 1 or rng.random() < 1 / 2)
    return _SCALE[place - 1 if better else place + 1]
