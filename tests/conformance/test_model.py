"""Any sequence of deeds leaves a store as it leaves a few dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gatepass.domain.account import Account
from gatepass.domain.identifiers import SessionId
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session
from gatepass.usecases.ports import Store
from tests.kit.store_model import ModelStore
from tests.kit.store_world import (
    DAY,
    HOUR,
    LIMITS,
    MINUTE,
    NOW,
    SECOND,
    Place,
    a_session,
    an_account,
    announced,
    presents,
    reveal,
    stored,
)

Value = TypeVar("Value")
HASHES = st.sampled_from(["hash one", "hash two"])
STEPS = st.sampled_from([SECOND / 1000, SECOND, MINUTE, 59 * MINUTE, HOUR, 3 * DAY, LIMITS.idle, 80 * DAY])
ADDRESSES = st.sampled_from(["ana@example.org", "ben@example.org", "zoë@example.org"])


class StoreMachine(RuleBasedStateMachine):
    """Does each deed to the store and to the model, and compares what they say and what is left behind."""

    place: Callable[[], Place]
    accounts: Bundle[Account] = Bundle("accounts")
    sessions: Bundle[Session] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.home = type(self).place()
        self.store: Store = self.run(self.home.open())
        self.model = ModelStore()
        self.now = NOW
        self.cursor = 0
        self.told: dict[SessionId, datetime] = {}

    def run(self, deed: Awaitable[Value]) -> Value:
        async def wait() -> Value:
            return await deed

        return self.runner.run(wait())

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    @initialize(target=accounts)
    def begin_with_an_account(self) -> Account:
        return self._add("first@example.org", "hash one")

    @rule(target=accounts, email=ADDRESSES, password_hash=HASHES | st.none())
    def add(self, email: str, password_hash: str | None) -> Account:
        return self._add(email, password_hash)

    def _add(self, email: str, password_hash: str | None) -> Account:
        account = an_account(email, self.now)
        secret = Secret(password_hash) if password_hash else None
        assert self.run(self.store.accounts.add(account, secret)) == self.model.add(account, password_hash)
        return account

    @rule(account=accounts, password_hash=HASHES)
    def set_password(self, account: Account, password_hash: str) -> None:
        got = self.run(self.store.accounts.set_password(account.id, Secret(password_hash), self.now))
        assert got == self.model.set_password(account.id, password_hash, self.now)

    @rule(account=accounts, old=HASHES, new=HASHES)
    def upgrade_hash(self, account: Account, old: str, new: str) -> None:
        got = self.run(self.store.accounts.upgrade_hash(account.id, Secret(old), Secret(new)))
        assert got == self.model.upgrade_hash(account.id, old, new)

    @rule(account=accounts, enabled=st.booleans())
    def set_enabled(self, account: Account, enabled: bool) -> None:
        got = self.run(self.store.accounts.set_enabled(account.id, enabled=enabled, now=self.now))
        assert got == self.model.set_enabled(account.id, enabled, self.now)

    @rule(account=consumes(accounts))
    def remove(self, account: Account) -> None:
        assert self.run(self.store.accounts.remove(account.id, self.now)) == self.model.remove(account.id, self.now)

    @rule(target=sessions, account=accounts, matches=st.integers(0, 9))
    def sign_in(self, account: Account, matches: int) -> Session:
        session = a_session(account, self.now)
        password_hash = self.model.hashes.get(account.id) if matches else "another hash"
        secret = Secret(password_hash) if password_hash else None
        assert self.run(self.store.sessions.open(session, secret)) == self.model.open(session, password_hash)
        return session

    @rule(session=sessions, ahead=st.sampled_from([0, 0, 0, 0, -1, -1, -2, 1]))
    def refresh(self, session: Session, ahead: int) -> None:
        row = self.model.stored(session.id)
        judge = presents(max((row.generation if row else 0) + ahead, 0), self.now)
        got = self.run(self.store.sessions.rotate(session.id, judge, self.now))
        assert got == self.model.rotate(session.id, judge, self.now)

    @rule(session=sessions)
    def sign_out(self, session: Session) -> None:
        got = self.run(self.store.sessions.revoke(session.id, self.now))
        assert got == self.model.revoke(session.id, self.now)

    @rule(account=accounts)
    def sign_out_everywhere(self, account: Account) -> None:
        got = self.run(self.store.sessions.revoke_all(account.id, self.now))
        assert got == self.model.revoke_all(account.id, self.now)

    @rule(step=STEPS)
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule(limit=st.integers(1, 20))
    def sweep(self, limit: int) -> None:
        times = (self.now - 2 * HOUR, self.now - LIMITS.idle - HOUR)
        while self.run(self.store.sessions.sweep(*times, limit)) == limit:
            pass
        self.model.sweep(*times)

    @precondition(lambda self: self.model.sessions)
    @rule()
    def restart(self) -> None:
        self.run(self.store.close())
        self.store = self.run(self.home.open())

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        page = self.run(self.store.accounts.page(None, 100))
        assert list(page) == sorted(self.model.accounts.values(), key=lambda account: account.email)
        for account in self.model.accounts.values():
            found = self.run(self.store.accounts.find(account.email))
            assert found is not None
            assert reveal(found.password_hash) == self.model.hashes[account.id]
        for session in self.model.issued:
            assert self.run(stored(self.store, session)) == self.model.stored(session)

    @invariant()
    def refuses_exactly_what_was_revoked(self) -> None:
        """From the beginning, and for someone who follows the feed as it grows."""
        must = self.model.must_be_announced(self.now)
        assert must <= self.run(announced(self.store, self.now)) <= self.model.refused
        page = self.run(self.store.revocations.since(self.cursor, self.now))
        self.cursor = page.cursor
        self.told.update({revocation.session: revocation.until for revocation in page.revocations})
        assert must <= {session for session, until in self.told.items() if until > self.now} <= self.model.refused


def test_a_store_does_what_the_model_does(new_place: Callable[[], Place]) -> None:
    class Machine(StoreMachine):
        place = staticmethod(new_place)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
