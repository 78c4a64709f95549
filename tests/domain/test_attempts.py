"""The rules of counting, alone: delays, rates, and which of them an attempt draws on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.attempts import (
    MARKS,
    NO_WAIT,
    OVERALL,
    AttemptLimits,
    Counter,
    CounterKey,
    Delays,
    Rate,
    SignInAttempt,
    Taken,
    Wait,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
DELAYS = Delays(free=5, first=SECOND, longest=15 * MINUTE, memory=DAY)
RATE = Rate(100, 10 * MINUTE)
LIMITS = AttemptLimits(DELAYS, RATE, Rate(600, MINUTE), reserve=0.2, known_for=90 * DAY)
OWNER = b"o" * 16


def failed(times: int, at: datetime = NOON, delays: Delays = DELAYS) -> Counter | None:
    counter: Counter | None = None
    for _ in range(times):
        counter = delays.counted(counter, at)
    return counter


def test_five_failures_are_free_and_then_each_doubles_the_delay_up_to_a_quarter_of_an_hour() -> None:
    waits = [DELAYS.wait(failed(times), NOON).total_seconds() for times in range(18)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_a_delay_counts_from_the_last_failure() -> None:
    assert DELAYS.wait(failed(8), NOON + 3 * SECOND) == 5 * SECOND
    assert DELAYS.wait(failed(8), NOON + 8 * SECOND) == NO_WAIT


def test_failures_are_forgotten_when_none_came_for_a_day() -> None:
    counter = failed(12)
    assert DELAYS.counted(counter, NOON + DAY - SECOND).failures == 13
    assert DELAYS.counted(counter, NOON + DAY).failures == 1


@pytest.mark.parametrize("failures", [5, 15, 10_000])
def test_a_clock_that_was_set_back_holds_nobody_longer_than_the_delay(failures: int) -> None:
    counter = Counter(failures, NOON + 30 * DAY, NOON + 31 * DAY)
    assert DELAYS.wait(counter, NOON) == DELAYS.after(failures) <= 15 * MINUTE


def test_a_rate_lets_all_of_it_through_at_once_and_then_one_after_another() -> None:
    counter: Counter | None = None
    for _ in range(100):
        assert RATE.wait(counter, NOON) == NO_WAIT
        counter = RATE.counted(counter, NOON)
    assert RATE.wait(counter, NOON) == 6 * SECOND
    assert RATE.wait(counter, NOON + 6 * SECOND) == NO_WAIT
    assert RATE.wait(RATE.counted(counter, NOON + 6 * SECOND), NOON + 6 * SECOND) == 6 * SECOND


def test_a_rate_whose_clock_was_set_back_waits_no_longer_than_its_time() -> None:
    assert RATE.wait(Counter(0, NOON + DAY, NOON + DAY), NOON) <= RATE.within + 6 * SECOND


@given(st.integers(1, 300), st.integers(0, 300))
def test_what_is_given_back_was_never_taken(taken: int, more: int) -> None:
    """As long as there is room: above it nothing is owed that could be given back."""
    rate = Rate(1000, 10 * MINUTE)
    counter: Counter | None = None
    for _ in range(taken):
        counter = rate.counted(counter, NOON)
    after = counter
    for _ in range(more):
        after = rate.counted(after, NOON)
    for _ in range(more):
        after = rate.uncounted(after, NOON)
    assert after == counter


@given(st.integers(0, 40))
def test_a_failure_that_is_uncounted_leaves_the_others(failures: int) -> None:
    after = DELAYS.uncounted(DELAYS.counted(failed(failures), NOON))
    assert (after.failures if after else 0) == failures


class Attacked:
    """Counters in a dictionary, and attempts on them."""

    def __init__(self) -> None:
        self.standing: dict[CounterKey, Counter] = {}

    def tries(self, attempt: SignInAttempt, now: datetime = NOON) -> Taken | Wait:
        decision = attempt.take(self.standing, LIMITS, now)
        self._write(decision.counters)
        return decision.outcome

    def succeeds(self, attempt: SignInAttempt, now: datetime = NOON) -> None:
        taken = self.tries(attempt, now)
        assert isinstance(taken, Taken)
        self._write(attempt.settle(taken, self.standing, LIMITS, now).counters)

    def fails(self, attempt: SignInAttempt, times: int) -> None:
        for _ in range(times):
            assert isinstance(self.tries(attempt), Taken)

    def counting(self) -> dict[CounterKey, Counter]:
        """What counts, and is no mark."""
        return {key: counter for key, counter in self.standing.items() if key.kind not in MARKS}

    def _write(self, counters: Mapping[CounterKey, Counter | None]) -> None:
        for key, counter in counters.items():
            if counter is None:
                self.standing.pop(key, None)
            else:
                self.standing[key] = counter


def at(network: str, device: str | None = None, owner: bytes = OWNER) -> SignInAttempt:
    return SignInAttempt(owner, network, device)


def wait_of(outcome: Taken | Wait) -> timedelta:
    """How long somebody has to wait who may not try."""
    assert isinstance(outcome, Wait)
    return outcome.seconds


def test_strangers_of_all_networks_share_one_lane() -> None:
    attacked = Attacked()
    for number in range(5):
        assert isinstance(attacked.tries(at(f"192.0.2.{number}")), Taken)
    assert wait_of(attacked.tries(at("198.51.100.1"))) == SECOND


def test_a_network_from_which_the_account_signed_in_has_a_lane_of_its_own() -> None:
    attacked = Attacked()
    attacked.succeeds(at("192.0.2.1"))
    attacked.fails(at("203.0.113.9"), 5)
    assert isinstance(attacked.tries(at("203.0.113.9")), Wait)
    attacked.succeeds(at("192.0.2.1"))
    assert isinstance(attacked.tries(at("192.0.2.1"), NOON + 91 * DAY), Taken)


def test_a_device_has_a_lane_of_its_own_even_where_its_network_has_used_up_its_rate() -> None:
    attacked = Attacked()
    for number in range(100):
        assert isinstance(attacked.tries(at("192.0.2.1", owner=number.to_bytes(16))), Taken)
    assert wait_of(attacked.tries(at("192.0.2.1"))) == 6 * SECOND
    attacked.succeeds(at("192.0.2.1", device="session-1"))


def test_a_success_does_not_renew_the_strangers_free_guesses() -> None:
    attacked = Attacked()
    attacked.fails(at("203.0.113.9"), 4)
    attacked.succeeds(at("192.0.2.1"))
    attacked.fails(at("203.0.113.9"), 1)
    assert wait_of(attacked.tries(at("203.0.113.9"))) == SECOND


def test_a_known_client_is_forgiven_its_own_failures() -> None:
    attacked = Attacked()
    attacked.fails(at("192.0.2.1", device="session-1"), 4)
    attacked.succeeds(at("192.0.2.1", device="session-1"))
    attacked.fails(at("192.0.2.1", device="session-1"), 5)


def test_a_success_of_ones_own_does_not_renew_the_networks_rate() -> None:
    """The classic way around: signing in to an account of one's own between two guesses."""
    attacked = Attacked()
    for number in range(100):
        assert isinstance(attacked.tries(at("192.0.2.1", owner=number.to_bytes(16))), Taken)
        if number % 3 == 0 and number < 90:
            attacked.succeeds(at("192.0.2.1", owner=b"attacker's own "))
    assert isinstance(attacked.tries(at("192.0.2.1", owner=b"next")), Wait)


