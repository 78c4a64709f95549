"""What every store promises about counters of attempts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gatepass.domain.attempts import Counter, CounterKey, Decision, Standing
from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.occasion import Door, Occasion
from gatepass.usecases.ports import AuditQuery, Store
from tests.kit.store_world import DAY, MINUTE, NOW, SECOND, Place

ANA, BEN = b"a" * 16, b"b" * 16
LANE = CounterKey("account", ANA)
NETWORK = CounterKey("network", b"", "192.0.2.1")
OVERALL = CounterKey("overall")
EVENT = AuditEvent(Deed.SIGN_IN, NOW, Occasion(Door.GRAPHQL))


def counter(failures: int = 1, forgotten_after: timedelta = DAY) -> Counter:
    return Counter(failures, NOW, NOW + forgotten_after)


async def put(store: Store, key: CounterKey, value: Counter) -> None:
    await store.counters.change([key], lambda _: Decision(None, {key: value}))


async def everything(store: Store) -> dict[CounterKey, Counter]:
    return dict(await store.counters.page(None, 1000))


async def count_one(store: Store, *keys: CounterKey, limit: int) -> bool:
    """Count one more for each key, if none has `limit` yet."""

    def rule(standing: Standing) -> Decision[bool]:
        failures = {key: standing[key].failures if key in standing else 0 for key in keys}
        if max(failures.values()) >= limit:
            return Decision(outcome=False, counters={})
        return Decision(outcome=True, counters={key: counter(failures[key] + 1) for key in keys})

    return await store.counters.change(keys, rule)


async def test_a_rule_sees_what_there_is_and_what_it_decides_is_kept(store: Store) -> None:
    seen: list[Standing] = []

    def rule(standing: Standing) -> Decision[str]:
        seen.append(dict(standing))
        return Decision("done", {LANE: counter(3), NETWORK: counter(0, MINUTE)})

    assert await store.counters.change([LANE, NETWORK], rule) == "done"
    assert await store.counters.change([LANE, NETWORK, OVERALL], rule) == "done"
    assert seen[0] == {}
    assert seen[-1] == {LANE: counter(3), NETWORK: counter(0, MINUTE)}
    assert await everything(store) == {LANE: counter(3), NETWORK: counter(0, MINUTE)}


async def test_a_counter_that_becomes_none_is_gone(store: Store) -> None:
    await put(store, LANE, counter())
    await store.counters.change([LANE, NETWORK], lambda _: Decision(None, {LANE: None, NETWORK: None}))
    assert await everything(store) == {}


async def test_what_was_counted_is_there_after_a_restart(place: Place) -> None:
    store = await place.open()
    await put(store, LANE, counter(7))
    await store.close()
    store = await place.open()
    try:
        assert await everything(store) == {LANE: counter(7)}
    finally:
        await store.close()


async def test_parallel_attempts_of_two_processes_cannot_outrun_the_counter(store: Store, elsewhere: Store) -> None:
    """200 at once, and five get through."""
    attempts = [count_one(view, LANE, NETWORK, limit=5) for _ in range(100) for view in (store, elsewhere)]
    assert sum(await asyncio.gather(*attempts)) == 5
    assert {key: value.failures for key, value in (await everything(store)).items()} == {LANE: 5, NETWORK: 5}


async def test_a_rule_that_raises_changes_nothing_and_harms_nobody_else(store: Store) -> None:
    def broken(_: Standing) -> Decision[None]:
        raise ZeroDivisionError

    results = await asyncio.gather(
        count_one(store, LANE, limit=5),
        store.counters.change([LANE], broken),
        count_one(store, NETWORK, limit=5),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [bool, ZeroDivisionError, bool]
    assert {value.failures for value in (await everything(store)).values()} == {1}


async def test_pages_follow_each_other_in_order_and_can_be_of_one_owner(store: Store) -> None:
    keys = [OVERALL, NETWORK, LANE, CounterKey("device", ANA, "s1"), CounterKey("account", BEN)]
    for key in keys:
        await put(store, key, counter())
    paged: list[CounterKey] = []
    while page := await store.counters.page(paged[-1] if paged else None, 2):
        paged += [key for key, _ in page]
    assert paged == sorted(keys, key=lambda key: (key.owner, key.kind, key.subject))
    assert [key.kind for key, _ in await store.counters.page(None, 10, owner=ANA)] == ["account", "device"]


async def test_a_sweep_deletes_what_is_to_be_forgotten_a_little_at_a_time(store: Store) -> None:
    for number in range(5):
        await put(store, CounterKey("network", b"", f"192.0.2.{number}"), counter(0, SECOND))
    await put(store, LANE, counter(1, MINUTE))
    later = NOW + SECOND
    assert [await store.counters.sweep(later, 1000, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert set(await everything(store)) == {LANE}


async def test_under_a_flood_of_names_those_with_the_fewest_failures_go_first(store: Store) -> None:
    """Whoever invents names cannot push out the counter of the account that they are after."""
    await put(store, LANE, counter(6))
    for number in range(50):
        await put(store, CounterKey("account", number.to_bytes(16)), counter(1, MINUTE + number * SECOND))
    while await store.counters.sweep(NOW, 11, 7):
        pass
    left = await everything(store)
    assert LANE in left
    assert {int.from_bytes(key.owner) for key in left if key != LANE} == set(range(40, 50))


@pytest.mark.parametrize("delayed", [False, True])
async def test_what_is_noted_of_a_decision_is_noted_with_it(store: Store, delayed: bool) -> None:
    """In one transaction, and of what was decided only; a rule that raises notes nothing."""

    def noted(outcome: str) -> AuditEvent | None:
        return None if outcome == "quiet" else replace(EVENT, detail=outcome)

    def broken(_: Standing) -> Decision[str]:
        raise ValueError

    async def decide(outcome: str) -> str:
        key = CounterKey("account", outcome.encode())
        rule = partial(Decision, outcome, {key: counter()})
        return await store.counters.change([key], lambda _: rule(), note=noted, delayed=delayed)

    await asyncio.gather(
        decide("one"),
        decide("quiet"),
        store.counters.change([LANE], broken, note=noted, delayed=delayed),
        decide("two"),
        return_exceptions=True,
    )
    events = [entry.event for entry in await store.audit.page(AuditQuery(limit=10))]
    assert {event.detail for event in events} == {"one", "two"}
    assert len(await everything(store)) == 3
