"""People and sessions for the tests of stores, who know a store only through its ports."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from gatepass.domain.account import Account, EmailAddress, Scope
from gatepass.domain.identifiers import AccountId, Generation, SessionId, uuid7
from gatepass.domain.rotation import Judge, Verdict, judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionLimits
from gatepass.usecases.ports import AccountChanged, Opened, Rotation, Store

NOW: Final = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
LIMITS: Final = SessionLimits()
HASH: Final = Secret("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$first")
OTHER_HASH: Final = Secret("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$other")
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Place:
    """Where one store lives. Each `open` is another process's view of it."""

    open: Callable[[], Awaitable[Store]]
    sql: Callable[[str], Awaitable[None]]
    """A statement of somebody who opens the database itself with a tool, as the store's own user."""


def an_account(email: str = "ana@example.org", created_at: datetime = NOW) -> Account:
    """A new account, not stored yet."""
    scopes = (Scope("companies:read"), Scope("companies:write"))
    return Account(AccountId(uuid7(created_at, os.urandom(10))), EmailAddress(email), scopes, created_at)


def a_session(account: Account, now: datetime = NOW) -> Session:
    """A new session as a sign-in makes it, not stored yet."""
    return Session(
        id=SessionId(uuid7(now, os.urandom(10))),
        account=account,
        client_id="gatepass",
        salt=os.urandom(16),
        generation=Generation(0),
        opened_at=now,
        rotated_at=now,
        ends_at=now + LIMITS.absolute,
    )


def presents(generation: int, now: datetime, limits: SessionLimits = LIMITS) -> Judge:
    """The real rule, for a token of this generation."""
    return lambda session: judge(session, Generation(generation), now, limits)


async def stored(store: Store, session: SessionId) -> Session | None:
    """The session as the store has it; asking changes nothing."""
    seen: list[Session] = []

    def look(row: Session) -> Verdict:
        seen.append(row)
        return Verdict.REFUSE

    await store.sessions.rotate(session, look, NOW)
    return seen[-1] if seen else None


async def announced(store: Store, now: datetime = NOW) -> set[SessionId]:
    """Every session whose access tokens the feed refuses now."""
    page = await store.revocations.since(0, now)
    return {revocation.session for revocation in page.revocations}


@dataclass(frozen=True)
class Person:
    """Someone with an account in a store."""

    store: Store
    account: Account
    password_hash: Secret[str] | None = HASH

    async def signs_in(self, now: datetime = NOW) -> Session:
        """A session of theirs that is surely there."""
        session = a_session(self.account, now)
        assert await self.store.sessions.open(session, self.password_hash) == Opened()
        return session

    async def tries_to_sign_in(self, now: datetime = NOW) -> tuple[Session, Opened | AccountChanged]:
        """A session that is there or not."""
        session = a_session(self.account, now)
        return session, await self.store.sessions.open(session, self.password_hash)

    async def refreshes(
        self, session: Session, generation: int, now: datetime = NOW, limits: SessionLimits = LIMITS
    ) -> Rotation:
        """Present this session's token of that generation."""
        return await self.store.sessions.rotate(session.id, presents(generation, now, limits), now)

    def on(self, store: Store) -> Person:
        """The same person, seen by another process."""
        return replace(self, store=store)


async def enrol(store: Store, email: str = "ana@example.org", password_hash: Secret[str] | None = HASH) -> Person:
    """A person whose account is in the store."""
    person = Person(store, an_account(email), password_hash)
    await store.accounts.add(person.account, password_hash)
    return person


def reveal(secret: Secret[str] | None) -> str | None:
    """Secrets do not compare; their values do."""
    return secret.reveal() if secret else None
