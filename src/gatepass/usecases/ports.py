"""
What the use cases need from the outside. Each store method is one fact, made durable when it returns.

No unit of work, no row objects: domain values in, outcomes out. Every method may raise `StoreUnavailable`, and then
nothing was written. `now` is aware UTC throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepass.domain.access_token import AccessClaims
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.rotation import Judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session
from gatepass.domain.signing_key import SealedKey

Clock = Callable[[], datetime]
"""Aware UTC now."""

RandomBytes = Callable[[int], bytes]
"""That many bytes from the operating system's generator."""


# -- accounts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """An account with its password hash (PHC string); `None` where it has no password."""

    account: Account
    password_hash: Secret[str] | None


@dataclass(frozen=True, slots=True)
class Added:
    """The account is there now."""


@dataclass(frozen=True, slots=True)
class EmailTaken:
    """Another account has this address; nothing was written."""


class Accounts(Protocol):
    """Accounts and what ends them. Ending an account's access also revokes its sessions, in the same transaction."""

    async def add(self, account: Account, password_hash: Secret[str] | None) -> Added | EmailTaken:
        """Store a new account."""
        ...

    async def find(self, email: EmailAddress) -> StoredCredentials | None:
        """The account with exactly this address."""
        ...

    async def page(self, after: EmailAddress | None, limit: int) -> Sequence[Account]:
        """Up to `limit` accounts in the order of their addresses, those after `after`."""
        ...

    async def set_password(self, account: AccountId, password_hash: Secret[str], now: datetime) -> bool:
        """Replace the password and revoke every session. False: no such account."""
        ...

    async def upgrade_hash(self, account: AccountId, old: Secret[str], new: Secret[str]) -> bool:
        """Replace a hash of the same password, if it is still `old`; sessions live on. False: it changed meanwhile."""
        ...

    async def set_enabled(self, account: AccountId, *, enabled: bool, now: datetime) -> bool:
        """Enable or disable; disabling revokes every session. False: no such account."""
        ...

    async def remove(self, account: AccountId, now: datetime) -> bool:
        """Remove the account and its sessions, and revoke their access tokens. False: no such account."""
        ...


# -- sessions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is there now."""


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The account was disabled, removed or given another password meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The session moved on; `session` is as it stands now, with the new generation."""

    session: Session


@dataclass(frozen=True, slots=True)
class Replayed:
    """Nothing was written; `session` is as it stands, its generation is the successor of the presented one."""

    session: Session


@dataclass(frozen=True, slots=True)
class Reused:
    """A spent token came back; the session is revoked when this returns."""

    session: Session


@dataclass(frozen=True, slots=True)
class Unknown:
    """No such session, or one that the judge refuses; nothing was written."""


Rotation = Rotated | Replayed | Reused | Unknown


class Sessions(Protocol):
    """Sign-ins. The hot methods are grouped with whatever waits beside them into one commit."""

    async def open(self, session: Session, password_hash: Secret[str] | None) -> Opened | AccountChanged:
        """
        Store a new session if its account is still enabled and its password hash still `password_hash`.

        The check and the insert are one: a sign-in that raced with a disable or a password change does not get through.
        """
        ...

    async def rotate(self, session: SessionId, judge: Judge, now: datetime) -> Rotation:
        """
        Apply the judge's verdict to a session exactly once, durably.

        Args:
            judge: pure and quick; sees the row as it stands (its account included) and may be asked again when
                the row changed under it. It is asked at least once for an existing session.
            now: becomes `rotated_at` of a rotated session, or `revoked_at` of a reused one.

        Source: RFC 9700 §4.14.2.
        """
        ...

    async def revoke(self, session: SessionId, now: datetime) -> bool:
        """End one session. False: no such session, or it had ended already; nothing was written."""
        ...

    async def revoke_all(self, account: AccountId, now: datetime) -> int:
        """End every session of an account; how many."""
        ...

    async def sweep(self, ended_before: datetime, idle_since: datetime, limit: int) -> int:
        """
        Delete up to `limit` rows that can never matter again; how many.

        A row goes when it ended or was revoked before `ended_before`, or was last rotated before `idle_since`.
        Old revocation entries go too.
        """
        ...


@dataclass(frozen=True, slots=True)
class Revocation:
    """A session whose access tokens must be refused until `until`, when the last of them has expired."""

    session: SessionId
    until: datetime


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """Everything revoked since a cursor, and the cursor to ask with next time."""

    revocations: Sequence[Revocation]
    cursor: int


class RevocationFeed(Protocol):
    """What was revoked within the last access-token lifetime, by any process that shares the store."""

    async def since(self, cursor: int, now: datetime) -> RevocationPage:
        """Revocations after `cursor` (0: all that still matter). Cheap when nothing changed; asked often."""
        ...


# -- keys -------------------------------------------------------------------------------------------------------------


class SealedKeys(Protocol):
    """Server keys at rest."""

    async def all(self) -> Sequence[SealedKey]:
        """Every key, oldest first."""
        ...

    async def add_first(self, key: SealedKey) -> bool:
        """Store `key` if there is no active key of its use yet; False: there is one, nothing was written."""
        ...


class Store(Protocol):
    """Everything kept, as one object with one life."""

    @property
    def accounts(self) -> Accounts:  # noqa: D102
        ...
    @property
    def sessions(self) -> Sessions:  # noqa: D102
        ...
    @property
    def revocations(self) -> RevocationFeed:  # noqa: D102
        ...
    @property
    def keys(self) -> SealedKeys:  # noqa: D102
        ...

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless the store is reachable and at the schema version this code expects."""
        ...

    async def close(self) -> None:
        """Finish what waits, then let go of the store."""
        ...


