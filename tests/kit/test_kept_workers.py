"""A worker that is kept is as good as a new one, or it is not kept."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from gatepass.crypto import password_pool
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.secret import Secret
from tests.kit import kept_workers
from tests.kit.waiting import until
from tests.kit.world import CHEAP

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs `pidfd_open`")
PASSWORD = Secret(b"a password of somebody")
SLOW = Argon2Parameters(memory_kib=65_536, passes=20)


@pytest.fixture(autouse=True)
def _none_is_kept_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_workers, "_idle", [])


async def _pid_of_a_pool_that_works() -> int:
    pool = PasswordPool(CHEAP, workers=1)
    await pool.start()
    try:
        assert await pool.verify(PASSWORD, await pool.hash(PASSWORD))
        (pid,) = pool.worker_pids
        return pid
    finally:
        await pool.close()


def test_the_next_loop_has_the_same_worker() -> None:
    assert asyncio.run(_pid_of_a_pool_that_works()) == asyncio.run(_pid_of_a_pool_that_works())
    kept_workers.end_workers()


async def test_one_that_is_lost_is_replaced_though_nobody_asks_it() -> None:
    pool = PasswordPool(CHEAP, workers=1)
    await pool.start()
    (lost,) = pool.worker_pids
    os.kill(lost, signal.SIGKILL)
    await until(lambda: pool.worker_pids - {lost}, seconds=10)
    assert await pool.verify(PASSWORD, await pool.hash(PASSWORD))
    await pool.close()
    kept_workers.end_workers()


def test_one_that_was_lost_while_nobody_had_it_is_not_handed_out() -> None:
    lost = asyncio.run(_pid_of_a_pool_that_works())
    os.kill(lost, signal.SIGKILL)
    os.waitid(os.P_PID, lost, os.WEXITED | os.WNOWAIT)
    assert asyncio.run(_pid_of_a_pool_that_works()) != lost
    kept_workers.end_workers()


async def test_one_that_owes_an_answer_is_not_kept() -> None:
    pool = PasswordPool(SLOW, workers=1)
    starting = asyncio.create_task(pool.start())
    await until(lambda: pool.worker_pids, seconds=10)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    assert kept_workers._idle == []


def test_that_is_how_tests_have_them() -> None:
    assert vars(password_pool)["WorkerProcess"] is kept_workers.KeptWorker
