"""Device sign-in: a device asks and polls, a person elsewhere types in a short code and says yes or no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain.account import Account, Scope
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.session import Session

POLL_INTERVAL: Final = timedelta(seconds=5)
SLOW_DOWN_BY: Final = timedelta(seconds=5)
JITTER: Final = timedelta(seconds=1)
"""How much earlier than due a poll may come in: it was sent in time, and the one before took longer on its way."""


@dataclass(frozen=True, slots=True)
class Approval:
    """
    Somebody said yes.

    `granted` is what they gave, None for all that they have; `authenticated_at` when their password was checked.
    """

    account: Account
    granted: tuple[Scope, ...] | None
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class Denial:
    """Somebody said no."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """
    A device's request as the store keeps it; neither of its two codes is in it.

    `scopes` is what the client asked for, None for all that the account has. `answer` is None until somebody has said
    something, `polled_at` until the device has asked. `session` is what it was traded for, once it was.
    """

    digest: bytes
    user_code_digest: bytes
    client_id: str
    scopes: tuple[Scope, ...] | None
    expires_at: datetime
    interval: timedelta = POLL_INTERVAL
    polled_at: datetime | None = None
    answer: Approval | Denial | None = None
    session: SessionId | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody has said anything yet. The device may ask again after `interval`; it was told so before if `too_early`."""

    interval: timedelta
    too_early: bool


DeviceCodeJudge = Callable[[DeviceCode], Session | Wait | NoSession]


def judge(code: DeviceCode, client_id: str, now: datetime) -> Approval | Wait | NoSession:
    """
    What a device that polls is to be told: an approval is to be traded for a session.

    Who polls too early waits five seconds longer from then on. An answer is given however early it is asked for.

    Source: RFC 8628 §3.5.
    """
    if code.client_id != client_id:
        return NoSession.REFUSE
    if code.session is not None:
        return NoSession.REUSE
    if now >= code.expires_at:
        return NoSession.EXPIRED
    match code.answer:
        case Denial():
            return NoSession.DENIED
        case Approval(account=account) as approval:
            return approval if account.enabled else NoSession.REFUSE
        case None:
            return _wait(code, now)


def _wait(code: DeviceCode, now: datetime) -> Wait:
    if code.polled_at is not None and now - code.polled_at < code.interval - JITTER:
        return Wait(code.interval + SLOW_DOWN_BY, too_early=True)
    return Wait(code.interval, too_early=False)
