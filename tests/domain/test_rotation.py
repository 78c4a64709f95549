"""The rule of refresh-token rotation, alone. RFC 9700 §4.14.2, DESIGN §6."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import MAX_GENERATION, AccountId, Generation, SessionId
from gatepass.domain.rotation import Verdict, is_over, judge
from gatepass.domain.session import Session, SessionLimits

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMITS = SessionLimits()
STRICT = SessionLimits(replay_window=timedelta(0))
ANA = Account(AccountId(uuid.UUID(int=1)), EmailAddress("ana@example.org"), (), NOON)
SESSION = Session(
    id=SessionId(uuid.UUID(int=2)),
    account=ANA,
    client_id="gatepass",
    salt=b"s" * 16,
    generation=Generation(5),
    opened_at=NOON - timedelta(days=1),
    rotated_at=NOON,
    ends_at=NOON + timedelta(days=89),
)


def verdict(presented: int, after: timedelta, session: Session = SESSION, limits: SessionLimits = LIMITS) -> Verdict:
    return judge(session, Generation(presented), NOON + after, limits)


def test_the_current_generation_rotates() -> None:
    """`g = G`."""
    assert verdict(5, SECOND) is Verdict.ROTATE


def test_the_generation_before_gets_its_successor_again_within_the_window() -> None:
    """A lost reply, a double click or two tabs sign nobody out; the window's last moment belongs to it."""
    assert verdict(4, SECOND) is Verdict.REPLAY
    assert verdict(4, timedelta(seconds=60)) is Verdict.REPLAY


def test_the_generation_before_is_reuse_outside_of_the_window() -> None:
    """A spent token came back."""
    assert verdict(4, timedelta(seconds=60, microseconds=1)) is Verdict.REUSE


def test_two_generations_before_is_reuse_even_at_once() -> None:
    """Its successor was used already, so somebody else has it."""
    assert verdict(3, timedelta(0)) is Verdict.REUSE


def test_a_window_of_zero_never_replays() -> None:
    """Strict: not even in the same instant."""
    assert verdict(4, timedelta(0), limits=STRICT) is Verdict.REUSE


def test_a_generation_that_was_never_issued_is_refused_and_ends_nothing() -> None:
    """A store restored from a backup is behind its tokens; that is no theft."""
    assert verdict(6, SECOND) is Verdict.REFUSE


def test_the_last_generation_does_not_rotate() -> None:
    """Four bytes hold no more; the session ends at its absolute end long before."""
    last = dataclasses.replace(SESSION, generation=Generation(MAX_GENERATION))
    assert verdict(MAX_GENERATION, SECOND, last) is Verdict.REFUSE


def test_a_clock_that_jumped_back_counts_as_no_time_passed() -> None:
    """Neither reuse nor an end."""
    assert verdict(5, -timedelta(hours=2)) is Verdict.ROTATE
    assert verdict(4, -timedelta(hours=2)) is Verdict.REPLAY


@pytest.mark.parametrize("presented", [0, 3, 4, 5, 6])
@pytest.mark.parametrize(
    ("over", "after"),
    [
        pytest.param(dataclasses.replace(SESSION, revoked_at=NOON), SECOND, id="revoked"),
        pytest.param(
            dataclasses.replace(SESSION, account=dataclasses.replace(ANA, disabled_at=NOON)), SECOND, id="disabled"
        ),
        pytest.param(SESSION, timedelta(days=14), id="idle for 14 days"),
        pytest.param(dataclasses.replace(SESSION, ends_at=NOON + SECOND), SECOND, id="at its absolute end"),
    ],
)
def test_a_session_that_is_over_refuses_every_token_and_is_not_written(
    presented: int, over: Session, after: timedelta
) -> None:
    """Not even reuse is found in it: there is nothing left to revoke."""
    assert is_over(over, NOON + after, LIMITS)
    assert verdict(presented, after, over) is Verdict.REFUSE


def test_a_session_lives_until_the_moment_of_its_end() -> None:
    """Idle and absolute ends are exclusive."""
    assert not is_over(SESSION, NOON + timedelta(days=14) - SECOND, LIMITS)
    assert not is_over(dataclasses.replace(SESSION, ends_at=NOON + SECOND), NOON, LIMITS)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(-100, 200))
def test_only_one_generation_ever_moves_a_session_on(generation: int, presented: int, seconds: int) -> None:
    """No branch: whatever the time, one generation rotates, at most one replays, and none does both."""
    session = dataclasses.replace(SESSION, generation=Generation(generation))
    found = verdict(presented, timedelta(seconds=seconds), session)
    assert (found is Verdict.ROTATE) == (presented == generation)
    assert found is not Verdict.REPLAY or presented == generation - 1
    assert (found is Verdict.REFUSE) == (presented > generation)
