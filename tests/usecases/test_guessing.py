"""Guessing passwords: what an attacker gets within the documented limits, and what the owner keeps."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import uuid
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from gatepass.domain import device_hint
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.attempts import AttemptLimits, CounterKey, Decision, Delays, Standing, Taken, Wait
from gatepass.domain.audit import AuditEvent, Note, Reason
from gatepass.domain.errors import GatepassError, HashingFailed, InvalidCredentials, Overloaded, RateLimited
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret
from gatepass.domain.session import SessionOrigin
from gatepass.settings import Settings
from gatepass.settings.attempts import attempt_limits
from gatepass.telemetry.audit_log import LoggedAudit
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.ports import Counters, StoredCredentials
from gatepass.usecases.sign_in_attempts import SignInAttempts
from tests.kit.counters_in_memory import CountersInMemory, Outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3600
LIMITS = attempt_limits(Settings(secret_key=None))
"""The documented ones: a test compares the page with the defaults."""
KEY = RefreshKey(b"key1", Secret(b"k" * 32))
ANA = Account(AccountId(uuid.UUID(int=1)), EmailAddress("ana@example.org"), (), NOON)
ANA_HOME, ELSEWHERE = "198.51.100.7", "203.0.113.200"
RIGHT = "the right one"


class Accounts:
    """Ana has one; nobody else."""

    async def find(self, email: EmailAddress) -> StoredCredentials | None:
        return StoredCredentials(ANA, Secret(RIGHT)) if email == ANA.email else None


class Passwords:
    """Costs nothing, and remembers what was verified."""

    def __init__(self) -> None:
        self.verified: Tally[bytes] = Tally()
        self.fault: GatepassError | None = None
        self.under_way = self.most_under_way = 0

    async def verify(self, password: Secret[bytes] | None, password_hash: Secret[str] | None) -> bool:
        assert password is not None
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.fault is not None:
            raise self.fault
        self.verified[password.reveal()] += 1
        return password_hash is not None and password.reveal() == password_hash.reveal().encode()

    def can_verify(self, _: Secret[str]) -> bool:
        return True


class CountersSlowToSettle(CountersInMemory):
    """Taking is quick; whatever comes after the password was checked is written late."""

    async def change(
        self,
        keys: Sequence[CounterKey],
        rule: Callable[[Standing], Decision[Outcome]],
        *,
        note: Note[Outcome] | None = None,
        delayed: bool = False,
    ) -> Outcome:
        """Wait, then as ever."""
        if not isinstance(rule(self.kept).outcome, Taken | Wait):
            await asyncio.sleep(0.01)
        return await super().change(keys, rule, note=note, delayed=delayed)


class Trail:
    """Takes what is noted."""

    def __init__(self) -> None:
        self.noted: list[AuditEvent] = []

    async def record(self, event: AuditEvent) -> None:
        self.noted.append(event)


class Keys:
    """One key."""

    def active(self) -> RefreshKey:
        return KEY

    def find(self, key_id: bytes) -> RefreshKey | None:
        return KEY if key_id == KEY.id else None

    async def find_anew(self, key_id: bytes) -> RefreshKey | None:
        return self.find(key_id)


class Place:
    """Ana's service, with a clock that stands until it is moved."""

    def __init__(
        self,
        limits: AttemptLimits = LIMITS,
        *,
        counters: Counters | None = None,
        settling: timedelta = timedelta(),
    ) -> None:
        self.now = NOON
        self.passwords = Passwords()
        self.counters = counters if isinstance(counters, CountersInMemory) else CountersInMemory()
        self.attempts = SignInAttempts(
            counters or self.counters,
            limits,
            lambda: self.now,
            pseudonym=lambda name: hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:16],
            hint_keys=Keys(),
            settling=settling,
        )
        self.trail = Trail()
        self.check = CheckCredentials(
            Accounts(),  # type: ignore[arg-type]
            self.passwords,  # type: ignore[arg-type]
            self.attempts,
            self.trail,  # type: ignore[arg-type]
            lambda: self.now,
            LoggedAudit(),
        )

    async def tries(self, address: str, password: str = "wrong", name: str = ANA.email, hint: str | None = None) -> str:
        """Try a password; what came of it."""
        occasion = Occasion(Door.GRAPHQL, SessionOrigin(address))
        try:
            await self.check(name, Secret(password), occasion, device_hint=hint)
        except RateLimited as refused:
            return f"wait {refused.retry_after_seconds}"
        except InvalidCredentials:
            return "wrong"
        await self.attempts.close()
        return "in"

    def hint(self, account: AccountId = ANA.id, issued_at: datetime = NOON) -> str:
        return device_hint.mint(KEY, account, SessionId(uuid.UUID(int=7)), issued_at).reveal()


