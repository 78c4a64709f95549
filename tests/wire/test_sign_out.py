"""signOut and everything else that ends a session, over the whole service. docs/flows/sign-out.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gatepass.domain.secret import Secret
from gatepass.stores.opening import open_store
from gatepass.usecases.change_password import ChangePassword
from gatepass.usecases.enable_account import EnableAccount
from gatepass.usecases.ports import Passwords, Store
from gatepass.usecases.remove_account import RemoveAccount
from tests.kit.world import SIGN_OUT, Person, Tokens, World


async def test_signing_out_ends_this_session_and_no_other(ana: Person) -> None:
    """Refresh at once, access within a second."""
    here, there = await ana.signs_in(), await ana.signs_in()
    assert await ana.signs_out(here) == 1
    assert (await ana.tries_to_refresh(here)).code == "INVALID_REFRESH_TOKEN"
    await ana.world.has_taken_in_revocations()
    refused = await ana.asks_who_they_are(here)
    assert refused.status == 401
    assert "ended" in refused.error["message"]
    assert (await ana.asks_who_they_are(there)).status == 200


async def test_signing_out_everywhere_ends_all_sessions_of_the_account(ana: Person, ben: Person) -> None:
    """And of nobody else."""
    mine = [await ana.signs_in() for _ in range(3)]
    others = await ben.signs_in()
    assert await ana.signs_out(mine[0], everywhere=True) == 3
    await ana.world.has_taken_in_revocations()
    assert [(await ana.asks_who_they_are(tokens)).status for tokens in mine] == [401, 401, 401]
    assert [(await ana.tries_to_refresh(tokens)).code for tokens in mine] == ["INVALID_REFRESH_TOKEN"] * 3
    assert (await ben.asks_who_they_are(others)).status == 200


async def test_signing_out_needs_a_bearer(world: World, ana: Person) -> None:
    """RFC 6750 §3: 401 with a challenge, and nothing ends."""
    tokens = await ana.signs_in()
    answered = await world.posts(SIGN_OUT)
    assert answered.status == 401
    assert answered.headers["www-authenticate"].startswith("Bearer")
    await ana.refreshes(tokens)


@pytest.mark.parametrize("deed", ["disable", "remove", "new password"])
async def test_what_ends_an_account_ends_its_sessions(world: World, ana: Person, ben: Person, deed: str) -> None:
    """By another process on the same store, as the command line does it."""
    tokens, others = await ana.signs_in(), await ben.signs_in()
    store = await open_store(world.settings.store_url)
    await _deeds(store, world)[deed]()
    await store.close()
    assert (await ana.tries_to_refresh(tokens)).code == "INVALID_REFRESH_TOKEN"
    assert (await ana.tries_to_sign_in()).code == "INVALID_CREDENTIALS"
    await world.has_taken_in_revocations()
    assert (await ana.asks_who_they_are(tokens)).status == 401
    assert (await ben.asks_who_they_are(others)).status == 200
    await ben.refreshes(others)


async def test_enabling_an_account_brings_no_session_back(world: World, ana: Person) -> None:
    """Only a new sign-in does."""
    tokens = await ana.signs_in()
    store = await open_store(world.settings.store_url)
    enable = EnableAccount(store.accounts, world.clock)
    await enable(ana.email, enabled=False)
    await enable(ana.email, enabled=True)
    await store.close()
    await world.has_taken_in_revocations()
    assert (await ana.tries_to_refresh(tokens)).code == "INVALID_REFRESH_TOKEN"
    assert (await ana.asks_who_they_are(tokens)).status == 401
    fresh: Tokens = await ana.signs_in()
    assert (await ana.asks_who_they_are(fresh)).status == 200


def _deeds(store: Store, world: World) -> dict[str, Callable[[], Awaitable[None]]]:
    class NoHashing(Passwords):
        async def hash(self, password: Secret[bytes]) -> Secret[str]:
            return Secret("$argon2id$v=19$m=64,t=1,p=1$" + "A" * 22 + "$" + "A" * 43)

    change = ChangePassword(store.accounts, NoHashing(), world.clock)  # type: ignore[abstract]
    return {
        "disable": lambda: EnableAccount(store.accounts, world.clock)("ana@example.org", enabled=False),
        "remove": lambda: RemoveAccount(store.accounts, world.clock)("ana@example.org"),
        "new password": lambda: change("ana@example.org", Secret("yet another good secret")),
    }
