"""Guessing over the whole service: real store, real hashing, real ASGI. docs/how-to/guessing.md."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from gatepass.client import AsyncClient
from tests.kit.me_app import MeApp
from tests.kit.world import SIGN_IN, Answered, Person, TurnableClock, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD

HINTED = (
    "mutation signIn($credentials: SignInCredentials!) "
    "{ signIn(useManagementflow: true, credentials: $credentials) { accessToken refreshToken deviceHint } }"
)
GRAPHQL_RESPONSE = {"Accept": "application/graphql-response+json"}


def seen_from(world: World, address: str) -> World:
    """The same service, for a client at another address."""
    other = World(world.app, world.clock)
    transport = httpx2.ASGITransport(world.app, client=(address, 50_000))
    other.client = httpx2.AsyncClient(transport=transport, base_url="http://gatepass.test")
    return other


async def guesses(world: World, email: str, times: int, **headers: str) -> list[Answered]:
    """Wrong passwords, one after the other."""
    given = {"userName": email, "password": "wrong"}
    return [
        await world.posts(SIGN_IN, given, headers={k.replace("_", "-"): v for k, v in headers.items()})
        for _ in range(times)
    ]


@pytest.fixture(autouse=True)
def time_stands(request: pytest.FixtureRequest) -> None:
    """A delay of a second must not pass while a busy machine hashes."""
    if "world" in request.fixturenames:
        world: World = request.getfixturevalue("world")
        world.clock.stop()


async def test_after_five_failures_the_next_attempt_has_to_wait(world: World, ana: Person) -> None:
    codes = [answered.code for answered in await guesses(world, ana.email, 7)]
    assert codes == ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 2
    refused = await ana.tries_to_sign_in()
    assert (refused.code, refused.status) == ("RATE_LIMITED", 200)
    assert refused.headers["retry-after"] == "1"
    world.clock.forward(seconds=1)
    assert (await ana.tries_to_sign_in()).data


async def test_where_the_media_type_allows_it_the_status_is_429(world: World, ana: Person) -> None:
    answered = (await guesses(world, ana.email, 6, **GRAPHQL_RESPONSE))[-1]
    assert (answered.status, answered.code) == (429, "RATE_LIMITED")
    assert answered.headers["retry-after"] == "1"


async def test_the_answers_to_a_known_and_an_unknown_account_are_the_same_to_the_byte(world: World) -> None:
    def told(answered: Answered) -> tuple[object, ...]:
        return answered.status, dict(answered.headers), answered.body

    same = {"X_Request_ID": "the-same-for-all"}
    known = await guesses(seen_from(world, "203.0.113.1"), "ana@example.org", 8, **same)
    unknown = await guesses(seen_from(world, "203.0.113.2"), "ann@example.org", 8, **same)
    assert [told(answered) for answered in known] == [told(answered) for answered in unknown]


async def test_parallel_guesses_cannot_outrun_the_counter(world: World, ana: Person) -> None:
    answers = await asyncio.gather(*(ana.tries_to_sign_in(f"guess {number}") for number in range(200)))
    assert Counter(answered.code for answered in answers) == {"INVALID_CREDENTIALS": 5, "RATE_LIMITED": 195}


async def test_the_owner_signs_in_from_a_known_network_while_strangers_guess(world: World, ana: Person) -> None:
    """With the specification's own document, which knows no hint."""
    await ana.signs_in()
    await guesses(seen_from(world, "203.0.113.1"), ana.email, 7)
    assert (await ana.tries_to_sign_in()).data


async def test_the_owner_signs_in_with_a_hint_from_any_network_while_strangers_guess(world: World, ana: Person) -> None:
    credentials = {"userName": ana.email, "password": ana.password}
    hint = (await world.posts(HINTED, {"credentials": credentials})).data["signIn"]["deviceHint"]
    elsewhere = seen_from(world, "198.51.100.9")
    assert (await guesses(elsewhere, ana.email, 7))[-1].code == "RATE_LIMITED"
    assert (await elsewhere.posts(HINTED, {"credentials": credentials})).code == "RATE_LIMITED"
    with_hint = {"credentials": {**credentials, "deviceHint": hint}}
    for _ in range(2):  # the full way, then planned
        assert (await elsewhere.posts(HINTED, with_hint)).data["signIn"]["deviceHint"].startswith("gph_")
    await guesses(seen_from(world, "203.0.113.1"), ana.email, 3)
    inline = (
        f'mutation {{ signIn(useManagementflow: true, credentials: {{ userName: "{ana.email}", '
        f'password: "{ana.password}", deviceHint: "{hint}" }}) {{ deviceHint }} }}'
    )
    third = seen_from(world, "198.51.100.10")
    for _ in range(2):
        assert (await third.posts(inline)).data["signIn"]


async def test_the_client_library_gets_in_with_its_hint_while_strangers_guess(world: World, ana: Person) -> None:
    """Its sign-in has ended, and it comes from where nobody is known."""
    transport = httpx2.ASGITransport(world.app, client=("192.0.2.1", 50_000))
    url = "http://gatepass.test/graphql/"
    async with AsyncClient(url, username=ana.email, password=ana.password, transport=transport) as api:
        await api("{ me { subject } }")
        await ana.signs_out(await ana.signs_in(), everywhere=True)
        await world.has_taken_in_revocations()
        transport.client = ("198.51.100.9", 50_000)
        elsewhere = seen_from(world, "198.51.100.9")
        assert (await guesses(elsewhere, ana.email, 7))[-1].code == "RATE_LIMITED"
        assert (await api("{ me { subject } }"))["me"]["subject"]


async def test_a_hint_comes_with_a_refresh_too(world: World, ana: Person) -> None:
    tokens = await ana.signs_in()
    document = (
        f'mutation {{ signInRefresh(useManagementflow: true, credentials: {{ refreshToken: "{tokens.refresh}" }}) '
        "{ deviceHint } }"
    )
    assert (await world.posts(document)).data["signInRefresh"]["deviceHint"].startswith("gph_")


async def test_processes_count_together_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD)
    clock = TurnableClock()
    clock.stop()
    async with running(settings, MeApp(), clock=clock) as one, running(settings, MeApp(), clock=clock) as other:
        await guesses(one, "ana@example.org", 3)
        assert [answered.code for answered in await guesses(other, "ana@example.org", 3)][-1] == "RATE_LIMITED"
    async with running(settings, MeApp(), clock=clock) as again:
        assert (await Person(again, "ana@example.org", ANA_PASSWORD).tries_to_sign_in()).code == "RATE_LIMITED"


async def test_each_number_is_a_setting(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, throttle_account_failures=2, throttle_first_delay_seconds=30)
    await add_account(settings, "ana@example.org", ANA_PASSWORD)
    async with running(settings, MeApp()) as world:
        answers = await guesses(world, "ana@example.org", 3)
        assert [answered.code for answered in answers] == ["INVALID_CREDENTIALS"] * 2 + ["RATE_LIMITED"]
        assert answers[-1].headers["retry-after"] == "30"
