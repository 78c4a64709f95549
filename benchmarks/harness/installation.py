"""A data folder of its own for a benchmark: store, keys, one account, as many open sessions as asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.harness.launch import Change
from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import ServerProcess, free_port, server
from gatepass.crypto.access_tokens import JwtAccessTokens
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.password_pool import PasswordPool
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.access_token import FIRST_PARTY_CLIENT
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import RANDOM_BYTES, SessionId, uuid7
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret
from gatepass.domain.session import FIRST_GENERATION, SALT_BYTES, Session
from gatepass.stores.opening import open_store
from gatepass.usecases.add_account import AddAccount
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.ports import Store, StoredCredentials

EMAIL, PASSWORD = "ana@example.org", "correct horse battery staple 42"
ISSUER = "http://127.0.0.1:8000"
AUDIENCE = f"{ISSUER}/graphql"
NOWHERE = "http://127.0.0.1:9/graphql"
"""An upstream that is never there, for benchmarks that ask it nothing."""


def now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class TokenPair:
    """Access and refresh token of a session."""

    access: str
    refresh: str


@dataclass(frozen=True)
class Installation:
    """A ready data folder; `serve` starts the real server on it."""

    folder: Path
    secret_key: Secret[str]
    database_url: str | None = None

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.folder / "gatepass.db"

    @property
    def store_url(self) -> str:
        """The store's address."""
        return self.database_url or f"sqlite:///{self.database}"

    @contextlib.contextmanager
    def serve(
        self,
        upstream: str = NOWHERE,
        *,
        cores: Cores | None = None,
        change: Change | None = None,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> Iterator[ServerProcess]:
        """
        Run `gatepass serve` as a process, with the defaults that users have.

        Args:
            change: one thing to be otherwise, for comparison.
            settings: that have to be otherwise, by the names of their environment variables.
        """
        port = free_port()
        command = (
            [str(Path(sys.executable).with_name("gatepass"))]
            if change is None
            else [sys.executable, "-m", "benchmarks.harness.launch", change]
        )
        arguments = ["serve", "--upstream", upstream, "--port", str(port), "--workers", str(workers)]
        with server([*command, *arguments], port, env={**self._env, **(settings or {})}, cores=cores) as process:
            yield process

    def open_sessions(self, count: int) -> list[TokenPair]:
        """The tokens of that many new sessions of the one account."""
        return asyncio.run(self._open_sessions(count))

    def refresh_key(self) -> RefreshKey:
        """The server key of its refresh tokens."""
        return asyncio.run(self._refresh_key())

    def password_hash(self) -> str:
        """The one account's, as a PHC string."""
        return asyncio.run(self._password_hash())

    @property
    def _env(self) -> dict[str, str]:
        return {
            "GATEPASS_DATA_DIR": str(self.folder),
            "GATEPASS_DATABASE_URL": self.store_url,
            "GATEPASS_SECRET_KEY": self.secret_key.reveal(),
            "GATEPASS_ISSUER": ISSUER,
            "GATEPASS_AUDIENCE": AUDIENCE,
            "GATEPASS_LOG_FORMAT": "json",
        }

    async def _open_sessions(self, count: int) -> list[TokenPair]:
        async with opened(self.store_url) as store:
            keyring = await self._keyring(store)
            tokens = JwtAccessTokens(keyring, issuer=ISSUER, audience=AUDIENCE)
            issue = IssueTokens(tokens, keyring, os.urandom, ISSUER, AUDIENCE, timedelta(hours=1))
            stored = await credentials(store)
            sessions = [new_session(stored.account) for _ in range(count)]
            await asyncio.gather(*(store.sessions.open(session, stored.password_hash) for session in sessions))
            pairs = [issue(session, now()) for session in sessions]
            return [TokenPair(pair.access_token.reveal(), pair.refresh_token.reveal()) for pair in pairs]

    async def _refresh_key(self) -> RefreshKey:
        async with opened(self.store_url) as store:
            return (await self._keyring(store)).active()

    async def _keyring(self, store: Store) -> Keyring:
        return await Keyring.open(store.keys, Sealer(self.secret_key), clock=now)

    async def _password_hash(self) -> str:
        async with opened(self.store_url) as store:
            stored = await credentials(store)
            assert stored.password_hash is not None
            return stored.password_hash.reveal()


@contextlib.contextmanager
def installation(database_url: str | None = None) -> Iterator[Installation]:
    """A fresh data folder with one account, removed at the end; on PostgreSQL in tables that are there already."""
    with tempfile.TemporaryDirectory(prefix="gatepass-bench-") as folder:
        made = Installation(Path(folder), generate_secret_key(), database_url)
        asyncio.run(_add_account(made))
        yield made


async def _add_account(made: Installation) -> None:
    async with opened(made.store_url) as store:
        pool = PasswordPool(Argon2Parameters(), workers=1)
        await pool.start()
        try:
            await AddAccount(store.accounts, pool, now, os.urandom)(EMAIL, Secret(PASSWORD), ["read", "write"])
        finally:
            await pool.close()


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    """The store at this address, past the server."""
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


async def credentials(store: Store) -> StoredCredentials:
    """Of the one account."""
    stored = await store.accounts.find(EmailAddress(EMAIL))
    assert stored is not None
    return stored


def new_session(account: Account) -> Session:
    """As a sign-in with the defaults makes it; not stored yet."""
    begun = now()
    return Session(
        id=SessionId(uuid7(begun, os.urandom(RANDOM_BYTES))),
        account=account,
        client_id=FIRST_PARTY_CLIENT,
        salt=os.urandom(SALT_BYTES),
        generation=FIRST_GENERATION,
        opened_at=begun,
        rotated_at=begun,
        ends_at=begun + timedelta(days=90),
    )
