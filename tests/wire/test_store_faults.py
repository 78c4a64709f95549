"""A whole service while its database is away: it refuses what it cannot know, says so, and goes on by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.kit.fault_proxy import FaultProxy, fault_proxy
from tests.kit.me_app import MeApp
from tests.kit.postgres import postgres_url_for, shared_server
from tests.kit.world import Person, Tokens, TurnableClock, World, add_account, running, settings_for

PASSWORD = "wooden-lantern-quiet-harbour"
pytestmark = pytest.mark.names_its_stores("a database can be away, a file cannot")


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    with fault_proxy(shared_server().port) as proxy:
        yield proxy


@pytest.fixture
async def world(tmp_path: Path, proxy: FaultProxy) -> AsyncIterator[World]:
    url = postgres_url_for(tmp_path).replace(str(shared_server().port), str(proxy.port))
    settings = settings_for(tmp_path, database_url=url, revocation_stale_seconds=1.0)
    await add_account(settings, "ana@example.org", PASSWORD, "read")
    async with running(settings, MeApp()) as world:
        yield world


@pytest.fixture
def ana(world: World) -> Person:
    return Person(world, "ana@example.org", PASSWORD)


async def becomes(expected: object, look: Callable[[], Awaitable[object]], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while (seen := await look()) != expected:
        assert time.monotonic() < deadline, f"it stays {seen}"
        await asyncio.sleep(0.05)


async def readiness(world: World) -> tuple[int, bool, bool]:
    answer = await world.client.get("/readyz")
    checks = answer.json()["checks"]
    return answer.status_code, checks["store"], checks["revocations"]


async def status(person: Person, tokens: Tokens) -> int:
    return (await person.asks_who_they_are(tokens)).status


async def test_without_its_database_a_service_fails_closed_says_so_and_heals(
    world: World, ana: Person, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = await ana.signs_in()
    assert (await ana.asks_who_they_are(tokens)).status == 200
    proxy.refuse(refuses=True)
    proxy.cut()
    assert (await ana.tries_to_refresh(tokens)).code == "INTERNAL"
    await becomes((503, False, False), lambda: readiness(world))
    refused = await ana.asks_who_they_are(tokens)
    assert refused.status >= 500
    assert refused.code == "INTERNAL"
    assert (await world.client.get("/livez")).status_code == 200
    reasons = [getattr(record, "store", "") for record in caplog.records if record.getMessage() == "not ready"]
    assert any(reasons)
    proxy.refuse(refuses=False)
    await becomes((200, True, True), lambda: readiness(world))
    assert await status(ana, tokens) == 200
    assert (await ana.tries_to_refresh(tokens)).status == 200


@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_clock_that_jumps_signs_nobody_out_for_good(tmp_path: Path, hours: int) -> None:
    """Backward or forward, and back again: no sign-in is lost, and none that has ended lives again."""
    clock = TurnableClock()
    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", PASSWORD, "read")
    async with running(settings, MeApp(), clock=clock) as world:
        ana = Person(world, "ana@example.org", PASSWORD)
        kept, ended = await ana.signs_in(), await ana.signs_in()
        await ana.signs_out(ended)
        clock.forward(hours=hours)
        await world.has_taken_in_revocations()
        kept = await ana.refreshes(kept)
        assert (await ana.tries_to_refresh(ended)).code == "INVALID_REFRESH_TOKEN"
        assert (await ana.asks_who_they_are(kept)).status == 200
        clock.forward(hours=-hours)
        await world.has_taken_in_revocations()
        assert (await ana.tries_to_refresh(ended)).code == "INVALID_REFRESH_TOKEN"
        assert (await ana.asks_who_they_are(ended)).status == 401
        assert (await ana.refreshes(kept)).access


async def test_where_the_clock_jumps_back_while_the_database_is_away_it_is_noticed_all_the_same(
    world: World, ana: Person, proxy: FaultProxy
) -> None:
    """By the wall clock the last answer is of the future, and would stay fresh for an hour."""
    tokens = await ana.signs_in()
    proxy.refuse(refuses=True)
    proxy.cut()
    world.clock.forward(hours=-1)
    await becomes((503, False, False), lambda: readiness(world))
    assert await status(ana, tokens) != 200
