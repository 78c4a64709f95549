"""
Who has no right password learns nothing of an account: not by body, status or headers, and not by time.

Times are compared over interleaved samples: a machine that is busy is busy for both. What differs by accident once does
not differ four times; a hash that is spared does.
"""

from __future__ import annotations

import itertools
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import AccountId
from gatepass.domain.secret import Secret
from gatepass.stores.opening import open_store
from gatepass.usecases.enable_account import EnableAccount
from gatepass.usecases.ports import AuditQuery
from tests.kit.me_app import MeApp
from tests.kit.world import SIGN_IN, Person, World, add_account, running, settings_for

pytestmark = pytest.mark.sqlite_only("compares times of hashing, for which one store is enough")
RIGHT = "wooden-lantern-quiet-harbour"
KNOWN, DISABLED, NO_PASSWORD, UNKNOWN = "ana@example.org", "ben@example.org", "robot@example.org", "who@example.org"
TOO_DEAR = "old@example.org"
FOUR_GIB = Secret("$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43)
"""A hash as an import may bring it; it is never computed."""
SAMPLES, TRIES, DEVIATIONS = 200, 4, 4.0
WITHIN = 0.03
"""The medians differ by less than that."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Hashes long enough to be told from noise, and as many attempts as a test likes."""
    unlimited = dict.fromkeys(["throttle_network_failures", "throttle_overall_failures"], 10**7)
    settings = settings_for(
        tmp_path, argon2_memory_kib=4096, argon2_iterations=1, throttle_account_failures=1000, **unlimited
    )
    await add_account(settings, KNOWN, RIGHT)
    await add_account(settings, DISABLED, RIGHT)
    store = await open_store(settings.store_url)
    try:
        found = await store.accounts.find(EmailAddress(KNOWN))
        assert found is not None
        await EnableAccount(store.accounts, lambda: found.account.created_at)(DISABLED, enabled=False)
        robot = Account(AccountId(uuid.uuid4()), EmailAddress(NO_PASSWORD), (), found.account.created_at)
        await store.accounts.add(robot, None)
        old = Account(AccountId(uuid.uuid4()), EmailAddress(TOO_DEAR), (), found.account.created_at)
        await store.accounts.add(old, FOUR_GIB)
    finally:
        await store.close()
    async with running(settings, MeApp()) as started:
        # Her hash was made with other parameters; at this sign-in it gets the live ones.
        await Person(started, KNOWN, RIGHT).signs_in()
        yield started


CASES: Mapping[str, tuple[str, str]] = {
    "wrong password": (KNOWN, "not the right one"),
    "unknown": (UNKNOWN, RIGHT),
    "disabled": (DISABLED, RIGHT),
    "without a password": (NO_PASSWORD, RIGHT),
    "with a hash too dear to compute": (TOO_DEAR, RIGHT),
}


async def answer(world: World, name: str, password: str) -> tuple[object, ...]:
    """All that a caller can tell apart, but for the time."""
    given = {"userName": name, "password": password}
    answered = await world.posts(SIGN_IN, given, headers={"X-Request-ID": "the-same-for-all"})
    return answered.status, dict(answered.headers), answered.body


async def samples(world: World, cases: Mapping[str, tuple[str, str]]) -> dict[str, list[float]]:
    """Seconds of so many answers each, one of every case in turn."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(SAMPLES):
        order = list(cases)
        for case in order[number % len(order) :] + order[: number % len(order)]:
            before = time.perf_counter()
            await answer(world, *cases[case])
            taken[case].append(time.perf_counter() - before)
    return taken


def are_apart(one: Sequence[float], other: Sequence[float]) -> bool:
    """
    Whether the medians differ by more than `WITHIN`, and that is no accident.

    A sign test over the pairs that were taken beside each other: whatever the machine did, it did to both.
    """
    medians = statistics.median(one), statistics.median(other)
    slower = sum(a > b for a, b in zip(one, other, strict=True))
    deviations = abs(slower - len(one) / 2) / (len(one) ** 0.5 / 2)
    return max(medians) / min(medians) - 1 > WITHIN and deviations > DEVIATIONS


async def told_apart(world: World, cases: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of cases that were told apart each time of several."""
    await samples(world, dict.fromkeys(["to warm up"], next(iter(cases.values()))))
    left = list(itertools.combinations(cases, 2))
    for _ in range(TRIES):
        taken = await samples(world, cases)
        left = [pair for pair in left if are_apart(*(taken[case] for case in pair))]
        if not left:
            break
    return left


async def test_nobody_is_told_apart_by_what_the_answer_says(world: World) -> None:
    answers = [await answer(world, *case) for case in CASES.values()]
    assert all(each == answers[0] for each in answers)


async def test_a_hash_too_dear_to_compute_is_said_to_the_operator(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log and in the audit log, with the account, and not to the caller."""
    await answer(world, TOO_DEAR, RIGHT)
    store = await open_store(world.settings.store_url)
    try:
        found = await store.accounts.find(EmailAddress(TOO_DEAR))
        (entry,) = await store.audit.page(AuditQuery(limit=1, newest_first=True))
    finally:
        await store.close()
    assert found is not None
    assert (entry.event.reason, entry.event.account) == ("unusable_hash", found.account.id)
    (line,) = (record for record in caplog.records if record.message == "hash_unusable")
    assert line.__dict__["account"] == str(found.account.id)


async def test_nobody_is_told_apart_by_time(world: World) -> None:
    assert await told_apart(world, CASES) == []


async def test_the_measurement_would_see_a_hash_that_is_spared(world: World) -> None:
    """What is compared here can be told apart where there is something to tell."""
    cases = {"wrong password": CASES["wrong password"], "too large to be looked at": (KNOWN, "x" * 2**17)}
    assert await told_apart(world, cases) == [tuple(cases)]


async def test_who_has_to_wait_is_not_told_apart_either(tmp_path: Path) -> None:
    """A known name and an unknown one, both throttled: no hash for either."""
    settings = settings_for(tmp_path, throttle_first_delay_seconds=900, throttle_network_failures=10**6)
    await add_account(settings, KNOWN, RIGHT)
    async with running(settings, MeApp()) as world:
        cases = {"known": (KNOWN, "wrong"), "unknown": (UNKNOWN, "wrong")}
        for case in cases.values():
            for _ in range(6):
                await answer(world, *case)
        known, unknown = [await answer(world, *case) for case in cases.values()]
        assert known == unknown
        assert await told_apart(world, cases) == []
