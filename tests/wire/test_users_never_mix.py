"""Five hundred people at once: each sees only what is theirs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.kit.crowd import enrolled
from tests.kit.me_app import MeApp
from tests.kit.world import Person, Tokens, World, running, settings_for

PEOPLE, AT_ONCE, PASSWORD = 500, 50, "one password for everybody here"


async def test_five_hundred_interleaved_users_each_see_only_themselves(tmp_path: Path) -> None:
    # All of them in one turn keep the loop from asking what was revoked.
    settings = settings_for(tmp_path, revocation_stale_seconds=300)
    accounts = await enrolled(settings.store_url, PEOPLE, PASSWORD)
    async with running(settings, MeApp()) as world:
        people = [Person(world, str(account.email), PASSWORD) for account in accounts]
        tokens: list[Tokens] = []
        for start in range(0, PEOPLE, AT_ONCE):
            tokens += await asyncio.gather(*(person.signs_in() for person in people[start : start + AT_ONCE]))
        for _ in range(2):
            seen = await asyncio.gather(*(_who_am_i(world, each) for each in tokens))
            assert seen == [str(account.id) for account in accounts]


async def _who_am_i(world: World, tokens: Tokens) -> str:
    answered = await world.posts("{ me { subject } }", bearer=tokens.access)
    subject: str = answered.data["me"]["subject"]
    return subject
