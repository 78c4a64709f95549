"""The pool of hash workers: of this process, or one that several share."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.crypto.shared_pool import SharedPool
from gatepass.settings import Settings


@asynccontextmanager
async def password_pool(
    settings: Settings, hash_line: socket.socket | None = None
) -> AsyncIterator[PasswordPool | SharedPool]:
    """
    A started pool of hash workers: of this process, or at the far end of a line to the process that has one.

    Raises:
        HashingFailed: it did not come up; nothing is left behind.
    """
    parameters = Argon2Parameters(settings.argon2_memory_kib, settings.argon2_iterations)
    pool: PasswordPool | SharedPool
    if hash_line is not None:
        pool = SharedPool(parameters, hash_line)
    else:
        pool = PasswordPool(
            parameters,
            workers=settings.hash_workers,
            queue_deadline=timedelta(seconds=settings.hash_queue_seconds),
            max_waiting=settings.hash_max_waiting,
        )
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()
