"""Refresh tokens in the wrong hands, at every door that takes a token. RFC 9700 §4.14, RFC 6750 §2.3."""

from __future__ import annotations

import base64
import os
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from gatepass.domain import refresh_token
from gatepass.domain.client import BUILT_IN
from gatepass.domain.identifiers import Generation
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.rotation import Verdict
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session
from gatepass.stores.opening import open_store
from gatepass.usecases.enable_account import EnableAccount
from tests.kit.me_app import MeApp
from tests.kit.oauth_world import Program, program, written
from tests.kit.world import Person, Tokens, TurnableClock, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD

REFUSED: Final = {
    "signInRefresh": "INVALID_REFRESH_TOKEN",
    "/oauth/token": "invalid_grant",
    "/oauth/introspect": {"active": False},
    "a bearer": (401, "UNAUTHENTICATED"),
    "/authz": 401,
    "/oauth/revoke": {},
}
WINDOW = timedelta(seconds=60)


class StillClock(TurnableClock):
    """Stands until it is turned: edges of a microsecond can be met."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Aware UTC now."""
        return self._now

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self._now += timedelta(**by)


class Site:
    """A service, and two clients: the one that everybody's tokens are for, and one that may ask about tokens."""

    def __init__(self, world: World, cli: Program, robot: Program, folder: Path) -> None:
        self.world, self.cli, self.robot, self.folder = world, cli, robot, folder
        self.ana = Person(world, "ana@example.org", ANA_PASSWORD)

    async def tries_everywhere(self, token: str) -> dict[str, object]:
        """What each door says; that which ends sessions comes last."""
        bearer: Any = {"Authorization": f"Bearer {token}".encode("utf-8", "replace")}
        answered = await self.world.posts("{ me { subject } }", headers=bearer)
        authz = await self.world.client.get("/authz", headers=bearer)
        return {
            "signInRefresh": (await self.ana.tries_to_refresh(Tokens("", token))).code,
            "/oauth/token": (await self.cli.refreshes(token)).error,
            "/oauth/introspect": (await self.robot.asks("/oauth/introspect", token=token)).body,
            "a bearer": (answered.status, answered.code),
            "/authz": authz.status_code,
            "/oauth/revoke": (await self.cli.asks("/oauth/revoke", token=token)).body,
        }

    def rows(self) -> dict[str, Any]:
        return written(self.folder)


