"""Guessing at one account for an hour, on every store: what the documented limits let through, and no more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gatepass.usecases.ports import Store
from tests.usecases.test_guessing import ANA_HOME, ELSEWHERE, HOUR, LIMITS, NOON, RIGHT, Place, guesses_within

NETWORKS, GUESSES = 50, 100_000


async def test_a_hundred_thousand_guesses_in_an_hour_get_what_the_limits_say_and_ana_signs_in_all_the_time(
    store: Store,
) -> None:
    """50 networks guess at once, over and over. The owner comes each minute, with her device's hint and from home."""
    place = Place(counters=store.counters)
    assert await place.tries(ANA_HOME, RIGHT) == "in"
    rounds = GUESSES // NETWORKS
    hers: list[str] = []
    for number in range(rounds):
        place.now = NOON + timedelta(seconds=HOUR * number / rounds)
        await asyncio.gather(*(place.tries(f"203.0.113.{each}", f"guess {each}") for each in range(NETWORKS)))
        if number % (rounds // 60) == 0:
            hers.append(await place.tries(ELSEWHERE, RIGHT, hint=place.hint()))
            hers.append(await place.tries(ANA_HOME, RIGHT))
    verified = sum(count for password, count in place.passwords.verified.items() if password.startswith(b"guess"))
    assert 10 <= verified <= guesses_within(HOUR, LIMITS.delays) == 17
    assert set(hers) == {"in"}
    assert len(hers) > 120
