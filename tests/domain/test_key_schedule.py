"""When server keys change. DESIGN §6: next → active → retiring → gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.identifiers import KeyId
from gatepass.domain.key_schedule import LATE, Activate, KeySchedule, Publish, Remove, Step, due, tokens_live
from gatepass.domain.session import SessionLimits
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = SessionLimits()
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
SCHEDULE = KeySchedule(90 * DAY, 2 * HOUR, tokens_live(LIMITS))


def key(state: KeyState, age: timedelta, use: KeyUse = KeyUse.ACCESS, name: str = "") -> SealedKey:
    """A key that has been in its state for so long."""
    return SealedKey(KeyId(name or f"{use}-{state}"), use, Algorithm.ES256, state, b"", "", NOW - age - DAY, NOW - age)


def steps(*keys: SealedKey, schedule: KeySchedule = SCHEDULE) -> list[Step]:
    return list(due(keys, NOW, schedule))


def test_a_young_key_signs_on() -> None:
    assert steps(key(KeyState.ACTIVE, 89 * DAY)) == []


def test_the_next_key_is_published_so_early_that_it_signs_in_time() -> None:
    """Its lead before the active one is too old."""
    assert steps(key(KeyState.ACTIVE, 90 * DAY - 2 * HOUR - SECOND)) == []
    assert steps(key(KeyState.ACTIVE, 90 * DAY - 2 * HOUR)) == [Publish(KeyUse.ACCESS)]


def test_a_next_key_signs_once_it_was_published_for_its_lead_and_no_earlier() -> None:
    """However old the active key is: who verifies elsewhere must have seen it."""
    active = key(KeyState.ACTIVE, 400 * DAY)
    assert steps(active, key(KeyState.NEXT, 2 * HOUR - SECOND)) == []
    following = key(KeyState.NEXT, 2 * HOUR)
    assert steps(active, following) == [Activate(following, active)]


def test_a_next_key_that_somebody_asked_for_signs_after_its_lead() -> None:
    """However young the active key is."""
    active, following = key(KeyState.ACTIVE, DAY), key(KeyState.NEXT, 2 * HOUR)
    assert steps(active, following) == [Activate(following, active)]


def test_a_retiring_access_key_stays_until_its_last_token_has_expired() -> None:
    """An hour, a minute of leeway, and five for late processes."""
    kept = timedelta(hours=1, minutes=1) + LATE
    assert steps(key(KeyState.RETIRING, kept - SECOND)) == []
    old = key(KeyState.RETIRING, kept)
    assert steps(old) == [Remove(old)]


def test_a_retiring_refresh_key_stays_until_the_last_session_has_idled_out() -> None:
    """Rotation signs nobody out; and a spent token may come back within the replay window."""
    kept = LIMITS.idle + LIMITS.replay_window + LATE
    assert steps(key(KeyState.RETIRING, kept - SECOND, KeyUse.REFRESH)) == []
    old = key(KeyState.RETIRING, kept, KeyUse.REFRESH)
    assert steps(old) == [Remove(old)]


def test_each_use_has_its_own_time() -> None:
    access, refresh = key(KeyState.ACTIVE, 90 * DAY), key(KeyState.ACTIVE, DAY, KeyUse.REFRESH)
    assert steps(access, refresh) == [Publish(KeyUse.ACCESS)]


def test_where_age_does_not_count_only_what_was_asked_for_is_done() -> None:
    """`key_max_age_seconds = 0`."""
    by_hand = replace(SCHEDULE, max_age=None)
    active, following = key(KeyState.ACTIVE, 4000 * DAY), key(KeyState.NEXT, 2 * HOUR)
    assert steps(active, schedule=by_hand) == []
    assert steps(active, following, schedule=by_hand) == [Activate(following, active)]


def test_without_an_active_key_nothing_begins() -> None:
    """The first keys are made by a start, not by a timer that looks at an empty store."""
    assert steps() == []
    assert steps(key(KeyState.NEXT, 90 * DAY)) == []


@pytest.mark.parametrize("state", KeyState)
def test_a_clock_that_was_set_back_does_nothing(state: KeyState) -> None:
    """What lies in the future is not due."""
    assert steps(key(KeyState.ACTIVE, DAY), key(state, -DAY, name="x")) == []


@given(st.lists(st.tuples(st.sampled_from(KeyUse), st.integers(1, 200 * 24)), max_size=60))
def test_whatever_happens_when_there_is_one_key_that_signs_and_no_token_is_orphaned(
    turns: list[tuple[KeyUse, int]],
) -> None:
    """A model of the life of the keys: each turn lets hours pass and may ask for a rotation."""
    now = NOW
    keys = {use: key(KeyState.ACTIVE, timedelta(), use, name=f"{use}-0") for use in KeyUse}
    rows, made = list(keys.values()), 0
    last_signed: dict[KeyId, datetime] = {}
    published: dict[KeyId, datetime] = {}
    for use, hours in turns:
        now += timedelta(hours=hours)
        for row in rows:
            if row.state is KeyState.ACTIVE:
                last_signed[row.id] = now
        for step in due(rows, now, SCHEDULE):
            match step:
                case Publish(which):
                    made += 1
                    new = replace(key(KeyState.NEXT, timedelta(), which, f"k{made}"), created_at=now, since=now)
                    published[new.id] = now
                    rows.append(new)
                case Activate(following, active):
                    assert now - published[following.id] >= SCHEDULE.lead
                    moved = {following.id: KeyState.ACTIVE, active.id: KeyState.RETIRING}
                    rows = [replace(r, state=moved[r.id], since=now) if r.id in moved else r for r in rows]
                case Remove(gone):
                    assert gone.state is KeyState.RETIRING
                    assert now - last_signed[gone.id] >= SCHEDULE.tokens_live[gone.use]
                    rows.remove(gone)
        assert sorted(r.use for r in rows if r.state is KeyState.ACTIVE) == sorted(KeyUse)
        assert sum(r.state is KeyState.NEXT and r.use is use for r in rows) <= 1