@asynccontextmanager
async def serving(folder: Path, **settings: object) -> AsyncIterator[Site]:
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - one folder
    found = settings_for(folder, public_url="http://gatepass.test", **settings)
    await add_account(found, "ana@example.org", ANA_PASSWORD, "read")
    async with running(found, MeApp(), clock=StillClock()) as world:
        yield Site(world, Program(world, BUILT_IN), await program(world), folder)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Yield a service whose clock stands."""
    async with serving(tmp_path / "here") as made:
        yield made


# -- tokens that were good ---------------------------------------------------------------------------------------------


async def _of_a_revoked_session(site: Site) -> str:
    tokens = await site.ana.signs_in()
    await site.ana.signs_out(tokens)
    return tokens.refresh


async def _idle_for_too_long(site: Site) -> str:
    tokens = await site.ana.signs_in()
    site.world.clock.forward(seconds=site.world.settings.session_idle_seconds)
    return tokens.refresh


async def _past_the_absolute_end(site: Site) -> str:
    tokens = await site.ana.signs_in()
    for _ in range(9):
        site.world.clock.forward(days=10)
        tokens = await site.ana.refreshes(tokens) if _ < 8 else tokens
    return tokens.refresh


async def _of_a_disabled_account(site: Site) -> str:
    tokens = await site.ana.signs_in()
    store = await open_store(site.world.settings.store_url)
    await EnableAccount(store.accounts, site.world.clock)(site.ana.email, enabled=False)
    await store.close()
    return tokens.refresh


async def _of_another_store(site: Site) -> str:
    async with serving(site.folder.parent / "there", secret_key=site.world.settings.secret_key) as other:
        return (await other.ana.signs_in()).refresh


async def _signed_with_another_key(site: Site) -> str:
    """By somebody who knows all of the session but the key."""
    session, parsed = await _session_of(site, (await site.ana.signs_in()).refresh)
    forged = RefreshKey(parsed.key_id, Secret(os.urandom(32)))
    return refresh_token.mint(forged, session.id, session.generation, session.salt).reveal()


async def _under_a_key_that_is_not_there(site: Site) -> str:
    session, _ = await _session_of(site, (await site.ana.signs_in()).refresh)
    unknown = RefreshKey(os.urandom(4), Secret(os.urandom(32)))
    return refresh_token.mint(unknown, session.id, Generation(1), session.salt).reveal()


async def _an_authorization_code(_: Site) -> str:
    return "gpc_" + base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


LOST: dict[str, Callable[[Site], Awaitable[str]]] = {
    "of a revoked session": _of_a_revoked_session,
    "idle for too long": _idle_for_too_long,
    "past the absolute end": _past_the_absolute_end,
    "of a disabled account": _of_a_disabled_account,
    "of another store": _of_another_store,
    "signed with another key": _signed_with_another_key,
    "under a key that is not there": _under_a_key_that_is_not_there,
    "a code": _an_authorization_code,
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
async def test_a_token_that_is_not_good_is_refused_at_every_door(
    site: Site, lost: Callable[[Site], Awaitable[str]]
) -> None:
    """All of them say the same whatever the reason is, and nothing is written."""
    token = await lost(site)
    before = site.rows()
    assert await site.tries_everywhere(token) == REFUSED
    assert site.rows() == before


async def test_a_token_two_generations_back_is_refused_at_every_door_and_ends_its_session(site: Site) -> None:
    """Also within the replay window: that is for the one before."""
    first = await site.ana.signs_in()
    third = await site.ana.refreshes(await site.ana.refreshes(first))
    assert await site.tries_everywhere(first.refresh) == REFUSED
    assert await site.tries_everywhere(third.refresh) == REFUSED


# -- tokens that were changed ------------------------------------------------------------------------------------------


def _raw(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.removeprefix("gpr_"))


def _again(raw: bytes) -> str:
    return "gpr_" + base64.urlsafe_b64encode(raw).decode()


CHANGED: dict[str, Callable[[str], str]] = {
    "a character less": lambda token: token[:-1],
    "a group less": lambda token: token[:-4],
    "the MAC cut off": lambda token: _again(_raw(token)[:-32]).rstrip("="),
    "a character more": lambda token: token + "A",
    "twice": lambda token: token * 2,
    "one padding": lambda token: token + "=",
    "two paddings": lambda token: token + "==",
    "padding in the place of the end": lambda token: token[:-1] + "=",
    "upper case": lambda token: "gpr_" + token.removeprefix("gpr_").upper(),
    "lower case": str.lower,
    "case swapped": lambda token: "gpr_" + token.removeprefix("gpr_").swapcase(),
    "the prefix in capitals": lambda token: "GPR_" + token.removeprefix("gpr_"),
    "without its prefix": lambda token: token.removeprefix("gpr_"),
    "with two prefixes": lambda token: "gpr_" + token,
    "in hexadecimal": lambda token: "gpr_" + _raw(token).hex(),
    "in base64 twice": lambda token: _again(token.removeprefix("gpr_").encode()),
    "percent-encoded": lambda token: token[:-1] + f"%{ord(token[-1]):02x}",
    "in full-width characters": lambda token: token[:-1] + chr(ord(token[-1]) + 0xFEE0),
    "with a space before": lambda token: " " + token,
    "with a line break after": lambda token: token + "\n",
    "with a tab in it": lambda token: token[:40] + "\t" + token[41:],
    "a generation on": lambda token: _again(_raw(token)[:24] + b"\x01" + _raw(token)[25:]),
    "of another session": lambda token: _again(_raw(token)[:5] + os.urandom(16) + _raw(token)[21:]),
    "of another version": lambda token: _again(b"\x02" + _raw(token)[1:]),
    "a bit of the MAC": lambda token: _again(_raw(token)[:-1] + bytes([_raw(token)[-1] ^ 1])),
    "no MAC at all": lambda token: _again(_raw(token)[:-32] + bytes(32)),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED.keys())
async def test_a_token_has_one_spelling_and_any_other_is_refused_at_every_door(
    site: Site, change: Callable[[str], str]
) -> None:
    """Who cannot make the MAC ends nobody's session either: the right one still counts."""
    tokens = await site.ana.signs_in()
    changed = change(tokens.refresh)
    assert changed != tokens.refresh
    before = site.rows()
    assert await site.tries_everywhere(changed) == REFUSED
    assert site.rows() == before
    await site.ana.refreshes(tokens)


