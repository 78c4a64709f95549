"""When server keys change: next → active → retiring → gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY
from gatepass.domain.session import SessionLimits
from gatepass.domain.signing_key import KeyState, KeyUse, SealedKey

LATE: Final = timedelta(minutes=5)
"""For clocks that differ, and for a process that signs a moment longer than the store says."""


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """
    How long a key stays in each state.

    Args:
        max_age: how long it signs; None: until somebody asks for another one.
        lead: how long it is published before it signs.
        tokens_live: by use, how long after its last token that token may still come.
    """

    max_age: timedelta | None
    lead: timedelta
    tokens_live: Mapping[KeyUse, timedelta]

    def signs_from(self, key: SealedKey) -> datetime:
        """When a next key becomes the active one."""
        return key.since + self.lead

    def replaced_from(self, key: SealedKey) -> datetime | None:
        """When an active key has signed for long enough; None: whenever somebody asks."""
        return None if self.max_age is None else key.since + self.max_age

    def over_from(self, key: SealedKey) -> datetime:
        """When the last token of a retiring key has expired."""
        return key.since + self.tokens_live[key.use] + LATE


@dataclass(frozen=True, slots=True)
class Publish:
    """Make a next key for this use."""

    use: KeyUse


@dataclass(frozen=True, slots=True)
class Activate:
    """Let `next` sign; `active` begins to retire."""

    next: SealedKey
    active: SealedKey


@dataclass(frozen=True, slots=True)
class Remove:
    """Give a key up that nothing needs any more."""

    key: SealedKey


Step = Publish | Activate | Remove


def tokens_live(limits: SessionLimits) -> Mapping[KeyUse, timedelta]:
    """
    How long tokens outlive the key that made them.

    Access tokens count by the longest life that there is, since the setting may have been longer when they were made.
    A refresh token lives until its session idles out, and a spent one may come back within the replay window.
    """
    return {KeyUse.ACCESS: MAX_ACCESS_TTL + MAX_LEEWAY, KeyUse.REFRESH: limits.idle + limits.replay_window}


def due(keys: Sequence[SealedKey], now: datetime, schedule: KeySchedule) -> Iterator[Step]:
    """What is to be done now. A use without an active key is left alone: only a start makes first keys."""
    for use in KeyUse:
        active = in_state(keys, use, KeyState.ACTIVE)
        following = in_state(keys, use, KeyState.NEXT)
        if active is not None and following is None and _needs_next(active, now, schedule):
            yield Publish(use)
        if active is not None and following is not None and now >= schedule.signs_from(following):
            yield Activate(following, active)
    for key in keys:
        if key.state is KeyState.RETIRING and now >= schedule.over_from(key):
            yield Remove(key)


def in_state(keys: Sequence[SealedKey], use: KeyUse, state: KeyState) -> SealedKey | None:
    """The key of a use in a state that only one can have, next or active."""
    return next((key for key in keys if key.use is use and key.state is state), None)


def _needs_next(active: SealedKey, now: datetime, schedule: KeySchedule) -> bool:
    """Published so early that it may sign when the active key's time is over."""
    ends_at = schedule.replaced_from(active)
    return ends_at is not None and now >= ends_at - schedule.lead
