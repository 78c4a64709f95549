"""Sign-ins, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepass.domain.audit import Note
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.rotation import Judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import UNKNOWN_ORIGIN, Session, SessionOrigin
from gatepass.domain.value import value


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is there now."""


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The account was disabled, removed or given another password meanwhile; nothing was written."""


@value(frozen=True, slots=True)
class Rotated:
    """The session moved on; `session` is as it stands now, with the new generation."""

    session: Session


@value(frozen=True, slots=True)
class Replayed:
    """Nothing was written; `session` is as it stands, its generation is the successor of the presented one."""

    session: Session


@value(frozen=True, slots=True)
class Reused:
    """A spent token came back; the session is revoked when this returns."""

    session: Session


@value(frozen=True, slots=True)
class Unknown:
    """No such session, or one that the judge refuses; nothing was written."""


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its owner will know it again."""

    session: Session
    origin: SessionOrigin


Rotation = Rotated | Replayed | Reused | Unknown


class Sessions(Protocol):
    """Sign-ins. The hot methods are grouped with whatever waits beside them into one commit."""

    async def open(
        self,
        session: Session,
        password_hash: Secret[str] | None,
        origin: SessionOrigin = UNKNOWN_ORIGIN,
        *,
        note: Note[Opened | AccountChanged] | None = None,
    ) -> Opened | AccountChanged:
        """
        Store a new session if its account is still enabled and its password hash still `password_hash`.

        The check and the insert are one: a sign-in that raced with a disable or a password change does not get through.
        """
        ...

    async def rotate(
        self, session: SessionId, judge: Judge, now: datetime, *, note: Note[Rotation] | None = None
    ) -> Rotation:
        """
        Apply the judge's verdict to a session exactly once, durably.

        Args:
            judge: pure and quick; sees the row as it stands (its account included) and may be asked again when
                the row changed under it. It is asked at least once for an existing session.
            now: becomes `rotated_at` of a rotated session, or `revoked_at` of a reused one.

        Source: RFC 9700 §4.14.2.
        """
        ...

    async def page(
        self, account: AccountId | None, after: SessionId | None, limit: int, *, now: datetime, idle_since: datetime
    ) -> Sequence[ListedSession]:
        """
        Up to `limit` living sessions, newest first: not ended at `now`, and rotated since `idle_since`.

        Args:
            account: whose; None: everybody's.
            after: those opened before this one, whether or not it is there.
        """
        ...

    async def revoke(
        self, session: SessionId, now: datetime, *, of: AccountId | None = None, note: Note[bool] | None = None
    ) -> bool:
        """
        End one session.

        Args:
            of: only if it is this account's.

        Returns:
            False: no such session, or it had ended already; nothing was written.
        """
        ...

    async def revoke_all(
        self, account: AccountId, now: datetime, *, but: SessionId | None = None, note: Note[int] | None = None
    ) -> int:
        """End every session of an account, but for one where one is named; how many."""
        ...

    async def sweep(self, ended_before: datetime, idle_since: datetime, limit: int) -> int:
        """
        Delete up to `limit` rows that can never matter again; how many.

        A row goes when it ended or was revoked before `ended_before`, or was last rotated before `idle_since`.
        Old revocation entries go too.
        """
        ...