def guesses_within(seconds: float, delays: Delays) -> int:
    """How many attempts the documented delays let through at one account in that time, all of them failures."""
    count, at = 0, 0.0
    while at <= seconds:
        count += 1
        at += delays.after(count).total_seconds()
    return count


async def test_a_hundred_thousand_guesses_in_an_hour_get_what_the_limits_say_and_ana_signs_in_all_the_time() -> None:
    """From 50 networks, at one account. The owner comes each minute from her device, and from home without its hint."""
    place = Place()
    assert await place.tries(ANA_HOME, RIGHT) == "in"
    guesses = 100_000
    hers: list[str] = []
    for number in range(guesses):
        place.now = NOON + timedelta(seconds=HOUR * number / guesses)
        await place.tries(f"203.0.113.{number % 50}", f"guess {number}")
        if number % (guesses // 60) == 0:
            hers.append(await place.tries(ELSEWHERE, RIGHT, hint=place.hint()))
            hers.append(await place.tries(ANA_HOME, RIGHT))
    verified = sum(count for password, count in place.passwords.verified.items() if password.startswith(b"guess"))
    assert verified <= guesses_within(HOUR, LIMITS.delays) == 17
    assert verified >= 10
    assert [event.reason for event in place.counters.noted] == [Reason.RATE_LIMITED] * (verified - 4)
    assert set(hers) == {"in"}
    assert len(hers) == 122


async def test_spraying_one_password_over_many_names_meets_the_rate_of_each_network_and_of_all() -> None:
    place = Place()
    outcomes: Tally[str] = Tally()
    for number in range(20_000):
        place.now = NOON + timedelta(seconds=HOUR * number / 20_000)
        outcomes[(await place.tries(f"203.0.113.{number % 5}", name=f"person{number}@example.org"))[:5]] += 1
    assert outcomes["wrong"] <= 5 * (100 + HOUR / 6) + 5
    assert outcomes["wrong"] >= 5 * 600
    assert len(place.counters.noted) <= 5 * 6


async def test_two_hundred_parallel_guesses_verify_five_passwords() -> None:
    place = Place()
    outcomes = await asyncio.gather(*(place.tries(f"203.0.113.{number % 50}") for number in range(200)))
    assert Tally(outcomes) == {"wrong": 5, "wait 1": 195}
    assert place.passwords.verified.total() == 5


async def test_two_hundred_parallel_sign_ins_of_one_client_all_succeed() -> None:
    """A fleet of jobs that starts at once. They take turns, and a right password gives its attempt back."""
    place = Place()
    outcomes = await asyncio.gather(*(place.tries(ANA_HOME, RIGHT) for _ in range(200)))
    assert set(outcomes) == {"in"}
    assert place.passwords.most_under_way <= 5


async def test_parallel_sign_ins_of_several_processes_all_succeed() -> None:
    """Each takes turns by itself; they meet in the counters, where an attempt under way counts as one that failed."""
    counters = CountersInMemory()
    places = [Place(counters=counters, settling=timedelta(seconds=5)) for _ in range(4)]
    assert await places[0].tries(ANA_HOME, RIGHT) == "in"
    outcomes = await asyncio.gather(*(place.tries(ANA_HOME, RIGHT) for place in places * 10))
    assert set(outcomes) == {"in"}


async def test_a_right_password_gives_its_turn_on_when_it_no_longer_counts() -> None:
    """However long that takes: a store that is slow to write refuses nobody."""
    place = Place(counters=CountersSlowToSettle())
    outcomes = await asyncio.gather(*(place.tries(ANA_HOME, RIGHT) for _ in range(20)))
    assert set(outcomes) == {"in"}


async def test_who_waits_as_told_may_try_again_and_who_does_not_changes_nothing() -> None:
    place = Place()
    waits = []
    for _ in range(12):
        outcome = await place.tries(ELSEWHERE)
        while outcome != "wrong":
            waits.append(int(outcome.removeprefix("wait ")))
            place.now += timedelta(seconds=waits[-1])
            outcome = await place.tries(ELSEWHERE)
    assert waits == [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("name", ["nobody@example.org", "not an address", "", "x" * 100_000, "\ud800@example.org"])
async def test_an_unknown_name_is_refused_as_a_known_one(name: str) -> None:
    """Who has no account must not be told apart by being spared."""

    async def outcomes(place: Place, name: str) -> list[str]:
        return [await place.tries(ELSEWHERE, name=name) for _ in range(7)]

    assert await outcomes(Place(), name) == await outcomes(Place(), ANA.email) == ["wrong"] * 5 + ["wait 1"] * 2


async def test_every_spelling_of_an_address_is_one_name() -> None:
    place = Place()
    spellings = itertools.cycle(["ana@example.org", " Ana@Example.ORG ", "ANA@EXAMPLE.ORG"])
    assert [await place.tries(ELSEWHERE, name=next(spellings)) for _ in range(6)] == ["wrong"] * 5 + ["wait 1"]


async def test_names_are_not_kept() -> None:
    """People type their password into the wrong field."""
    place = Place()
    await place.tries(ELSEWHERE, name="my secret password")
    assert "secret" not in repr(place.counters.kept)


class TestHints:
    """A device hint is good for its account, for its time, and nothing else."""

    @pytest.mark.parametrize(
        "hint",
        [
            lambda place: place.hint(AccountId(uuid.UUID(int=2))),
            lambda place: place.hint(issued_at=NOON - timedelta(days=90)),
            lambda place: place.hint()[:-1] + ("A" if place.hint()[-1] != "A" else "B"),
            lambda _: "gph_" + "A" * 56,
            lambda _: "",
            lambda _: "x" * 100_000,
        ],
    )
    async def test_a_hint_that_is_not_good_is_as_none(self, hint: Callable[[Place], str]) -> None:
        place = Place()
        for _ in range(5):
            await place.tries(ELSEWHERE)
        assert await place.tries(ELSEWHERE, RIGHT, hint=hint(place)) == "wait 1"

    @pytest.mark.parametrize("name", [ANA.email, "who@example.org"])
    async def test_the_mac_of_a_hint_is_computed_whoever_it_is_for(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The clock must not tell which names there are."""
        place, computed = Place(), []

        def is_authentic(_hint: object, _key: object, account: AccountId) -> bool:
            computed.append(account)
            return True

        monkeypatch.setattr(device_hint, "is_authentic", is_authentic)
        assert await place.tries(ELSEWHERE, name=name, hint=place.hint()) == "wrong"
        assert len(computed) == 1

    async def test_a_hint_gives_a_stranger_who_stole_it_no_more_than_a_lane(self) -> None:
        place = Place()
        outcomes = [await place.tries(ELSEWHERE, hint=place.hint()) for _ in range(7)]
        assert outcomes == ["wrong"] * 5 + ["wait 1"] * 2


@pytest.mark.parametrize("fault", [Overloaded(), HashingFailed()])
async def test_what_was_no_guess_is_not_counted(fault: GatepassError) -> None:
    place = Place()
    place.passwords.fault = fault
    for _ in range(20):
        with suppress(type(fault)):
            await place.tries(ELSEWHERE)
    assert place.counters.kept == {}


async def test_a_good_sign_in_leaves_nothing_behind_but_that_its_network_is_known() -> None:
    place = Place()
    assert await place.tries(ANA_HOME, RIGHT) == "in"
    assert [key.kind for key in place.counters.kept] == ["known_network"]
