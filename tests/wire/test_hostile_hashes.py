"""
A hash that would cost the machine, however it came into the store, is no password's and is never computed.

An import is a row that somebody else wrote: in the store itself, or in one that `gatepass db copy` brought here, or in
the one of an application that embeds Gatepass. At every door that takes a password it is answered as a wrong one.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from gatepass.crypto.password_pool import PasswordPool
from gatepass.crypto.password_worker import VERIFY, VERIFY_HEAD
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.client import BUILT_IN
from gatepass.domain.identifiers import AccountId
from gatepass.domain.secret import Secret
from gatepass.settings import Settings
from gatepass.stores import copying
from gatepass.stores.opening import open_store
from tests.kit.me_app import MeApp
from tests.kit.oauth_world import Program, program
from tests.kit.store_of_run import store_url
from tests.kit.world import CHEAP, Person, World, cheap_hash, running, settings_for
from tests.oauth.test_authorization_code import Browser, asks
from tests.wire.test_own_account import CHANGE, NEW

ANA, PASSWORD = "ana@example.org", "a long enough secret of ana"
SALT, TAG = "c2FsdHNhbHRzYWx0c2FsdA", "A" * 43
HASHES: Final = {
    "Argon2id over 64 GiB": f"$argon2id$v=19$m=67108864,t=1,p=1${SALT}${TAG}",
    "a million passes of Argon2id": f"$argon2id$v=19$m=65536,t=1000000,p=1${SALT}${TAG}",
    "a million passes over little": f"$argon2id$v=19$m=8,t=1000000,p=1${SALT}${TAG}",
    "passes without end": f"$argon2i$v=19$m=8,t=4294967295,p=1${SALT}${TAG}",
    "a hundred lanes": f"$argon2id$v=19$m=65536,t=3,p=100${SALT}${TAG}",
    "Argon2d": f"$argon2d$v=19$m=67108864,t=1000000,p=1${SALT}${TAG}",
    "numbers beyond any": f"$argon2id$v=19$m={'9' * 40},t={'9' * 40},p=1${SALT}${TAG}",
    "scrypt with N of 2^31": f"$scrypt$ln=31,r=8,p=1${SALT}${TAG}",
    "scrypt as libsodium knows it": f"$7$zU..../....{SALT}${TAG}",
    "a billion iterations of PBKDF2": f"$pbkdf2-sha512$1000000000${SALT}${TAG}",
    "a billion iterations, as Django writes them": f"pbkdf2_sha256$1000000000${SALT}${TAG}=",
    "bcrypt at a cost of 31": "$2b$31$" + "a" * 53,
    "SHA-512 in a billion rounds": f"$6$rounds=999999999${SALT[:16]}${'a' * 86}",
    "the password itself": PASSWORD,
    "a megabyte": "$argon2id$" + "x" * 1_000_000,
    "letters of the world": "$argon2id$v=19$m=٨,t=1,p=1$é$é",
    "nothing": "",
}  # fmt: skip
"""Not longer than they have to be, so that they are no canaries."""


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that workers were asked to check."""
    found: list[str] = []
    ask = PasswordPool.ask

    async def heard(self: PasswordPool, request: bytes) -> bytes:
        if request.startswith(VERIFY):
            length = VERIFY_HEAD.unpack_from(request)[1]
            found.append(request[VERIFY_HEAD.size : VERIFY_HEAD.size + length].decode())
        return await ask(self, request)

    monkeypatch.setattr(PasswordPool, "ask", heard)
    return found


# -- how it comes in --------------------------------------------------------------------------------------------------


async def written_by_somebody_else(settings: Settings, password_hash: str, folder: Path) -> None:
    """In the store itself."""
    await _add(settings.store_url, password_hash)


async def copied_from_another_store(settings: Settings, password_hash: str, folder: Path) -> None:
    """By what `gatepass db copy` does."""
    folder.joinpath("elsewhere").mkdir()
    source = store_url(folder / "elsewhere")
    await _add(source, password_hash)
    await (await open_store(settings.store_url)).close()  # its tables
    await copying.copy(
        source, settings.store_url, replaces=True, rehearses=False, progress=lambda *_: None, warn=lambda _: None
    )


async def _add(url: str, password_hash: str) -> None:
    store, now = await open_store(url), datetime.now(UTC)
    try:
        account = Account(AccountId(uuid.uuid4()), EmailAddress(ANA), (), now)
        await store.accounts.add(account, Secret(password_hash))
    finally:
        await store.close()


class Directory:
    """An embedder's own, which knows the password; our hash is none of its business."""

    async def check(self, email: EmailAddress, password: Secret[str]) -> bool:
        return password.reveal() == PASSWORD


@asynccontextmanager
async def service(
    folder: Path, password_hash: str, comes_in: Callable[[Settings, str, Path], Awaitable[None]]
) -> AsyncIterator[World]:
    """Run it around an application, as an embedder does."""
    settings = settings_for(folder, public_url="http://gatepass.test", throttle_account_failures=100)
    await comes_in(settings, password_hash, folder)
    async with running(settings, MeApp(), directory=Directory()) as world:
        yield world


PLANTED = ("the password itself", "a billion iterations, as Django writes them")
each_hash = pytest.mark.parametrize(
    "password_hash",
    [
        pytest.param(
            text, id=name, marks=[pytest.mark.shows_secrets("it stands in the row")] if name in PLANTED else []
        )
        for name, text in HASHES.items()
    ],
)
each_way_in = pytest.mark.parametrize("comes_in", [written_by_somebody_else, copied_from_another_store])


@each_hash
@each_way_in
async def test_it_is_a_wrong_password_at_every_door_and_never_computed(
    tmp_path: Path,
    password_hash: str,
    comes_in: Callable[[Settings, str, Path], Awaitable[None]],
    computed: list[str],
) -> None:
    async with service(tmp_path, password_hash, comes_in) as world:
        ana = Person(world, ANA, PASSWORD)
        assert (await ana.tries_to_sign_in()).code == "INVALID_CREDENTIALS"
        browser, web = Browser(world), await program(world, scopes=None)
        await browser.opens(asks(web, scope=None))
        await browser.signs_in(ANA, PASSWORD)
        assert (browser.response.status_code, browser.gone_to) == (400, None)
        code = (await Program(world, BUILT_IN).asks("/oauth/device_authorization")).tokens["user_code"]
        typed = {"user_code": code, "username": ANA, "password": PASSWORD, "answer": "allow"}
        page = await world.client.post("/oauth/device", data=typed, headers={"Sec-Fetch-Site": "same-origin"})
        assert page.status_code == 400
        vouched_for = (await ana.tries_to_sign_in(flow=False)).tokens
        changed = {"c": PASSWORD, "n": NEW}
        assert (await world.posts(CHANGE, changed, bearer=vouched_for.access)).code == "INVALID_CREDENTIALS"
    assert len(computed) == 4
    assert len(set(computed)) == 1, "each costs the hash that stands in for a missing one"
    assert computed[0].startswith(f"$argon2id$v=19$m={CHEAP.memory_kib},t={CHEAP.passes},p=1$")
    assert password_hash not in computed


async def test_what_is_computed_here_is_seen(tmp_path: Path, computed: list[str]) -> None:
    """A hash that is within the bounds is the one that the worker gets."""
    usable = cheap_hash(PASSWORD).reveal()
    async with service(tmp_path, usable, written_by_somebody_else) as world:
        await Person(world, ANA, PASSWORD).signs_in()
    assert computed == [usable]
