"""
Nobody learns who has an account by a password of one byte, of a kilobyte or of a hundred, waiting or not.

By body, status and headers, at each door that takes passwords. That it takes the same time is measured by
`benchmarks/spying_sizes.py`; here it is counted what is computed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from gatepass.crypto.argon2_passwords import Argon2Passwords
from gatepass.domain.client import BUILT_IN
from gatepass.domain.password import MAX_CHARACTERS
from gatepass.oauth.form import MAX_FORM_BYTES
from tests.kit.kinds import NAMES, add_every_kind
from tests.kit.me_app import MeApp
from tests.kit.oauth_world import Program, program
from tests.kit.world import SIGN_IN, World, running, settings_for
from tests.oauth.conftest import PASSWORD
from tests.oauth.test_authorization_code import asks

SIZES = (1, 1_000, 100_000)
SAME = {"X-Request-ID": "the-same-for-all"}
Try = Callable[[str, str], Awaitable[httpx2.Response]]


def at_graphql(accept: str) -> Callable[[World], Awaitable[Try]]:
    """Give the door for a media type."""

    async def door(world: World) -> Try:
        return lambda name, password: world.client.post(
            "/graphql/",
            json={"query": SIGN_IN, "variables": {"userName": name, "password": password}},
            headers={"Accept": accept, **SAME},
        )

    return door


def at_the_page(path: str) -> Callable[[World], Awaitable[Try]]:
    """Give the door that is one of the pages."""

    async def door(world: World) -> Try:
        code = (await Program(world, BUILT_IN).asks("/oauth/device_authorization")).tokens["user_code"]
        web = await program(world, scopes=("read",))
        fields = {"user_code": code} if path == "/oauth/device" else dict(httpx2.QueryParams(asks(web)))
        return lambda name, password: world.client.post(
            path,
            data={**fields, "username": name, "password": password, "answer": "allow"},
            headers={"Sec-Fetch-Site": "same-origin", **SAME},
        )

    return door


DOORS = {
    "signIn": at_graphql("application/json"),
    "signIn, the other media type": at_graphql("application/graphql-response+json"),
    "/oauth/authorize": at_the_page("/oauth/authorize"),
    "/oauth/device": at_the_page("/oauth/device"),
}
REFUSED = {"signIn": 200, "signIn, the other media type": 294}
each_door = pytest.mark.parametrize("door", DOORS)
each_size = pytest.mark.parametrize("size", SIZES)


@asynccontextmanager
async def service(folder: Path, **settings: object) -> AsyncIterator[World]:
    """Run it with accounts of every kind."""
    made = settings_for(folder, public_url="http://gatepass.test", throttle_network_failures=10**6, **settings)
    await add_every_kind(made, PASSWORD)
    async with running(made, MeApp()) as world:
        world.clock.stop()
        yield world


async def said(tries: Try, name: str, password: str) -> tuple[object, ...]:
    """All that a caller can tell apart, but for the name that was typed and the time."""
    response = await tries(name, password)
    return response.status_code, dict(response.headers), response.text.replace(name, "who was typed in")


@each_door
@each_size
async def test_who_has_an_account_is_not_told_by_what_is_answered(tmp_path: Path, door: str, size: int) -> None:
    async with service(tmp_path) as world:
        tries = await DOORS[door](world)
        answers = {kind: await said(tries, name, "x" * size) for kind, name in NAMES.items()}
    first = answers["unknown"]
    assert {kind for kind, answer in answers.items() if answer != first} == set()
    is_form_too_large = door.startswith("/") and size > MAX_FORM_BYTES
    assert first[0] == (413 if is_form_too_large else REFUSED.get(door, 400))


@each_door
@each_size
async def test_nor_where_they_have_to_wait(tmp_path: Path, door: str, size: int) -> None:
    """As long each, whatever is wrong with the account."""
    async with service(tmp_path, throttle_account_failures=1, throttle_first_delay_seconds=600) as world:
        tries, first_try = await DOORS[door](world), await DOORS["signIn"](world)
        for name in NAMES.values():
            await first_try(name, "wrong")
        answers = {kind: await said(tries, name, "x" * size) for kind, name in NAMES.items()}
    first = answers["unknown"]
    assert {kind for kind, answer in answers.items() if answer != first} == set()
    is_form_too_large = door.startswith("/") and size > MAX_FORM_BYTES
    assert first[0] == (413 if is_form_too_large else 200 if door == "signIn" else 429)


@each_door
@each_size
async def test_one_hash_is_computed_whoever_it_is(
    tmp_path: Path, door: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a password longer than any; none for a form that is too large to be read."""
    asked: list[bytes] = []
    answer = Argon2Passwords._answer

    async def counted(self: Argon2Passwords, request: bytes) -> bytes:
        asked.append(request)
        return await answer(self, request)

    async with service(tmp_path) as world:
        tries = await DOORS[door](world)
        monkeypatch.setattr(Argon2Passwords, "_answer", counted)
        computed = {}
        for kind, name in NAMES.items():
            before = len(asked)
            await tries(name, "x" * size)
            computed[kind] = len(asked) - before
    is_form_too_large = door.startswith("/") and size > MAX_FORM_BYTES
    assert computed == dict.fromkeys(NAMES, 0 if is_form_too_large else 1)
    assert all(len(request) < 4 * MAX_CHARACTERS for request in asked), "the long one was hashed"
