"""One pool for several processes: what a line carries, and what happens when an end of it is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.crypto.shared_pool import SharedPool, share
from gatepass.domain.errors import HashingFailed, Overloaded
from gatepass.domain.secret import Secret
from tests.kit.waiting import until

CHEAP = Argon2Parameters(8, 1)
RIGHT, WRONG = Secret(b"a right password"), Secret(b"a wrong password")


@asynccontextmanager
async def line_to(pool: PasswordPool) -> AsyncIterator[tuple[SharedPool, asyncio.Task[None]]]:
    """A started far end, and the task that serves it."""
    near, far = socket.socketpair()
    serving = asyncio.create_task(share(pool, near))
    shared = SharedPool(CHEAP, far)
    await shared.start()
    try:
        yield shared, serving
    finally:
        await shared.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def a_pool(workers: int = 1, max_waiting: int = 1000) -> AsyncIterator[PasswordPool]:
    pool = PasswordPool(CHEAP, workers=workers, max_waiting=max_waiting)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


async def test_a_password_is_right_through_any_line() -> None:
    """Hashes made through one line are checked through another: the pool is one."""
    async with a_pool() as pool, line_to(pool) as (first, _), line_to(pool) as (second, _):
        kept = await first.hash(RIGHT)
        assert await second.verify(RIGHT, kept)
        assert not await second.verify(WRONG, kept)
        assert not await second.verify(RIGHT, None)


async def test_many_requests_on_one_line_get_each_their_own_answer() -> None:
    """Answers come in any order."""
    async with a_pool(workers=2) as pool, line_to(pool) as (shared, _):
        kept = await shared.hash(RIGHT)
        tried = [RIGHT if number % 3 == 0 else WRONG for number in range(60)]
        answers = await asyncio.gather(*(shared.verify(password, kept) for password in tried))
        assert answers == [password is RIGHT for password in tried]


async def test_an_overloaded_pool_says_so_through_the_line() -> None:
    """With the seconds to wait: the client's Retry-After."""
    async with a_pool(max_waiting=2) as pool, line_to(pool) as (shared, _):
        outcomes = await asyncio.gather(*(shared.hash(RIGHT) for _ in range(8)), return_exceptions=True)
        overloaded = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
        assert overloaded
        assert all((outcome.retry_after_seconds or 0) >= 1 for outcome in overloaded)


async def test_a_caller_who_leaves_frees_its_place_in_the_pools_queue() -> None:
    """A client that hangs up costs no hash, in whichever process it was served."""
    async with a_pool() as pool, line_to(pool) as (shared, _):
        asked = [asyncio.create_task(shared.hash(RIGHT)) for _ in range(50)]
        await until(lambda: pool.waiting > 0)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await until(lambda: pool.waiting == 0)
        assert shared.waiting == 0


async def test_without_the_owner_of_the_pool_nobody_hangs() -> None:
    """Requests that wait fail, those that come are refused at once; both fail closed."""
    async with a_pool() as pool, line_to(pool) as (shared, serving):
        asked = [asyncio.create_task(shared.hash(RIGHT)) for _ in range(20)]
        await asyncio.sleep(0)
        serving.cancel()
        outcomes = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5)
        assert any(isinstance(outcome, HashingFailed) for outcome in outcomes)
        with pytest.raises(HashingFailed):
            await shared.verify(RIGHT, None)


async def test_when_a_process_is_lost_its_requests_leave_the_queue() -> None:
    """A crashed server must not occupy the pool that the others share."""
    async with a_pool() as pool, line_to(pool) as (shared, serving):
        asked = [asyncio.create_task(shared.hash(RIGHT)) for _ in range(50)]
        await until(lambda: pool.waiting > 0)
        shared._line.shutdown(socket.SHUT_RDWR)
        await asyncio.wait_for(serving, 5)
        await until(lambda: pool.waiting == 0)
        await asyncio.gather(*asked, return_exceptions=True)


async def test_what_is_no_message_ends_the_line() -> None:
    """A length beyond all bounds is not waited for."""
    async with a_pool() as pool:
        near, far = socket.socketpair()
        with far:
            serving = asyncio.create_task(share(pool, near))
            far.sendall(b"\xff" * 8)
            await asyncio.wait_for(serving, 5)
