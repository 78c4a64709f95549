"""At most one renewal at a time, across threads, tasks and processes; and nobody who waits is forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gatepass.client import AsyncClient, Client, ServerUnreachable, SignInRequired
from gatepass.client.blocking import PATIENCE_SECONDS, _wait_for_renewals
from gatepass.client.effects import Need
from gatepass.client.flight import Flight
from gatepass.client.stored import StoredSignIn
from gatepass.client.tokens import Held
from tests.client.conftest import Clock, stored, stored_async, with_password
from tests.kit.memory_store import MemoryStore
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer
from tests.kit.rough_network import ADDRESS, Fault, RoughNetwork

ROOT = Path(__file__).parents[2]


def keeps_a_sign_in(server: PlainServer) -> None:
    """In files."""
    with Client(server.address) as api:
        api.sign_in(EMAIL, PASSWORD)


def test_sixteen_threads_share_one_renewal(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """All of them get the new token."""
    api = stored(network, clock, store)
    network.delay_seconds = 0.01
    for expiry in range(1, 4):
        clock.now += 3600
        with ThreadPoolExecutor(16) as pool:
            assert len({*pool.map(lambda _: api.token(), range(16))}) == 1
        assert network.server.counts["signInRefresh"] == expiry
    assert network.renewing == 1


async def test_sixty_four_tasks_share_one_renewal(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """Also those that were refused."""
    api = await stored_async(network, clock, store)
    network.delay_seconds = 0.005
    for expiry in range(1, 4):
        network.server.expire_access_tokens()
        answers = await asyncio.gather(*(api("{ me }") for _ in range(64)))
        assert answers == [{"me": EMAIL}] * 64
        assert network.server.counts["signInRefresh"] == expiry
    assert network.renewing == 1


def test_who_has_a_token_that_lives_does_not_wait_for_its_renewal(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """Only who renews waits."""
    api = stored(network, clock, store)
    before = api.token()
    clock.now += 3550
    network.delay_seconds = 0.5
    renewing = threading.Thread(target=api.token)
    renewing.start()
    while api.session.flight is None:
        time.sleep(0.001)
    assert api.token() == before
    renewing.join()
    assert api.token() != before


def test_who_waits_hears_of_the_failure_too(
    network: RoughNetwork, clock: Clock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with an error of its own: one exception raised in two threads mixes up their tracebacks."""
    api = stored(network, clock, store)
    clock.now += 9999
    network.faults = [Fault.UNAVAILABLE] * 3
    boards, all_aboard = api.session.boarded, threading.Barrier(8)

    def boarded(need: Need) -> tuple[Held | None, Flight, bool]:
        seat = boards(need)
        # Who comes after the failure would begin a renewal of its own.
        all_aboard.wait(timeout=10)
        return seat

    monkeypatch.setattr(api.session, "boarded", boarded)

    def error(_: int) -> ServerUnreachable:
        with pytest.raises(ServerUnreachable) as raised:
            api.token()
        return raised.value

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(error, range(8)))
    assert len({id(each) for each in errors}) == 8
    assert not network.faults


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_a_mistake_of_ours_is_told_and_not_tried_for_ever(
    network: RoughNetwork, clock: Clock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """To whoever renews and to whoever waits."""
    stored(network, clock, store)
    clock.now += 3600

    def broken(_profile: str) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(store, "load", broken)
    if kind == "threads":
        api = Client(ADDRESS, profile="plain", store=_Sayable(store), transport=network.blocking())
        with ThreadPoolExecutor(4) as pool:
            outcomes = [pool.submit(api.token) for _ in range(4)]
        assert [type(each.exception()) for each in outcomes] == [RuntimeError] * 4
        return

    async def ask() -> list[Any]:
        api = AsyncClient(ADDRESS, profile="plain", store=_Sayable(store), transport=network.tasks())
        return await asyncio.gather(*(api.token() for _ in range(4)), return_exceptions=True)

    assert [type(each) for each in asyncio.run(ask())] == [RuntimeError] * 4


class _Sayable(MemoryStore):
    """Answers once, while the client is made."""

    def __init__(self, real: MemoryStore) -> None:
        super().__init__(real.kept)
        self._loads = 0
        self._real = real

    def load(self, profile: str) -> Any:
        self._loads += 1
        return self.kept[profile] if self._loads == 1 else self._real.load(profile)


async def test_who_is_cancelled_while_waiting_takes_nothing_along(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """The renewal goes on, and its tokens are kept: this server has no replay window."""
    api = await stored_async(network, clock, store)
    clock.now += 3600
    network.delay_seconds = 0.05
    task = asyncio.create_task(api("{ me }"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await api.close()
    assert store.kept["plain"].access_token == api.session.held.access  # type: ignore[union-attr]
    assert await api("{ me }") == {"me": EMAIL}
    assert network.server.counts == {"signIn": 1, "signInRefresh": 1, "queries": 1}


def test_a_loop_that_ends_within_a_renewal_lets_go_of_it(
    network: RoughNetwork, clock: Clock, store: MemoryStore
) -> None:
    """As `asyncio.run` ends, with everything in it cancelled; the next loop begins anew."""
    network.server.replay_seconds = 60
    api = asyncio.run(stored_async(network, clock, store))
    clock.now += 3600
    network.delay_seconds = 0.1

    async def leave_in_the_middle() -> None:
        asyncio.get_running_loop().call_later(0.15, asyncio.current_task().cancel)  # type: ignore[union-attr]
        await api("{ me }")

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(leave_in_the_middle())
    network.delay_seconds = 0
    assert not store.is_locked
    assert asyncio.run(api("{ me }")) == {"me": EMAIL}
    assert network.server.counts["reused"] == 0


def test_ctrl_c_within_a_renewal_loses_no_tokens(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """It is heard at once, and the renewal goes on: this server has no replay window."""
    api = stored(network, clock, store)
    clock.now += 3600
    network.delay_seconds = 0.3
    interrupter = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        api.token()
    assert store.saves[-1].access_token == api.session.held.access  # type: ignore[union-attr]
    assert network.server.counts["signInRefresh"] == 0
    network.delay_seconds = 0
    assert api("{ me }") == {"me": EMAIL}
    assert network.server.counts["signInRefresh"] == 1
    assert network.server.counts["reused"] == 0


def test_closing_waits_for_a_renewal_under_way(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """As a `with` does that Ctrl-C leaves: its connection is still needed."""
    clock_before = clock.now
    with stored(network, clock, store):
        clock.now += 3600
    network.delay_seconds = 0.3
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), stored(network, clock, store) as api:
        api.token()
    assert network.server.counts["signInRefresh"] == 1
    assert store.saves[-1].obtained_at > clock_before


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_renewal_without_an_answer_costs_one_patience_and_none_where_nothing_is_kept(
    network: RoughNetwork, clock: Clock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, *, is_kept: bool
) -> None:
    """Ctrl-C on a server that hangs: neither at the closing and once more at the process's end, nor for nobody."""
    api = stored(network, clock, store) if is_kept else with_password(network, clock)
    clock.now += 3600
    asked, answered = threading.Event(), threading.Event()
    real = network.next_fault

    def hanging() -> Fault:
        asked.set()
        answered.wait(60)
        return real()

    monkeypatch.setattr(network, "next_fault", hanging)
    api.io._depart(Need(), Flight())
    assert asked.wait(60)
    renewal, joined = api.io._renewal, list[float | None]()
    assert renewal is not None
    real_join = renewal.join
    monkeypatch.setattr(renewal, "join", joined.append)
    api.close()
    _wait_for_renewals()
    answered.set()
    real_join(60)
    assert joined == ([PATIENCE_SECONDS] if is_kept else [])


PROGRAM = """
import os, signal, sys, threading
from gatepass.client import Client
api = Client(sys.argv[1])
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
api("{ me }")
"""


def test_a_process_that_ends_waits_for_a_renewal_under_way(live: PlainServer) -> None:
    """For a while: what the server has given already must be kept."""
    keeps_a_sign_in(live)
    live.expire_access_tokens()
    real = live._sign_in_refresh

    def slow(*arguments: Any, **fields: Any) -> dict[str, str]:
        time.sleep(1.0)
        return real(*arguments, **fields)

    live._sign_in_refresh = slow  # type: ignore[method-assign]
    command = [sys.executable, "-c", PROGRAM, live.address]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "KeyboardInterrupt" in ended.stderr
    with Client(live.address) as api:
        assert api("{ me }") == {"me": EMAIL}
    assert (live.counts["signInRefresh"], live.counts["reused"], live.counts["signIn"]) == (1, 0, 1)


def test_processes_share_one_renewal(live: PlainServer) -> None:
    """A file lock, and what is kept is read again behind it. Tokens of one second, no replay window."""
    live.token_seconds = 1.0
    keeps_a_sign_in(live)
    arguments = [sys.executable, "-m", "tests.kit.asker", live.address, "4", "0.02"]
    processes = [subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    # On a machine that is busy a token of one second may end again before the second attempt.
    errors = [error for each in told for error in each["errors"] if "not authorized" not in error]
    assert errors == []
    assert min(each["asked"] for each in told) >= 1
    assert live.counts["reused"] == 0
    assert live.counts["signIn"] == 1


# -- fork ----------------------------------------------------------------------------------------------------------

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which this system has not")


def in_a_child(deed: Callable[[], object]) -> object:
    """What it gives in a child after a fork, as text; the child gets ten seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            outcome = repr(deed())
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        os.write(writing, outcome.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    return told


@forking
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_goes_on_with_connections_of_its_own(live: PlainServer) -> None:
    """And so does its parent."""
    with Client(live.address, username=EMAIL, password=PASSWORD) as api:
        api("{ me }")
        for _ in range(3):
            assert in_a_child(lambda: api("{ me }")) == repr({"me": EMAIL})
            assert api("{ me }") == {"me": EMAIL}
    assert live.counts["signIn"] == 1


@forking
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_spend_the_refresh_token_of_its_parent(live: PlainServer) -> None:
    """Two with one refresh token would end each other's sign-in: with a password a child signs in by itself."""
    live.token_seconds = 0.5
    with Client(live.address, username=EMAIL, password=PASSWORD) as api:
        # What this server says is one hour; it is refused after half a second.
        api("{ me }")
        time.sleep(0.6)
        assert in_a_child(lambda: api("{ me }")) == repr({"me": EMAIL})
        assert api("{ me }") == {"me": EMAIL}
    assert live.counts["reused"] == 0
    assert (live.counts["signIn"], live.counts["signInRefresh"]) == (2, 1)


@forking
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_sign_in_that_is_kept_is_shared_with_children(live: PlainServer) -> None:
    """Through the store and its lock."""
    keeps_a_sign_in(live)
    live.token_seconds = 0.5
    with Client(live.address) as api:
        live.expire_access_tokens()
        assert in_a_child(lambda: api("{ me }")) == repr({"me": EMAIL})
        assert api("{ me }") == {"me": EMAIL}
    assert live.counts["reused"] == 0
    assert live.counts["signIn"] == 1


@forking
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_within_a_renewal_leaves_a_child_that_can_renew(live: PlainServer) -> None:
    """Neither its parent's locks nor the renewal that nobody carries out there any more hold it up."""
    keeps_a_sign_in(live)
    live.expire_access_tokens()
    with Client(live.address) as api:
        inside, go_on = threading.Event(), threading.Event()
        real = api.session.source.store.save

        def slow(sign_in: StoredSignIn) -> None:
            inside.set()
            go_on.wait(10)
            real(sign_in)

        api.session.source.store.save = slow  # type: ignore[method-assign]
        asking = threading.Thread(target=api, args=("{ me }",))
        asking.start()
        assert inside.wait(10)
        with api.session.lock, api.io._lock:
            child = threading.Thread(target=lambda: told.append(in_a_child(lambda: _without(api, real))))
            told: list[object] = []
            child.start()
            time.sleep(0.2)
        go_on.set()
        child.join(20)
        asking.join(20)
        assert told == [repr({"me": EMAIL})]
        assert api("{ me }") == {"me": EMAIL}
    assert live.counts["reused"] == 0


def _without(api: Client, save: Any) -> dict[str, Any]:
    api.session.source.store.save = save  # type: ignore[method-assign]
    return api("{ me }")


def test_a_dead_sign_in_is_dead_for_all_threads(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """One question to the server, and an answer for each."""
    api = stored(network, clock, store)
    network.server.end_every_session()
    network.requests = 0
    clock.now += 3600
    with ThreadPoolExecutor(8) as pool:
        outcomes = [pool.submit(api.token) for _ in range(8)]
    assert {type(each.exception()) for each in outcomes} == {SignInRequired}
    assert network.requests == 1
