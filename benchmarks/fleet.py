"""
What a thousand replicas cost, and whether all of them hear in time: the arithmetic of the scaling page, simulated.

The replicas are the real `RevokedSessions` and the real key schedule; clock, store and network are simulated, with a
seed, so that every run gives the same figures. Nothing here measures this machine.
"""

from __future__ import annotations

import heapq
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from benchmarks.harness.figures import Figure
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.report import Goal, Report
from gatepass.domain.identifiers import KeyId, SessionId
from gatepass.domain.key_schedule import Activate, KeySchedule, Publish, due, tokens_live
from gatepass.domain.session import SessionLimits
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.usecases.ports import Revocation, RevocationPage
from gatepass.usecases.revoked_sessions import RevokedSessions

REPLICAS, REVOCATIONS_A_SECOND, SECONDS = 1000, 20, 6.0
POLL_SECONDS, REACH_SECONDS = 0.25, 1.0
ACCESS_TTL = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
LEADS_MINUTES = (2, 5, 10, 16, 60, 120)
VERIFIERS, LOST_POLLS, ROTATIONS = 1000, 0.05, 10
JWKS_MAX_AGE_SECONDS = 300.0


def main(pace: Pace = FULL) -> Report:
    """Simulate, report."""
    replicas = max(int(REPLICAS * pace.share), 50)
    polled, notified = _feed(replicas, notifies=False), _feed(replicas, notifies=True)
    refused = {minutes: _refused_tokens(timedelta(minutes=minutes)) for minutes in LEADS_MINUTES}
    polls_a_second = polled.polls / (SECONDS + 2 * POLL_SECONDS)
    return Report(
        name="fleet",
        title="A thousand replicas on one store",
        setting=(
            f"{replicas:,} replicas, {REVOCATIONS_A_SECOND} revocations a second for {SECONDS:g} s, a poll each "
            f"{POLL_SECONDS:g} s; the store answers after 2 ms in the median and 20 ms in one of a hundred cases. With "
            "NOTIFY each replica is told as well, but one of a hundred has lost the connection for that. Keys: "
            f"{ROTATIONS} rotations, {VERIFIERS:,} verifiers of others that fetch the JWKS every 1 to 10 minutes "
            f"through a cache of {JWKS_MAX_AGE_SECONDS:.0f} s and lose one of twenty fetches. Simulated."
        ),
        columns=("", "value"),
        rows=[
            ("last replica knows, poll alone: median s", f"{statistics.median(polled.last):.3f}"),
            ("last replica knows, poll alone: worst s", f"{max(polled.last):.3f}"),
            ("some replica knows, NOTIFY and poll: median s", f"{statistics.median(notified.first):.4f}"),
            ("last replica knows, NOTIFY and poll: worst s", f"{max(notified.last):.3f}"),
            ("polls a second at the store", f"{polls_a_second:,.0f}"),
            ("rows a second from the store", f"{polled.rows / SECONDS:,.0f}"),
            ("bytes of a process for each revoked session", f"{_bytes_an_entry():.0f}"),
            *((f"tokens refused elsewhere, next key published {m} min ahead", f"{n:,}") for m, n in refused.items()),
        ],
        goals=[
            Goal("worst of all replicas, poll alone", _figure(polled.last), REACH_SECONDS, at_most=True, unit=" s"),
            Goal(
                "polls a second against replicas ÷ poll",
                _one(polls_a_second * POLL_SECONDS / replicas),
                1.05,
                at_most=True,
            ),
            Goal("tokens refused with the default lead", _one(refused[120]), 0, at_most=True),
        ],
        bars=[
            Bar("median of the last replica, poll alone", statistics.median(polled.last) * 1000),
            Bar("worst of the last replica, poll alone", max(polled.last) * 1000),
            Bar("median of the first replica, NOTIFY", statistics.median(notified.first) * 1000),
        ],
        mark=Mark("1 second", 1000 * REACH_SECONDS),
        unit=" ms",
    )


def _figure(values: Sequence[float]) -> Figure:
    """The worst one counts."""
    return Figure(max(values), min(values), max(values))


def _one(value: float) -> Figure:
    return Figure(value, value, value)


# -- the revocation feed ----------------------------------------------------------------------------------------------


@dataclass
class _Store:
    """A feed by cursor, as the real ones: what was revoked at a moment is there from that moment on."""

    revoked: list[tuple[datetime, SessionId]] = field(default_factory=list)
    polls: int = 0
    rows: int = 0
    now: datetime = START

    async def since(self, cursor: int, now: datetime) -> RevocationPage:
        """See `gatepass.usecases.ports.RevocationFeed`."""
        until = now + ACCESS_TTL
        found = [Revocation(session, until) for moment, session in self.revoked[cursor:] if moment <= self.now]
        self.polls += 1
        self.rows += len(found)
        return RevocationPage(found, cursor + len(found))

    async def news(self, at_most: float) -> None:
        """Not asked here: when a replica hears of news is simulated."""


@dataclass(frozen=True)
class _Heard:
    """For each revocation, after how many seconds the first and the last replica knew; and what it cost the store."""

    first: list[float]
    last: list[float]
    polls: int
    rows: int