def test_known_clients_have_a_share_of_the_overall_rate_that_nobody_else_can_use() -> None:
    attacked = Attacked()
    let_through = sum(
        isinstance(attacked.tries(at(f"10.0.{number // 50}.1", owner=number.to_bytes(16))), Taken)
        for number in range(600)
    )
    assert let_through == 480
    attacked.fails(at("192.0.2.1", device="session-1"), 5)


def test_an_attempt_that_has_to_wait_is_not_counted() -> None:
    """So nobody can prolong a delay by hammering."""
    attacked = Attacked()
    attacked.fails(at("203.0.113.9"), 5)
    before = attacked.counting()
    for _ in range(100):
        assert isinstance(attacked.tries(at("203.0.113.9")), Wait)
    assert attacked.counting() == before
    assert attacked.standing[OVERALL].at == NOON + 5 * MINUTE / 600


def first_of(outcome: Taken | Wait) -> str | None:
    """The kind of the counter whose first refusal within its window this is."""
    assert isinstance(outcome, Wait)
    return outcome.first_of.kind if outcome.first_of is not None else None


def test_the_first_refusal_after_each_failure_is_told_from_the_others() -> None:
    attacked = Attacked()
    attacked.fails(at("203.0.113.9"), 5)
    assert [first_of(attacked.tries(at(f"203.0.113.{number}"))) for number in range(3)] == ["account", None, None]
    later = NOON + 2 * SECOND
    assert isinstance(attacked.tries(at("203.0.113.9"), later), Taken)
    assert [first_of(attacked.tries(at("203.0.113.9"), later)) for _ in range(3)] == ["account", None, None]


def test_names_that_are_invented_leave_no_more_marks_of_refusals_than_attempts_that_counted() -> None:
    """One of a network stands for however many names; a name alone leaves none before its own counter is full."""
    attacked = Attacked()
    outcomes = [attacked.tries(at("203.0.113.9", owner=number.to_bytes(16))) for number in range(5000)]
    assert [first_of(each) for each in outcomes if isinstance(each, Wait)] == ["network"] + [None] * 4899
    assert len([key for key in attacked.standing if key.kind in MARKS]) == 1


def test_a_mark_from_a_time_that_the_clock_was_set_back_from_hides_nothing() -> None:
    attacked = Attacked()
    attacked.fails(at("203.0.113.9"), 5)
    assert first_of(attacked.tries(at("203.0.113.9"))) == "account"
    assert first_of(attacked.tries(at("203.0.113.9"), NOON - DAY)) is not None


def test_an_attempt_that_may_still_be_made_leaves_no_mark() -> None:
    """What a known client has under way may turn out right; what was counted longer ago has failed."""
    attacked, known = Attacked(), at("203.0.113.9", device="session-1")
    attacked.fails(known, 5)
    decided = known.take(attacked.standing, LIMITS, NOON, settling=SECOND / 2)
    assert decided.outcome == Wait(SECOND, may_settle=True)
    assert decided.counters == {}
    later = known.take(attacked.standing, LIMITS, NOON + SECOND / 2, settling=SECOND / 2)
    assert later.outcome == Wait(SECOND / 2, first_of=CounterKey("device", OWNER, "session-1"))


def test_strangers_are_refused_at_once() -> None:
    attacked = Attacked()
    attacked.fails(at("203.0.113.9"), 5)
    decided = at("203.0.113.9").take(attacked.standing, LIMITS, NOON, settling=SECOND / 2)
    assert decided.outcome == Wait(SECOND, first_of=CounterKey("account", OWNER))
