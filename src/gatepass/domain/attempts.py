"""
How often a password may be guessed: two kinds of counters, and what an attempt may draw on.

An attempt is counted before it is made, so that many at once cannot slip by, and uncounted where it turns out to be no
failure. Whoever signed in to an account before has a lane of their own there: strangers who guess at the account make
strangers wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

Outcome = TypeVar("Outcome")

NO_WAIT: Final = timedelta()
_MOST_DOUBLINGS: Final = 20


@dataclass(frozen=True, slots=True)
class CounterKey:
    """
    What is counted.

    `owner` is the pseudonym of an account's name, empty where no account is meant; `subject` is what an operator may
    see of it: a network, a session. Names are not kept: people type passwords into the wrong field.
    """

    kind: str
    owner: bytes = b""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Counter:
    """
    A counter as it is kept, until `forget_at`.

    `failures` is 0 for rates. `at` is when the last failure was, or when a rate owes nothing any more.
    """

    failures: int
    at: datetime
    forget_at: datetime


@dataclass(frozen=True, slots=True)
class Decision(Generic[Outcome]):
    """What a rule makes of the counters as they stand. A counter that becomes None is deleted."""

    outcome: Outcome
    counters: Mapping[CounterKey, Counter | None]


@dataclass(frozen=True, slots=True)
class Delays:
    """
    So many failures are free; after that each one doubles the time until the next attempt, up to `longest`.

    Failures are forgotten when none came for `memory`. An attempt that comes too early changes nothing, so nobody can
    prolong a delay by hammering.
    """

    free: int
    first: timedelta
    longest: timedelta
    memory: timedelta

    def after(self, failures: int) -> timedelta:
        """How long to wait after that many failures."""
        if failures < self.free:
            return NO_WAIT
        doublings: int = 2 ** min(failures - self.free, _MOST_DOUBLINGS)
        return min(self.first * doublings, self.longest)

    def wait(self, counter: Counter | None, now: datetime) -> timedelta:
        """How long until an attempt may be made; never longer than `longest`, also where a clock was set back."""
        if counter is None or counter.forget_at <= now:
            return NO_WAIT
        delay = self.after(counter.failures)
        return min(max(counter.at + delay - now, NO_WAIT), delay)

    def counted(self, counter: Counter | None, now: datetime) -> Counter:
        """With one more failure."""
        failures = counter.failures if counter is not None and counter.forget_at > now else 0
        return Counter(failures + 1, now, now + self.memory)

    def uncounted(self, counter: Counter | None) -> Counter | None:
        """With one failure less."""
        if counter is None or counter.failures <= 1:
            return None
        return replace(counter, failures=counter.failures - 1)


@dataclass(frozen=True, slots=True)
class Rate:
    """
    So many attempts at once, each of which comes back after `within / attempts`.

    Kept as one moment, the one at which nothing is owed any more (a leaky bucket, as GCRA has it).
    """

    attempts: int
    within: timedelta

    def wait(self, counter: Counter | None, now: datetime, reserved: float = 0.0) -> timedelta:
        """
        How long until an attempt may be made.

        Args:
            reserved: the share that is kept for others.
        """
        if counter is None:
            return NO_WAIT
        owed = min(counter.at - now, self.within)
        return max(owed + self._each - self.within * (1 - reserved), NO_WAIT)

    def counted(self, counter: Counter | None, now: datetime) -> Counter:
        """With one more attempt; what is owed never passes what there is."""
        begin = now if counter is None else max(counter.at, now)
        at = min(begin + self._each, now + self.within)
        return Counter(0, at, at)

    def uncounted(self, counter: Counter | None, now: datetime) -> Counter | None:
        """With one attempt less."""
        if counter is None or counter.at - self._each <= now:
            return None
        at = counter.at - self._each
        return Counter(0, at, at)

    @property
    def _each(self) -> timedelta:
        return self.within / self.attempts


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """
    All numbers that guessing meets.

    `reserve` is the share of the overall rate that only known clients may use; a client is known for `known_for` after
    it signed in.
    """

    delays: Delays
    network: Rate
    overall: Rate
    reserve: float
    known_for: timedelta


@dataclass(frozen=True, slots=True)
class Taken:
    """The attempt may be made; these counters count it."""

    lane: CounterKey
    network: CounterKey
    is_known: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """
    It may not be made before that long; nothing was counted.

    With `may_settle` a known client is held up by as many attempts as are free, the last of them a moment ago: some may
    be under way, and turn out right.
    `first_of` is the counter that holds it up, where this is the first that it refuses within a window.
    """

    seconds: timedelta
    may_settle: bool = False
    first_of: CounterKey | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A counter that lets nothing through for `seconds`; its refusals are noted once within `window`."""

    counter: CounterKey
    seconds: timedelta
    window: timedelta

    def refused(self, standing: Standing, now: datetime) -> tuple[Wait, Mapping[CounterKey, Counter]]:
        """
        To wait, and the mark that the first leaves who is told so: one entry of the audit log stands for a flood.

        Only full counters leave one, and to fill one takes attempts that counted: there are not more marks than those.
        """
        mark = mark_of_refusals(self.counter)
        noted = standing.get(mark)
        if noted is not None and noted.at <= now < noted.forget_at:
            return Wait(self.seconds), {}
        return Wait(self.seconds, first_of=self.counter), {mark: Counter(0, now, now + self.window)}