def _feed(replicas: int, *, notifies: bool) -> _Heard:
    chance, store = random.Random(1), _Store()
    store.revoked = [(START + timedelta(seconds=at), SessionId(UUID(int=number))) for number, at in _moments(chance)]
    known = [RevokedSessions(store, lambda: store.now, timedelta(seconds=10)) for _ in range(replicas)]
    heard: list[list[float]] = [[] for _ in store.revoked]
    cursors = [0] * replicas
    for at, replica in _asked(chance, store, replicas, notifies=notifies):
        asked_at = START + timedelta(seconds=at)
        store.now = asked_at
        _run(known[replica].refresh())
        knows_at = asked_at + timedelta(seconds=_latency(chance))
        while cursors[replica] < len(heard) and store.revoked[cursors[replica]][0] <= asked_at:
            moment, session = store.revoked[cursors[replica]]
            assert known[replica].contains(session)
            heard[cursors[replica]].append((knows_at - moment).total_seconds())
            cursors[replica] += 1
    whole = [delays for delays in heard if len(delays) == replicas]
    return _Heard([min(delays) for delays in whole], [max(delays) for delays in whole], store.polls, store.rows)


def _moments(chance: random.Random) -> Iterator[tuple[int, float]]:
    """When sessions are revoked: independent of each other."""
    at, number = chance.expovariate(REVOCATIONS_A_SECOND), 0
    while at < SECONDS:
        yield number, at
        at, number = at + chance.expovariate(REVOCATIONS_A_SECOND), number + 1


def _asked(chance: random.Random, store: _Store, replicas: int, *, notifies: bool) -> Iterator[tuple[float, int]]:
    """Who asks the store when, in order: each by its own timer, and where it is told to."""
    asked: list[tuple[float, int]] = []
    for replica in range(replicas):
        at = chance.uniform(0, POLL_SECONDS)
        while at < SECONDS + 2 * POLL_SECONDS:
            asked.append((at, replica))
            # The timer runs again once the answer is there.
            at += POLL_SECONDS + _latency(chance)
        if notifies and chance.random() > 0.01:
            asked += [((moment - START).total_seconds() + _latency(chance), replica) for moment, _ in store.revoked]
    heapq.heapify(asked)
    while asked:
        yield heapq.heappop(asked)


def _latency(chance: random.Random) -> float:
    """Seconds for a question and its answer: 2 ms in the median, 20 ms in one of a hundred cases."""
    return 0.002 * chance.lognormvariate(0.0, 0.99)


def _run(refreshing: object) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        refreshing.send(None)  # type: ignore[attr-defined]  # a coroutine
    except StopIteration:
        return
    raise AssertionError("the simulated store does not wait")


def _bytes_an_entry(entries: int = 100_000) -> float:
    import tracemalloc  # noqa: PLC0415 - slows everything down once it is started

    revoked = RevokedSessions(_ReadOnce(entries), lambda: START, timedelta(seconds=10))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    _run(revoked.refresh())
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / entries


@dataclass(frozen=True)
class _ReadOnce:
    """A feed that makes each value anew, as one that reads rows does."""

    entries: int

    async def since(self, cursor: int, now: datetime) -> RevocationPage:
        """See `gatepass.usecases.ports.RevocationFeed`."""
        made = (
            Revocation(SessionId(UUID(int=number << 64)), now + ACCESS_TTL + timedelta(microseconds=number))
            for number in range(cursor, self.entries)
        )
        return RevocationPage(list(made), self.entries)

    async def news(self, at_most: float) -> None:
        """Not asked here: when a replica hears of news is simulated."""


# -- key rotation -----------------------------------------------------------------------------------------------------


def _refused_tokens(lead: timedelta) -> int:
    """
    How many verifiers meet a key that they do not have when its first token comes, over all rotations.

    Each is sent one token a rotation, at the very moment when the new key begins to sign: the worst there is.
    """
    chance, refused = random.Random(2), 0
    for published, signs_from in _rotations(lead):
        for _ in range(VERIFIERS):
            has_it_at = _fetched(chance, published)
            refused += has_it_at > signs_from
    return refused


def _rotations(lead: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """When each next key is published and begins to sign: the real rule, asked once a minute of simulated time."""
    schedule = KeySchedule(max(timedelta(days=1), 2 * lead), lead, tokens_live(SessionLimits()))
    active = _key(0, KeyState.ACTIVE, START)
    following: SealedKey | None = None
    now, done = START, 0
    while done < ROTATIONS:
        now += timedelta(minutes=1)
        for step in due([key for key in (active, following) if key], now, schedule):
            match step:
                case Publish(KeyUse.ACCESS):
                    following = _key(done + 1, KeyState.NEXT, now)
                case Activate(next=key):
                    yield key.since, now
                    active, following, done = replace(key, state=KeyState.ACTIVE, since=now), None, done + 1
                case _:
                    pass


def _key(number: int, state: KeyState, since: datetime) -> SealedKey:
    return SealedKey(KeyId(str(number)), KeyUse.ACCESS, Algorithm.ES256, state, b"", "", since, since)


def _fetched(chance: random.Random, published: datetime) -> datetime:
    """When a verifier has a key: its first fetch that is not lost, of a copy that the cache took after that moment."""
    period = timedelta(seconds=chance.uniform(60, 600))
    at = published + period * chance.random()
    stale_until = published + timedelta(seconds=chance.uniform(0, JWKS_MAX_AGE_SECONDS))
    while at < stale_until or chance.random() < LOST_POLLS:
        at += period
    return at