async def test_an_access_token_refreshes_nothing(site: Site) -> None:
    tokens = await site.ana.signs_in()
    assert (await site.ana.tries_to_refresh(Tokens("", tokens.access))).code == "INVALID_REFRESH_TOKEN"
    assert (await site.cli.refreshes(tokens.access)).error == "invalid_grant"


async def test_a_refresh_token_is_no_bearer_and_is_still_good(site: Site) -> None:
    tokens = await site.ana.signs_in()
    for header in ("Authorization", "Authorisation"):
        bearer = {header: f"Bearer {tokens.refresh}"}
        assert (await site.world.posts("{ me { subject } }", headers=bearer)).status == 401
        assert (await site.world.client.get("/authz", headers=bearer)).status_code == 401
    await site.ana.refreshes(tokens)


# -- replay ------------------------------------------------------------------------------------------------------------


async def _by_mutation(site: Site, token: str) -> str | None:
    body = (await site.ana.tries_to_refresh(Tokens("", token))).body
    return None if "errors" in body else body["data"]["signInRefresh"]["refreshToken"]


async def _by_grant(site: Site, token: str) -> str | None:
    refreshed: str | None = (await site.cli.refreshes(token)).body.get("refresh_token")
    return refreshed


@pytest.mark.parametrize("refresh", [_by_mutation, _by_grant])
async def test_replay_ends_with_its_window_to_the_microsecond(
    site: Site, refresh: Callable[[Site, str], Awaitable[str | None]]
) -> None:
    """At its last moment the same successor; a microsecond later the session ends, whoever holds the other token."""
    first = (await site.ana.signs_in()).refresh
    second = await refresh(site, first)
    site.world.clock.forward(seconds=WINDOW.total_seconds())
    assert await refresh(site, first) == second is not None
    site.world.clock.forward(microseconds=1)
    assert await refresh(site, first) is None
    assert await refresh(site, second) is None


@pytest.mark.parametrize("refresh", [_by_mutation, _by_grant])
async def test_replay_ends_when_the_successor_is_used(
    site: Site, refresh: Callable[[Site, str], Awaitable[str | None]]
) -> None:
    """At once, and not with the window."""
    first = (await site.ana.signs_in()).refresh
    second = await refresh(site, first)
    assert second is not None
    third = await refresh(site, second)
    assert third is not None
    assert await refresh(site, first) is None
    assert await refresh(site, third) is None


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["access_token", "ACCESS_TOKEN", "token", "refresh_token", "refreshToken", "bearer"])
async def test_a_token_in_an_address_opens_nothing(site: Site, name: str) -> None:
    """Addresses stay in histories and logs. With a good header beside it the request is refused as well."""
    tokens = await site.ana.signs_in()
    token = tokens.refresh if name.lower().startswith("refresh") else tokens.access
    given = urllib.parse.urlencode({name: token})
    client, query = site.world.client, {"query": "{ me { subject } }"}
    for headers in ({}, {"Authorization": f"Bearer {tokens.access}"}):
        answers = [
            await client.post(f"/graphql/?{given}", json=query, headers=headers),
            await client.get(f"/graphql/?{urllib.parse.urlencode(query)}&{given}", headers=headers),
        ]
        assert {answer.status_code for answer in answers} == {400}, [answer.text for answer in answers]
        assert not any(token in answer.text for answer in answers)
    assert (await client.get(f"/authz?{given}")).status_code == 401
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh, "token": tokens.refresh}
        answer = await client.post(f"{path}?{given}", data={**form, "client_id": "gatepass"})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    await site.ana.refreshes(tokens)


async def _session_of(site: Site, token: str) -> tuple[Session, refresh_token.RefreshToken]:
    """The stored session of a token, as somebody with the database reads it."""
    parsed, found = refresh_token.parse(token), list[Session]()

    def look(session: Session) -> Verdict:
        found.append(session)
        return Verdict.REFUSE

    store = await open_store(site.world.settings.store_url)
    try:
        await store.sessions.rotate(parsed.session, look, site.world.clock())
    finally:
        await store.close()
    return found[0], parsed