def mark_of_refusals(counter: CounterKey) -> CounterKey:
    """There while it is known that this counter refuses."""
    return CounterKey(REFUSALS, counter.owner, f"{counter.kind}:{counter.subject}")


KNOWN_NETWORK: Final = "known_network"
REFUSALS: Final = "refusals"
MARKS: Final = frozenset({KNOWN_NETWORK, REFUSALS})
"""Kinds that count nothing: that they are there says something."""
LANES: Final = frozenset({"account", "account_network", "device"})
NETWORKS: Final = frozenset({"network", "known_in_network"})
OVERALL: Final = CounterKey("overall")
Standing = Mapping[CounterKey, Counter]
"""The counters that there are, of those that were asked for."""


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """
    One attempt to sign in.

    `owner` is the pseudonym of the name that was given, whether or not there is such an account; `network` comes from
    `gatepass.domain.network`; `device` is the session of a device hint that was found good for this account.
    """

    owner: bytes
    network: str
    device: str | None

    @property
    def mark(self) -> CounterKey:
        """There while this network is known to the account."""
        return CounterKey(KNOWN_NETWORK, self.owner, self.network)

    @property
    def keys(self) -> tuple[CounterKey, ...]:
        """Every counter that `take` may look at."""
        lanes = {self._lane(is_known=True), self._lane(is_known=False)}
        networks = (self._network(is_known=True), self._network(is_known=False))
        counters = (*lanes, *networks, OVERALL)
        return (*counters, *map(mark_of_refusals, counters), self.mark)

    def taken_keys(self, taken: Taken) -> tuple[CounterKey, ...]:
        """Every counter that `settle` and `give_back` may look at: not those that only a refusal needs."""
        return (taken.lane, taken.network, OVERALL, self.mark)

    def take(
        self, standing: Standing, limits: AttemptLimits, now: datetime, *, settling: timedelta = NO_WAIT
    ) -> Decision[Taken | Wait]:
        """
        Count the attempt, or say how long to wait.

        Args:
            settling: how long an attempt that was counted may still turn out right.

        A known device is not held up by its network's rate: somebody else there may have used it up. A client that is
        only known by its network shares a rate with the others known there.
        """
        mark = standing.get(self.mark)
        is_known = self.device is not None or (mark is not None and mark.forget_at > now)
        lane, network = self._lane(is_known=is_known), self._network(is_known=is_known)
        delay = limits.delays.wait(standing.get(lane), now)
        overall = limits.overall.wait(standing.get(OVERALL), now, 0.0 if is_known else limits.reserve)
        rate = limits.network.wait(standing.get(network), now) if self.device is None else NO_WAIT
        held = max(
            Hold(lane, delay, delay),
            Hold(OVERALL, overall, limits.overall.within),
            Hold(network, rate, limits.network.within),
            key=lambda hold: hold.seconds,
        )
        if held.seconds > NO_WAIT:
            is_by_delay_alone = max(overall, rate) == NO_WAIT
            if is_known and is_by_delay_alone and _may_settle(standing[lane], limits.delays, now, settling):
                return Decision(Wait(delay, may_settle=True), {})
            wait, marked = held.refused(standing, now)
            return Decision(wait, marked)
        counted = {
            lane: limits.delays.counted(standing.get(lane), now),
            network: limits.network.counted(standing.get(network), now),
            OVERALL: limits.overall.counted(standing.get(OVERALL), now),
        }
        return Decision(Taken(lane, network, is_known), counted)

    def give_back(self, taken: Taken, standing: Standing, limits: AttemptLimits, now: datetime) -> Decision[None]:
        """Uncount it: it was no failure. What others have failed at stays counted."""
        uncounted = {
            taken.lane: limits.delays.uncounted(standing.get(taken.lane)),
            taken.network: limits.network.uncounted(standing.get(taken.network), now),
            OVERALL: limits.overall.uncounted(standing.get(OVERALL), now),
        }
        return Decision(None, uncounted)

    def settle(self, taken: Taken, standing: Standing, limits: AttemptLimits, now: datetime) -> Decision[None]:
        """
        Uncount it after a success, and know the client from now on.

        A known client's own failures are forgiven, since it has shown who it is. Those of strangers are not: an owner
        who signs in now and then must not renew an attacker's free guesses. (NIST SP 800-63B-4 §3.2.2.)
        """
        changed = dict(self.give_back(taken, standing, limits, now).counters)
        if taken.is_known:
            changed[taken.lane] = None
        mark = standing.get(self.mark)
        if mark is None or mark.at < now - limits.known_for / _RENEWALS_OF_A_MARK:
            changed[self.mark] = Counter(0, now, now + limits.known_for)
        return Decision(None, changed)

    def _lane(self, *, is_known: bool) -> CounterKey:
        if self.device is not None:
            return CounterKey("device", self.owner, self.device)
        return (
            CounterKey("account_network", self.owner, self.network) if is_known else CounterKey("account", self.owner)
        )

    def _network(self, *, is_known: bool) -> CounterKey:
        return CounterKey("known_in_network" if is_known else "network", b"", self.network)


def _may_settle(lane: Counter, delays: Delays, now: datetime, settling: timedelta) -> bool:
    return lane.failures == delays.free and now - lane.at < settling


_RENEWALS_OF_A_MARK: Final = 100
"""A mark is renewed when a hundredth of its time is over: not at every sign-in."""
