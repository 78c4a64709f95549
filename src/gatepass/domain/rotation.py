"""The rule of refresh-token rotation. It alone decides; stores only apply what it says, atomically."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto

from gatepass.domain.identifiers import MAX_GENERATION, Generation
from gatepass.domain.session import Session, SessionLimits


class Verdict(Enum):
    """What to do with a presented refresh token whose MAC is right."""

    ROTATE = auto()
    """Move the session to the next generation."""
    REPLAY = auto()
    """Answer with the current generation again; write nothing."""
    REUSE = auto()
    """A spent token came back: revoke the session."""
    REFUSE = auto()
    """Unknown, revoked or expired; write nothing."""


Judge = Callable[[Session], Verdict]


def judge(session: Session, presented: Generation, now: datetime, limits: SessionLimits) -> Verdict:
    """
    Decide what a refresh token of generation `presented` may do to `session`.

    A token one generation back is replayed within the window: that the stored generation is exactly one ahead
    means that the successor was not used yet, so a lost reply or two tabs sign nobody out and no branch exists.
    A clock that jumped back counts as no time passed.

    Source: RFC 9700 §4.14.2.
    """
    if is_over(session, now, limits) or presented > session.generation:
        return Verdict.REFUSE
    if presented == session.generation:
        return Verdict.ROTATE if presented < MAX_GENERATION else Verdict.REFUSE
    if presented == session.generation - 1 and _within_window(session, now, limits):
        return Verdict.REPLAY
    return Verdict.REUSE


def is_over(session: Session, now: datetime, limits: SessionLimits) -> bool:
    """Whether a session can no longer be refreshed: revoked, its account disabled, idle too long, or at its end."""
    return (
        session.revoked_at is not None
        or not session.account.enabled
        or now >= session.ends_at
        or now - session.rotated_at >= limits.idle
    )


def _within_window(session: Session, now: datetime, limits: SessionLimits) -> bool:
    return bool(limits.replay_window) and now - session.rotated_at <= limits.replay_window
