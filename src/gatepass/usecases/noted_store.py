"""A store in which whatever is done is noted as done by one hand: an operator's, or the server's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.audit import AuditEvent, Deed, Note
from gatepass.domain.client import Client
from gatepass.domain.identifiers import AccountId, KeyId, SessionId
from gatepass.domain.occasion import Occasion
from gatepass.domain.rotation import Judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import UNKNOWN_ORIGIN, Session, SessionOrigin
from gatepass.domain.signing_key import SealedKey
from gatepass.usecases.notes import always, if_done, with_count
from gatepass.usecases.ports import (
    AccountChanged,
    Accounts,
    Added,
    AuditTrail,
    AuthorizationCodes,
    ClientAssertions,
    Clients,
    Clock,
    Counters,
    DeviceCodes,
    EmailTaken,
    ListedSession,
    Opened,
    Resealed,
    RevocationFeed,
    Rotation,
    SealedKeys,
    Sessions,
    Store,
    StoredClient,
    StoredCredentials,
)


@dataclass(frozen=True, slots=True)
class NotedAccounts:
    """Accounts whose administration is noted."""

    accounts: Accounts
    occasion: Occasion
    clock: Clock

    async def add(
        self,
        account: Account,
        password_hash: Secret[str] | None,
        *,
        note: Note[Added | EmailTaken] | None = None,
    ) -> Added | EmailTaken:
        """As `Accounts`; noted with what the account may do."""
        detail = f"scopes: {' '.join(account.scopes)}" if account.scopes else "no scopes"
        event = replace(
            AuditEvent(Deed.ACCOUNT_ADDED, self.clock(), self.occasion),
            account=account.id,
            email=account.email,
            detail=detail,
        )
        return await self.accounts.add(
            account, password_hash, note=note or (lambda outcome: event if isinstance(outcome, Added) else None)
        )

    async def find(self, email: EmailAddress) -> StoredCredentials | None:
        """As `Accounts`."""
        return await self.accounts.find(email)

    async def with_id(self, account: AccountId) -> StoredCredentials | None:
        """As `Accounts`."""
        return await self.accounts.with_id(account)

    async def page(self, after: EmailAddress | None, limit: int) -> Sequence[Account]:
        """As `Accounts`."""
        return await self.accounts.page(after, limit)

    async def set_password(
        self, account: AccountId, password_hash: Secret[str], now: datetime, *, note: Note[bool] | None = None
    ) -> bool:
        """As `Accounts`; noted."""
        note = note or if_done(await self._about(account, Deed.PASSWORD_CHANGED, now))
        return await self.accounts.set_password(account, password_hash, now, note=note)

    async def replace_password(
        self,
        account: AccountId,
        old: Secret[str],
        new: Secret[str],
        now: datetime,
        *,
        others_of: SessionId | None,
        note: Note[int | AccountChanged] | None = None,
    ) -> int | AccountChanged:
        """As `Accounts`. It is the account's own deed, which brings its own note."""
        return await self.accounts.replace_password(account, old, new, now, others_of=others_of, note=note)

    async def upgrade_hash(self, account: AccountId, old: Secret[str], new: Secret[str]) -> bool:
        """As `Accounts`. The password stays the same, so there is nothing to note."""
        return await self.accounts.upgrade_hash(account, old, new)

    async def set_enabled(
        self, account: AccountId, *, enabled: bool, now: datetime, note: Note[bool] | None = None
    ) -> bool:
        """As `Accounts`; noted."""
        deed = Deed.ACCOUNT_ENABLED if enabled else Deed.ACCOUNT_DISABLED
        note = note or if_done(await self._about(account, deed, now))
        return await self.accounts.set_enabled(account, enabled=enabled, now=now, note=note)

    async def remove(self, account: AccountId, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """As `Accounts`; noted."""
        note = note or if_done(await self._about(account, Deed.ACCOUNT_REMOVED, now))
        return await self.accounts.remove(account, now, note=note)

    async def _about(self, account: AccountId, deed: Deed, now: datetime) -> AuditEvent:
        found = await self.accounts.with_id(account)
        email = found.account.email if found is not None else None
        return AuditEvent(deed, now, self.occasion, account=account, email=email)


@dataclass(frozen=True, slots=True)
class NotedSessions:
    """Sessions whose ending is noted."""

    sessions: Sessions
    accounts: Accounts
    occasion: Occasion

    async def open(
        self,
        session: Session,
        password_hash: Secret[str] | None,
        origin: SessionOrigin = UNKNOWN_ORIGIN,
        *,
        note: Note[Opened | AccountChanged] | None = None,
    ) -> Opened | AccountChanged:
        """As `Sessions`. Who signs in brings a note."""
        return await self.sessions.open(session, password_hash, origin, note=note)

    async def rotate(
        self, session: SessionId, judge: Judge, now: datetime, *, note: Note[Rotation] | None = None
    ) -> Rotation:
        """As `Sessions`. Who refreshes brings a note."""
        return await self.sessions.rotate(session, judge, now, note=note)

    async def page(
        self, account: AccountId | None, after: SessionId | None, limit: int, *, now: datetime, idle_since: datetime
    ) -> Sequence[ListedSession]:
        """As `Sessions`."""
        return await self.sessions.page(account, after, limit, now=now, idle_since=idle_since)

    async def revoke(
        self, session: SessionId, now: datetime, *, of: AccountId | None = None, note: Note[bool] | None = None
    ) -> bool:
        """As `Sessions`; noted."""
        event = AuditEvent(Deed.SESSION_REVOKED, now, self.occasion, account=of, session=session)
        return await self.sessions.revoke(session, now, of=of, note=note or if_done(event))

    async def revoke_all(
        self, account: AccountId, now: datetime, *, but: SessionId | None = None, note: Note[int] | None = None
    ) -> int:
        """As `Sessions`; noted with how many ended."""
        found = await self.accounts.with_id(account)
        email = found.account.email if found is not None else None
        event = AuditEvent(Deed.SIGN_OUT_EVERYWHERE, now, self.occasion, account=account, email=email)
        return await self.sessions.revoke_all(account, now, but=but, note=note or with_count(event))

    async def sweep(self, ended_before: datetime, idle_since: datetime, limit: int) -> int:
        """As `Sessions`. What is swept had ended before."""
        return await self.sessions.sweep(ended_before, idle_since, limit)


@dataclass(frozen=True, slots=True)
class NotedKeys:
    """Server keys whose changes are noted."""

    keys: SealedKeys
    occasion: Occasion
    clock: Clock

    async def all(self) -> Sequence[SealedKey]:
        """As `SealedKeys`."""
        return await self.keys.all()

    async def add_first(self, key: SealedKey, *, note: Note[bool] | None = None) -> bool:
        """As `SealedKeys`; noted."""
        return await self.keys.add_first(key, note=note or self._noted(Deed.KEY_ACTIVATED, _named(key)))

    async def publish_next(self, key: SealedKey, *, note: Note[bool] | None = None) -> bool:
        """As `SealedKeys`; noted."""
        return await self.keys.publish_next(key, note=note or self._noted(Deed.KEY_PUBLISHED, _named(key)))

    async def activate(self, following: KeyId, active: KeyId, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """As `SealedKeys`; noted."""
        words = f"key {following} in place of {active}"
        return await self.keys.activate(following, active, now, note=note or self._noted(Deed.KEY_ACTIVATED, words))

    async def remove(self, key: KeyId, *, note: Note[bool] | None = None) -> bool:
        """As `SealedKeys`; noted."""
        return await self.keys.remove(key, note=note or self._noted(Deed.KEY_REMOVED, f"key {key}"))

    async def reseal(self, keys: Sequence[Resealed], *, note: Note[bool] | None = None) -> bool:
        """As `SealedKeys`; noted, unless there was nothing to do."""
        noted = self._noted(Deed.KEYS_RESEALED, f"keys sealed anew: {len(keys)}") if keys else None
        return await self.keys.reseal(keys, note=note or noted)

    def _noted(self, deed: Deed, detail: str) -> Note[bool]:
        return if_done(AuditEvent(deed, self.clock(), self.occasion, detail=detail))


@dataclass(frozen=True, slots=True)
class NotedClients:
    """Clients whose administration is noted."""

    clients: Clients
    occasion: Occasion
    clock: Clock

    async def add(self, stored: StoredClient, *, note: Note[None] | None = None) -> None:
        """As `Clients`; noted."""
        event = AuditEvent(Deed.CLIENT_ADDED, self.clock(), self.occasion, client_id=stored.client.id)
        await self.clients.add(stored, note=note or always(event))

    async def find(self, client_id: str) -> StoredClient | None:
        """As `Clients`."""
        return await self.clients.find(client_id)

    async def all(self) -> Sequence[Client]:
        """As `Clients`."""
        return await self.clients.all()

    async def replace_secret(
        self, client_id: str, secret_digest: bytes, now: datetime, *, note: Note[bool] | None = None
    ) -> bool:
        """As `Clients`; noted."""
        event = AuditEvent(Deed.CLIENT_SECRET_CHANGED, now, self.occasion, client_id=client_id)
        return await self.clients.replace_secret(client_id, secret_digest, now, note=note or if_done(event))

    async def remove(self, client_id: str, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """As `Clients`; noted."""
        event = AuditEvent(Deed.CLIENT_REMOVED, now, self.occasion, client_id=client_id)
        return await self.clients.remove(client_id, now, note=note or if_done(event))


class NotedStore:
    """
    Implements `gatepass.usecases.ports.Store` around another one.

    Whoever works through this, as every command of operators does, cannot forget to leave a note.
    """

    def __init__(self, store: Store, occasion: Occasion, clock: Clock) -> None:
        self._store = store
        self.accounts: Accounts = NotedAccounts(store.accounts, occasion, clock)
        self.sessions: Sessions = NotedSessions(store.sessions, store.accounts, occasion)
        self.keys: SealedKeys = NotedKeys(store.keys, occasion, clock)
        self.clients: Clients = NotedClients(store.clients, occasion, clock)
        self.revocations: RevocationFeed = store.revocations
        self.authorization_codes: AuthorizationCodes = store.authorization_codes
        self.device_codes: DeviceCodes = store.device_codes
        self.client_assertions: ClientAssertions = store.client_assertions
        self.counters: Counters = store.counters
        self.audit: AuditTrail = store.audit

    async def check(self) -> None:
        """As `Store`."""
        await self._store.check()

    async def close(self) -> None:
        """As `Store`."""
        await self._store.close()


def _named(key: SealedKey) -> str:
    return f"{key.use} key {key.id} ({key.algorithm})"
