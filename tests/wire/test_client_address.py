"""Behind a proxy: sessions, the log, the API behind and the counting of attempts all see the client, not the proxy."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.me_app import MeApp
from tests.kit.world import SIGN_IN, Answered, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD

CLIENT = "203.0.113.7"


@pytest.fixture
async def world(tmp_path: Path, me_app: MeApp) -> AsyncIterator[World]:
    """A service that trusts the proxy on this machine."""
    settings = settings_for(tmp_path, trusted_proxies=["127.0.0.1"])
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings, me_app) as started:
        yield started


async def sign_in(world: World, client: str, password: str = ANA_PASSWORD) -> Answered:
    given = {"userName": "ana@example.org", "password": password}
    return await world.posts(SIGN_IN, given, headers={"X-Forwarded-For": client})


async def test_strangers_behind_the_proxy_do_not_make_its_other_clients_wait(world: World) -> None:
    world.clock.stop()  # a delay of a second must not pass while a busy machine hashes
    assert (await sign_in(world, CLIENT)).data
    for number in range(6):
        await sign_in(world, f"198.51.100.{number}", "wrong")
    assert (await sign_in(world, "198.51.100.99")).code == "RATE_LIMITED"
    assert (await sign_in(world, CLIENT)).data


async def test_the_session_and_the_log_have_the_clients_address(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gatepass.requests"):
        tokens = (await sign_in(world, CLIENT)).tokens
    assert [record.__dict__["client"] for record in caplog.records if record.name == "gatepass.requests"] == [CLIENT]
    answered = await world.posts("{ gatepass { sessions { address } } }", bearer=tokens.access)
    assert answered.data["gatepass"]["sessions"] == [{"address": CLIENT}]


async def test_the_api_behind_is_told_the_client(world: World, me_app: MeApp) -> None:
    tokens = (await sign_in(world, CLIENT)).tokens
    await world.posts("{ hello }", bearer=tokens.access, headers={"X-Forwarded-For": f"1.1.1.1, {CLIENT}"})
    scope, _ = me_app.received[-1]
    assert [value for name, value in scope["headers"] if name == b"x-forwarded-for"] == [CLIENT.encode()]


async def test_headers_that_contradict_each_other_are_refused(world: World) -> None:
    answered = await world.posts("{ hello }", headers={"X-Forwarded-For": CLIENT, "Forwarded": "for=1.1.1.1"})
    assert (answered.status, answered.code) == (400, "BAD_USER_INPUT")
