"""Slow hashing in worker processes that may die, hang or be too few. DESIGN §8."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from gatepass.crypto import argon2_passwords, password_pool, worker_process
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.errors import HashingFailed, Overloaded
from gatepass.domain.secret import Secret
from tests.kit.waiting import until

CHEAP = Argon2Parameters(memory_kib=8, passes=1)
RIGHT = Secret(b"teal otter, nine lanterns")
WRONG = Secret(b"teal otter, ten lanterns")

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and SIGSTOP are Unix's")


@asynccontextmanager
async def running(
    parameters: Argon2Parameters = CHEAP,
    *,
    workers: int = 1,
    queue_deadline: timedelta = timedelta(hours=1),
    time_limit: timedelta = timedelta(seconds=30),
) -> AsyncIterator[PasswordPool]:
    pool = PasswordPool(parameters, workers=workers, queue_deadline=queue_deadline, time_limit=time_limit)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


def send(pool: PasswordPool, number: signal.Signals) -> None:
    for pid in pool.worker_pids:
        os.kill(pid, number)


# -- hashing ----------------------------------------------------------------------------------------------------------


async def test_a_password_is_right_against_its_own_hash_only(pool: PasswordPool) -> None:
    """The plain promise."""
    kept = await pool.hash(RIGHT)
    assert await pool.verify(RIGHT, kept)
    assert not await pool.verify(WRONG, kept)


async def test_two_hashes_of_a_password_differ(pool: PasswordPool) -> None:
    """Each has its own salt."""
    assert (await pool.hash(RIGHT)).reveal() != (await pool.hash(RIGHT)).reveal()


@pytest.mark.parametrize(
    "password", [b"\0", b"a\0b", b"\xff\xfe", b"x" * 40_000], ids=["NUL", "inner NUL", "bytes", "long"]
)
async def test_every_byte_of_a_password_counts(pool: PasswordPool, password: bytes) -> None:
    """Nothing is cut at a NUL or at a length (bcrypt's 72 bytes are the usual trap)."""
    kept = await pool.hash(Secret(password))
    assert await pool.verify(Secret(password), kept)
    assert not await pool.verify(Secret(password + b"\0"), kept)
    assert not await pool.verify(Secret(password[:-1] + b"?"), kept)


async def test_new_hashes_have_the_live_parameters() -> None:
    """And need no re-hash; those with others do."""
    async with running(Argon2Parameters(memory_kib=64, passes=3)) as pool:
        kept = await pool.hash(RIGHT)
        assert kept.reveal().startswith("$argon2id$v=19$m=64,t=3,p=1$")
        assert not pool.needs_rehash(kept)
    assert PasswordPool(CHEAP).needs_rehash(kept)
    assert PasswordPool(CHEAP).needs_rehash(Secret("$2b$12$whatever"))


@pytest.mark.parametrize(("lanes", "memory_kib", "passes"), [(1, 64, 1), (4, 64, 3), (8, 128, 2)])
async def test_hashes_that_another_library_made_are_verified(
    pool: PasswordPool, lanes: int, memory_kib: int, passes: int
) -> None:
    """The PHC string alone says how, with several lanes too."""
    other = Argon2id(salt=b"s" * 16, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib)
    kept = Secret(other.derive_phc_encoded(RIGHT.reveal()))
    assert await pool.verify(RIGHT, kept)
    assert not await pool.verify(WRONG, kept)
    assert pool.needs_rehash(kept)


async def test_another_library_verifies_our_hashes(pool: PasswordPool) -> None:
    """The backend can change without touching a stored hash."""
    Argon2id.verify_phc_encoded(RIGHT.reveal(), (await pool.hash(RIGHT)).reveal())


async def test_argon2i_is_verified(pool: PasswordPool) -> None:
    """The reference implementation's test vector: password 'password', salt 'somesalt', 256 KiB, two passes."""
    kept = Secret("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8")
    assert await pool.verify(Secret(b"password"), kept)
    assert not await pool.verify(RIGHT, kept)


@pytest.mark.parametrize(
    "kept",
    [
        "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43,
        "$argon2id$v=16$m=64,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43,
        "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZQ8hO1Zr1H1Y3b6J8Yz5m6nM1sQe4W",
        "",
    ],
    ids=["4 GiB", "version 16", "bcrypt", "empty"],
)
async def test_a_hash_that_may_not_be_executed_signs_nobody_in(
    pool: PasswordPool, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails closed: it is never sent to a worker, and costs and answers as a missing one does."""
    asked: list[bytes] = []
    ask = pool.ask

    async def remembered(request: bytes) -> bytes:
        asked.append(request)
        return await ask(request)

    monkeypatch.setattr(pool, "ask", remembered)
    assert not pool.can_verify(Secret(kept))
    assert not await pool.verify(RIGHT, Secret(kept))
    assert not await pool.verify(RIGHT, None)
    assert asked[0] == asked[1]


# -- equal cost -------------------------------------------------------------------------------------------------------


async def test_a_missing_password_or_hash_costs_a_hash_and_is_never_right(
    pool: PasswordPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown, disabled and password-less accounts and over-long passwords cannot be told from a wrong password."""
    kept = await pool.hash(RIGHT)
    asked: list[bytes] = []
    ask = pool._line.ask

    async def remember(request: bytes) -> bytes:
        asked.append(request)
        return await ask(request)

    monkeypatch.setattr(pool._line, "ask", remember)
    for password, password_hash in ((WRONG, kept), (None, kept), (WRONG, None), (RIGHT, None), (None, None)):
        asked.clear()
        assert not await pool.verify(password, password_hash)
        assert len(asked) == 1
        assert asked[0].startswith(b"v")
        assert b"$argon2id$v=19$m=8,t=1,p=1$" in asked[0]


async def test_the_stand_ins_match_each_other_in_no_way(pool: PasswordPool) -> None:
    """Not even the very texts that stand in for what is missing sign anybody in."""
    assert pool._stand_in is not None
    assert not await pool.verify(argon2_passwords._NO_PASSWORD, pool._stand_in)
    kept = await pool.hash(argon2_passwords._NO_PASSWORD)
    assert not await pool.verify(None, kept)
    pool._stand_in = await pool.hash(RIGHT)
    assert not await pool.verify(RIGHT, None)


# -- trouble ----------------------------------------------------------------------------------------------------------


@needs_signals
async def test_a_killed_worker_fails_its_one_request_and_is_replaced() -> None:
    """The caller is answered at once, the next one is served."""
    async with running() as pool:
        kept = await pool.hash(RIGHT)
        (old,) = pool.worker_pids
        send(pool, signal.SIGSTOP)
        caught = asyncio.create_task(pool.verify(RIGHT, kept))
        behind = asyncio.create_task(pool.verify(RIGHT, kept))
        await asyncio.sleep(0.05)
        send(pool, signal.SIGKILL)
        with pytest.raises(HashingFailed):
            await caught
        assert await behind
        assert pool.worker_pids != {old}


@needs_signals
async def test_a_worker_killed_while_idle_costs_nobody_anything() -> None:
    """It is replaced before anybody asks."""
    async with running() as pool:
        kept = await pool.hash(RIGHT)
        (old,) = pool.worker_pids
        send(pool, signal.SIGKILL)
        await until(lambda: len(pool.worker_pids) == 1 and pool.worker_pids != {old}, seconds=10)
        assert await pool.verify(RIGHT, kept)


@needs_signals
async def test_a_hung_worker_is_killed_and_replaced() -> None:
    """Its request fails after the time limit, the next one is served."""
    async with running(time_limit=timedelta(seconds=1)) as pool:
        kept = await pool.hash(RIGHT)
        (old,) = pool.worker_pids
        send(pool, signal.SIGSTOP)
        with pytest.raises(HashingFailed, match="no answer within"):
            await pool.verify(RIGHT, kept)
        assert await pool.verify(RIGHT, kept)
        assert old not in pool.worker_pids
        with pytest.raises(ProcessLookupError):
            os.kill(old, 0)


@needs_signals
async def test_one_lost_worker_leaves_the_others_at_work(pool: PasswordPool) -> None:
    """Two workers, one stopped: requests go on."""
    kept = await pool.hash(RIGHT)
    stopped = min(pool.worker_pids)
    os.kill(stopped, signal.SIGSTOP)
    caught = asyncio.create_task(pool.verify(RIGHT, kept))
    await asyncio.sleep(0.05)
    assert await pool.verify(RIGHT, kept)
    os.kill(stopped, signal.SIGCONT)
    assert await caught


@needs_signals
async def test_more_than_can_be_served_in_time_is_overloaded() -> None:
    """Who waited until the deadline is told when to come back; nobody waits longer."""
    async with running(queue_deadline=timedelta(seconds=0.2)) as pool:
        kept = await pool.hash(RIGHT)
        send(pool, signal.SIGSTOP)
        first = asyncio.create_task(pool.verify(RIGHT, kept))
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded) as refusal:
            await pool.verify(RIGHT, kept)
        assert refusal.value.retry_after_seconds == 1
        send(pool, signal.SIGCONT)
        assert await first


@needs_signals
async def test_workers_that_do_not_come_up_are_tried_again_until_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash loop refuses sign-ins and ends nothing else; it heals by itself."""
    async with running(queue_deadline=timedelta(seconds=0.3)) as pool:
        kept = await pool.hash(RIGHT)
        with monkeypatch.context() as broken:
            broken.setattr(worker_process, "_command", lambda: (sys.executable, "-c", ""))
            send(pool, signal.SIGKILL)
            await until(lambda: not pool.worker_pids, seconds=10)
            with pytest.raises(Overloaded):
                await pool.verify(RIGHT, kept)
        await until(lambda: bool(pool.worker_pids), seconds=10)
        assert await pool.verify(RIGHT, kept)


def test_a_crash_loop_is_tried_more_and_more_slowly() -> None:
    """The first loss is replaced at once; in a row they wait up to 30 s."""
    pauses = [password_pool._pause_seconds(losses) for losses in range(1, 1000)]
    assert pauses[:5] == [0, 0.1, 0.2, 0.4, 0.8]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30


async def test_a_pool_whose_workers_do_not_come_up_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so instead of refusing every sign-in later."""
    monkeypatch.setattr(worker_process, "_command", lambda: (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(HashingFailed, match="died"):
        await PasswordPool(CHEAP, workers=2).start()


async def test_a_missing_interpreter_is_a_hashing_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an OSError that nobody expects."""
    monkeypatch.setattr(worker_process, "_command", lambda: ("/nonexistent/python",))
    with pytest.raises(HashingFailed, match="could not be started"):
        await PasswordPool(CHEAP, workers=1).start()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
async def test_a_lack_of_memory_is_not_a_wrong_password() -> None:
    """A right password is not called wrong because the machine is short of memory; and the worker goes on."""
    import resource

    async with running(Argon2Parameters(memory_kib=65_536, passes=1)) as pool:
        kept = await pool.hash(RIGHT)
        (pid,) = pool.worker_pids
        before = resource.prlimit(pid, resource.RLIMIT_AS, (40 * 2**20, resource.RLIM_INFINITY))
        with pytest.raises(HashingFailed, match="memory"):
            await pool.verify(RIGHT, kept)
        with pytest.raises(HashingFailed, match="memory"):
            await pool.hash(RIGHT)
        resource.prlimit(pid, resource.RLIMIT_AS, before)
        assert await pool.verify(RIGHT, kept)
        assert pool.worker_pids == {pid}


async def test_a_pool_that_was_not_started_signs_nobody_in() -> None:
    """It fails closed."""
    with pytest.raises(HashingFailed, match="not started"):
        await PasswordPool(CHEAP).verify(RIGHT, None)


# -- the end ----------------------------------------------------------------------------------------------------------


async def test_closing_ends_the_workers_and_fails_those_who_wait() -> None:
    """No process stays behind and no caller hangs."""
    async with running() as pool:
        pids = pool.worker_pids
        kept = await pool.hash(RIGHT)
        waiting = [asyncio.create_task(pool.verify(RIGHT, kept)) for _ in range(50)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(result is True or isinstance(result, HashingFailed) for result in results)
    assert any(isinstance(result, HashingFailed) for result in results)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(HashingFailed):
        await pool.hash(RIGHT)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_the_pool_works_on_uvloop() -> None:
    """The loop that the server runs on."""
    import uvloop

    async def sign_in() -> bool:
        async with running(workers=2) as pool:
            kept = await pool.hash(RIGHT)
            return all(await asyncio.gather(*(pool.verify(RIGHT, kept) for _ in range(20))))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(sign_in())
