"""A whole Gatepass in this process: real SQLite, real hash workers, real ASGI. Only the clock can be turned."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from nacl.pwhash import argon2id

from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.sealing import generate_secret_key
from gatepass.domain.account import Account, email_address, scopes
from gatepass.domain.identifiers import AccountId, uuid7
from gatepass.domain.secret import Secret
from gatepass.embed import Gatepass
from gatepass.http.asgi import App
from gatepass.http.lifespan import lifespan_of
from gatepass.settings import Settings
from gatepass.stores.opening import open_store
from gatepass.usecases.ports import Directory
from tests.kit.store_of_run import is_postgres, store_url

SIGN_IN = (
    "mutation signIn($userName: String!, $password: String!, $flow: Boolean! = true) {"
    " signIn(useManagementflow: $flow, credentials: {userName: $userName, password: $password})"
    " { accessToken refreshToken tokenType expiresIn issuedAt } }"
)
REFRESH = (
    "mutation signInRefresh($token: String!, $flow: Boolean! = true) {"
    " signInRefresh(useManagementflow: $flow, credentials: {refreshToken: $token})"
    " { accessToken refreshToken tokenType expiresIn issuedAt } }"
)
SIGN_OUT = "mutation signOut($everywhere: Boolean! = false) { signOut(everywhere: $everywhere) { sessions } }"
CHEAP = Argon2Parameters(memory_kib=64, passes=1)


class TurnableClock:
    """The real time, moved by whatever was added, until it is stopped."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._stopped: datetime | None = None

    def __call__(self) -> datetime:
        """Aware UTC now."""
        return (self._stopped or datetime.now(UTC)) + self._ahead

    def stop(self) -> None:
        """From now on only `forward` moves it: what must happen within a second does, on the slowest machine."""
        self._stopped = datetime.now(UTC)

    def forward(self, **by: float) -> None:
        """Let time pass, as `timedelta` takes it."""
        self._ahead += timedelta(**by)


@dataclass(frozen=True)
class Answered:
    """An HTTP answer of the endpoint."""

    status: int
    headers: httpx2.Headers
    body: Any

    @property
    def data(self) -> Any:
        """The data entry; fails where there are errors."""
        assert "errors" not in self.body, self.body
        return self.body["data"]

    @property
    def error(self) -> Any:
        """The first error."""
        return self.body["errors"][0]

    @property
    def code(self) -> str:
        """Its code."""
        code: str = self.error["extensions"]["code"]
        return code

    @property
    def tokens(self) -> Tokens:
        """The pair in the answer's one root field."""
        (pair,) = self.data.values()
        return Tokens(pair["accessToken"], pair["refreshToken"])


@dataclass(frozen=True)
class Tokens:
    """A pair, as an actor holds it."""

    access: str
    refresh: str


class World:
    """A running service and the way to talk to it."""

    def __init__(self, app: Gatepass, clock: TurnableClock) -> None:
        self.app = app
        self.clock = clock
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gatepass.test")

    @property
    def settings(self) -> Settings:
        """The settings that it runs with."""
        return self.app.settings

    async def posts(
        self,
        query: str,
        variables: Mapping[str, object] | None = None,
        *,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """POST an operation to the endpoint."""
        sent = dict(headers or {})
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        body = {"query": query, "variables": dict(variables or {})}
        response = await self.client.post("/graphql/", json=body, headers=sent)
        return Answered(response.status_code, response.headers, response.json())

    async def has_taken_in_revocations(self) -> None:
        """Give the feed the time that it may take."""
        await asyncio.sleep(3 * self.settings.revocation_poll_seconds)


class Person:
    """Somebody with an account."""

    def __init__(self, world: World, email: str, password: str) -> None:
        self.world = world
        self.email = email
        self.password = password

    async def tries_to_sign_in(self, password: str | None = None, **more: object) -> Answered:
        """Sign in, however that ends."""
        given = {"userName": self.email, "password": self.password if password is None else password, **more}
        return await self.world.posts(SIGN_IN, given)

    async def signs_in(self) -> Tokens:
        """Sign in with success."""
        return (await self.tries_to_sign_in()).tokens

    async def tries_to_refresh(self, tokens: Tokens, **more: object) -> Answered:
        """Refresh, however that ends."""
        return await self.world.posts(REFRESH, {"token": tokens.refresh, **more})

    async def refreshes(self, tokens: Tokens) -> Tokens:
        """Refresh with success."""
        return (await self.tries_to_refresh(tokens)).tokens

    async def signs_out(self, tokens: Tokens, *, everywhere: bool = False) -> int:
        """Sign out with success; how many sign-ins ended."""
        answered = await self.world.posts(SIGN_OUT, {"everywhere": everywhere}, bearer=tokens.access)
        ended: int = answered.data["signOut"]["sessions"]
        return ended

    async def asks_who_they_are(self, tokens: Tokens) -> Answered:
        """Send a protected query."""
        return await self.world.posts("{ me { subject scopes } }", bearer=tokens.access)


def settings_for(folder: Path, **settings: object) -> Settings:
    """Settings of a test: cheap hashes, quick revocation, a secret key of its own."""
    quick: dict[str, Any] = {
        "data_dir": folder,
        "secret_key": generate_secret_key(),
        "argon2_memory_kib": CHEAP.memory_kib,
        "argon2_iterations": CHEAP.passes,
        "hash_workers": 1,
        "revocation_poll_seconds": 0.05,
    }
    if is_postgres():
        quick["database_url"] = store_url(folder)
    return Settings(**(quick | settings))


@asynccontextmanager
async def running(
    settings: Settings,
    app: App | None = None,
    *,
    unguarded: Collection[str] = ("/elsewhere", "/authzed"),
    directory: Directory | None = None,
    clock: TurnableClock | None = None,
) -> AsyncIterator[World]:
    """A started service around `app`."""
    clock = clock or TurnableClock()
    gatepass = Gatepass(app, settings, unguarded=unguarded, directory=directory, clock=clock)
    async with lifespan_of(gatepass, {}):
        world = World(gatepass, clock)
        async with world.client:
            yield world


async def add_account(settings: Settings, email: str, password: str, *granted: str) -> None:
    """Add an account through a store of its own on the same file, as another process would."""
    store = await open_store(settings.store_url)
    try:
        now = datetime.now(UTC)
        account = Account(AccountId(uuid7(now, os.urandom(10))), email_address(email), scopes(granted), now)
        await store.accounts.add(account, cheap_hash(password))
    finally:
        await store.close()


def cheap_hash(password: str) -> Secret[str]:
    """With the parameters of tests."""
    hashed = argon2id.str(password.encode(), opslimit=CHEAP.passes, memlimit=CHEAP.memory_kib * 1024)
    return Secret(hashed.decode("ascii"))
