"""What is noted of an outcome: the entries of the audit log, made where the store has decided."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any

from gatepass.domain.account import Account
from gatepass.domain.attempts import Wait
from gatepass.domain.audit import AuditEvent, Deed, Note, Reason, Result
from gatepass.domain.occasion import Occasion
from gatepass.domain.session import Session
from gatepass.usecases.ports import AccountChanged, CodeReused, Redeemed, Replayed, Reused, Rotated, Rotation


def always(event: AuditEvent) -> Note[Any]:
    """The entry, whatever the outcome."""
    return lambda _: event


def if_done(event: AuditEvent) -> Note[Any]:
    """The entry, if the outcome says that something was done: True, or a number above 0."""
    return lambda outcome: event if outcome else None


def about(account: Account, event: AuditEvent) -> AuditEvent:
    """The entry, as one of this account."""
    return replace(event, account=account.id, email=account.email)


def unless_changed(event: AuditEvent) -> Note[Any]:
    """The entry, or that it was refused because the account had changed since its password was checked."""
    refused = replace(event, result=Result.REFUSED, reason=Reason.ACCOUNT_CHANGED, session=None)
    return lambda outcome: refused if isinstance(outcome, AccountChanged) else event


def of_rate_limit(refused: AuditEvent) -> Note[object]:
    """The entry, where an attempt is the first to be refused for their number; with the counter that did it."""

    def note(outcome: object) -> AuditEvent | None:
        if not isinstance(outcome, Wait) or outcome.first_of is None:
            return None
        wait = math.ceil(outcome.seconds.total_seconds())
        return replace(refused, reason=Reason.RATE_LIMITED, detail=f"counter {outcome.first_of.kind}: {wait} s to wait")

    return note


def with_count(event: AuditEvent) -> Note[int]:
    """The entry, with how many sessions ended; none where none did."""
    return lambda ended: replace(event, detail=f"sessions ended: {ended}") if ended else None


def of_session(deed: Deed, session: Session, now: datetime, occasion: Occasion) -> AuditEvent:
    """An entry about a session."""
    return AuditEvent(
        deed,
        now,
        occasion,
        account=session.account.id,
        email=session.account.email,
        session=session.id,
        client_id=session.client_id,
    )


class OfRotation:
    """That a token was replayed or reused. Ordinary refreshes are not noted: one an hour for each sign-in."""

    __slots__ = ("_now", "_occasion")

    def __init__(self, now: datetime, occasion: Occasion) -> None:
        self._now = now
        self._occasion = occasion

    def __call__(self, outcome: Rotation) -> AuditEvent | None:
        """A `Note`; every refresh asks for one, so the usual outcome comes first."""
        if isinstance(outcome, Rotated):
            return None
        if isinstance(outcome, Replayed):
            return of_session(Deed.REFRESH_REPLAYED, outcome.session, self._now, self._occasion)
        if isinstance(outcome, Reused):
            return of_session(Deed.REFRESH_TOKEN_REUSED, outcome.session, self._now, self._occasion)
        return None


def of_redemption(client_id: str, grant: str, now: datetime, occasion: Occasion) -> Note[object]:
    """That a code was traded for a session, or came back after that."""

    def note(outcome: object) -> AuditEvent | None:
        if isinstance(outcome, Redeemed):
            return replace(of_session(Deed.SIGN_IN, outcome.session, now, occasion), detail=grant)
        if isinstance(outcome, CodeReused):
            event = AuditEvent(Deed.CODE_REUSED, now, occasion, session=outcome.session, client_id=client_id)
            return replace(event, detail=grant)
        return None

    return note
