"""
What holds whatever the network does: no lost sign-in, no mutation that runs twice, one renewal at a time.

Hypothesis makes up the faults of `tests/kit/rough_network.py` and the order of calls; the server is that of
`tests/kit/plain_server.py`, which shares no code with the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.client import AsyncClient, Client, GraphQLErrors, ServerUnreachable, SignInRefused, SignInRequired
from tests.client.conftest import RENAME, Clock, stored, stored_async, with_password
from tests.kit.memory_store import MemoryStore
from tests.kit.plain_server import EMAIL, PlainServer
from tests.kit.rough_network import FAULTS, Fault, RoughNetwork

LIFE = 100.0
LOST_PAIRS = (Fault.ANSWER_LOST, Fault.DUPLICATED)
faults = st.lists(st.sampled_from(FAULTS), max_size=16)
steps = st.lists(st.sampled_from(["query", "mutation", "wait 30", "wait 90"]), min_size=1, max_size=8)
servers = st.fixed_dictionaries(
    {
        "expired": st.sampled_from([200, 401, 403]),
        "has_error_codes": st.booleans(),
        "replay_seconds": st.sampled_from([0.0, 1e9]),
    }
)


@contextlib.contextmanager
def trouble_is_typed() -> Iterator[None]:
    """
    What a rough network may lead to: no answer, an ended sign-in, a token that ended again before the second attempt.

    Not `SignInRefused`: the password is good, and whoever asks is told otherwise.
    """
    try:
        yield
    except SignInRefused:
        raise
    except (ServerUnreachable, SignInRequired):
        pass
    except GraphQLErrors as error:
        if "not authorized" not in str(error):
            raise


class Caller:
    """Does one step after the other, and notes what may not be."""

    def __init__(self, api: Client, network: RoughNetwork, clock: Clock) -> None:
        self._api, self._network, self._clock = api, network, clock
        self._mutations = 0

    def does(self, step: str) -> None:
        if step.startswith("wait "):
            self._clock.now += float(step.removeprefix("wait "))
        elif step == "query":
            with trouble_is_typed():
                assert self._api("{ me }") == {"me": EMAIL}
        else:
            self._mutations += 1
            self._renames(f"name {self._mutations}")

    def _renames(self, name: str) -> None:
        faults_before = list(self._network.faults)
        has_run = False
        with trouble_is_typed():
            has_run = bool(self._api(RENAME, {"name": name}))
        was_duplicated = Fault.DUPLICATED in faults_before[: len(faults_before) - len(self._network.faults)]
        assert self._network.renamed[name] >= has_run
        assert self._network.renamed[name] <= (2 if was_duplicated else 1)


@settings(deadline=None, max_examples=80)
@given(faults=faults, steps=steps, server=servers, has_password=st.booleans())
def test_calls_on_a_rough_network(
    faults: list[Fault], steps: list[str], server: dict[str, Any], has_password: bool
) -> None:
    """
    Each call gives its data or a typed error, and a mutation runs once at most. When the network is smooth again the
    next query works: also without a password, unless a server without replay window saw a spent refresh token.
    """
    clock = Clock()
    network = RoughNetwork(PlainServer(clock=clock, token_seconds=LIFE, **server))
    store = MemoryStore()
    api = with_password(network, clock) if has_password else stored(network, clock, store)
    network.faults = list(faults)
    caller = Caller(api, network, clock)
    for step in steps:
        caller.does(step)
    network.faults.clear()
    clock.now += LIFE
    is_strict = network.server.replay_seconds == 0
    has_lost_a_pair = any(fault in LOST_PAIRS for fault in network.spoiled)
    if has_password or not (is_strict and has_lost_a_pair):
        assert api("{ me }") == {"me": EMAIL}
    if not (is_strict and has_lost_a_pair):
        assert network.server.counts["reused"] == 0
        assert network.server.counts["signIn"] == 1 or has_password
    assert network.renewing <= 1
    assert not store.is_locked


@settings(deadline=None, max_examples=12)
@given(faults=faults, seed=st.integers(0, 1000))
def test_threads_on_a_rough_network(faults: list[Fault], seed: int) -> None:
    """Eight threads, whose requests make the time pass: one renewal at a time, and nobody is signed out."""
    clock = Clock()
    network = RoughNetwork(PlainServer(clock=clock, token_seconds=LIFE, replay_seconds=1e9), delay_seconds=0.0002)
    store = MemoryStore()
    api = stored(network, clock, store)
    network.faults = list(faults)
    dice = random.Random(seed)
    waits = [dice.choice([0, 5, 30]) for _ in range(48)]

    def one(number: int) -> None:
        clock.now += waits[number]
        with trouble_is_typed():
            assert api(RENAME, {"name": f"name {number}"}) == {"rename": {"company_name": f"name {number}"}}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(48)))
    network.faults.clear()
    clock.now += LIFE
    assert api("{ me }") == {"me": EMAIL}
    assert network.renewing == 1
    assert network.server.counts["reused"] == 0
    assert network.server.counts["signIn"] == 1
    if Fault.DUPLICATED not in faults:
        assert max(network.renamed.values(), default=0) <= 1
    assert not store.is_locked


@settings(deadline=None, max_examples=15)
@given(faults=faults, cancels=st.lists(st.booleans(), min_size=24, max_size=24), seed=st.integers(0, 1000))
def test_cancelled_tasks_on_a_rough_network(faults: list[Fault], cancels: list[bool], seed: int) -> None:
    """Any task may be cancelled at any moment: the renewal goes on, the others get its token, no tokens are lost."""

    async def everything() -> None:
        clock = Clock()
        # No replay window: a pair that got lost on the way would end the sign-in.
        network = RoughNetwork(PlainServer(clock=clock, token_seconds=LIFE), delay_seconds=0.0002)
        store = MemoryStore()
        api = await stored_async(network, clock, store)
        network.faults = [fault for fault in faults if fault not in LOST_PAIRS]
        dice = random.Random(seed)
        tasks: list[asyncio.Task[None]] = []
        for is_cancelled in cancels:
            clock.now += dice.choice([0, 5, 30])
            task = asyncio.create_task(_one(api))
            tasks.append(task)
            await asyncio.sleep(dice.choice([0, 0, 0.0002, 0.001]))
            if is_cancelled:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() or task.exception() is None for task in tasks)
        await api.close()
        network.faults.clear()
        clock.now += LIFE
        assert await api("{ me }") == {"me": EMAIL}
        assert network.renewing == 1
        assert network.server.counts["reused"] == 0
        assert network.server.counts["signIn"] == 1
        assert not store.is_locked
        await api.close()

    asyncio.run(everything())


async def _one(api: AsyncClient) -> None:
    with trouble_is_typed():
        assert await api("{ me }") == {"me": EMAIL}
