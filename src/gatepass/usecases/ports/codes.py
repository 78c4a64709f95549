"""Codes that are traded for a session once, as they are kept: digests only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepass.domain.audit import Note
from gatepass.domain.authorization_code import AuthorizationCode, AuthorizationCodeJudge
from gatepass.domain.device_code import Approval, DeviceCode, DeviceCodeJudge, Wait
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionOrigin
from gatepass.usecases.ports.sessions import AccountChanged, Unknown


@dataclass(frozen=True, slots=True)
class CodeKept:
    """The code, or the answer to it, is there now."""


@dataclass(frozen=True, slots=True)
class UserCodeTaken:
    """Another device is showing this user code; nothing was written."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The code was traded for this session, which is open now."""

    session: Session


@dataclass(frozen=True, slots=True)
class CodeReused:
    """The code had been traded for this session before; it has ended when this returns."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class NotRedeemed:
    """The judge said why; nothing was written."""

    reason: NoSession


Redemption = Redeemed | CodeReused | NotRedeemed | Unknown


class AuthorizationCodes(Protocol):
    """
    Codes that a browser carries from the sign-in page to a client.

    Whatever revokes all sessions of an account takes its open codes with it, in the same transaction.
    """

    async def add(
        self,
        code: AuthorizationCode,
        password_hash: Secret[str] | None,
        origin: SessionOrigin,
        *,
        note: Note[CodeKept | AccountChanged] | None = None,
    ) -> CodeKept | AccountChanged:
        """
        Store a code if its account is still enabled and its password hash still `password_hash`, as at a sign-in.

        Args:
            origin: becomes that of the session that the code is traded for.
        """
        ...

    async def redeem(
        self, digest: bytes, judge: AuthorizationCodeJudge, now: datetime, *, note: Note[Redemption] | None = None
    ) -> Redemption:
        """
        Trade a code for the session that the judge makes, exactly once, durably.

        Args:
            judge: pure and quick; sees the code with its account as they stand, and may be asked again.

        Returns:
            CodeReused where the judge says REUSE: that session is revoked when this returns. Unknown: no such code.

        Source: RFC 6749 §4.1.2.
        """
        ...

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Delete up to `limit` codes that nobody redeemed in time; how many. A redeemed one goes with its session."""
        ...


class DeviceCodes(Protocol):
    """What devices asked for, and what people said. Open approvals end as open authorization codes do."""

    async def add(self, code: DeviceCode, origin: SessionOrigin) -> CodeKept | UserCodeTaken:
        """Store what a device asks for; `origin` becomes that of its session."""
        ...

    async def find(self, user_code_digest: bytes, now: datetime) -> DeviceCode | None:
        """What is asked for with this user code, while it can be answered: not answered before, not expired."""
        ...

    async def approve(
        self,
        user_code_digest: bytes,
        approval: Approval,
        password_hash: Secret[str] | None,
        now: datetime,
        *,
        note: Note[CodeKept | AccountChanged | Unknown] | None = None,
    ) -> CodeKept | AccountChanged | Unknown:
        """
        Say yes, if the account is still enabled and its password hash still `password_hash`.

        Returns:
            Unknown: nothing to be answered (any more); nothing was written.
        """
        ...

    async def deny(
        self, user_code_digest: bytes, now: datetime, *, note: Note[CodeKept | Unknown] | None = None
    ) -> CodeKept | Unknown:
        """Say no; as `approve`."""
        ...

    async def poll(
        self, digest: bytes, judge: DeviceCodeJudge, now: datetime, *, note: Note[Wait | Redemption] | None = None
    ) -> Wait | Redemption:
        """
        Answer the device: trade its code for the session that the judge makes, exactly once, or note that it asked.

        A `Wait` is written: `now` as the time of the poll, and the interval that holds from now on. Else as
        `AuthorizationCodes.redeem`.

        Source: RFC 8628 §3.5.
        """
        ...

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Delete up to `limit` that gave no session and have expired; how many. The others go with their session."""
        ...