# -- crypto -----------------------------------------------------------------------------------------------------------


class Passwords(Protocol):
    """Slow hashing, off the event loop, behind a bounded queue."""

    async def hash(self, password: Secret[bytes]) -> Secret[str]:
        """
        A PHC string with the live parameters.

        Raises:
            Overloaded: it could not be done in time; refused at once, with `retry_after_seconds`.
            HashingFailed: the worker died.
        """
        ...

    async def verify(self, password: Secret[bytes] | None, password_hash: Secret[str] | None) -> bool:
        """
        Whether the password is right. `None` for either costs the same as a wrong password, and is never right.

        Raises:
            Overloaded, HashingFailed: as `hash`.
        """
        ...

    def needs_rehash(self, password_hash: Secret[str]) -> bool:
        """Whether a stored hash has other parameters than the live ones."""
        ...


class AccessTokens(Protocol):
    """Signs and verifies access tokens."""

    def sign(self, claims: AccessClaims) -> Secret[str]:
        """
        The signed token; with ES256 or EdDSA and up to 75 characters of scopes under 700 bytes.

        Raises:
            KeyUnusable: there is no active key.
        """
        ...

    def verify(self, token: str, now: datetime) -> AccessClaims:
        """
        The claims of a token that is ours, for this audience, and not expired.

        Raises:
            Unauthenticated: anything else; the message says what is wrong and how to mend it.
        """
        ...


class RefreshKeys(Protocol):
    """The MAC keys of refresh tokens."""

    def active(self) -> RefreshKey:
        """
        The key that makes new tokens.

        Raises:
            KeyUnusable: there is none.
        """
        ...

    def find(self, key_id: bytes) -> RefreshKey | None:
        """The key with this id, active or retiring."""
        ...


class AuditLog(Protocol):
    """What security staff want to know; never a secret."""

    def refresh_token_reused(self, session: Session) -> None:
        """A spent refresh token came back, and its session was revoked (RFC 9700 §4.14.2)."""
        ...


# -- the far side -----------------------------------------------------------------------------------------------------


class Directory(Protocol):
    """An external directory that checks credentials for `useManagementflow: false`."""

    async def check(self, email: EmailAddress, password: Secret[str]) -> bool:
        """
        Whether the directory accepts this password for this address.

        Raises:
            FlowUnavailable: the directory cannot be asked; nobody is signed in (fails closed).
        """
        ...


__all__ = [
    "AccessTokens",
    "AccountChanged",
    "Accounts",
    "Added",
    "AuditLog",
    "Clock",
    "Directory",
    "EmailTaken",
    "Opened",
    "Passwords",
    "RandomBytes",
    "RefreshKeys",
    "Replayed",
    "Reused",
    "Revocation",
    "RevocationFeed",
    "RevocationPage",
    "Rotated",
    "Rotation",
    "SealedKeys",
    "Sessions",
    "Store",
    "StoredCredentials",
    "Unknown",
]
