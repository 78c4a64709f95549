"""What the tests of this room share: a cheap pool of two, and a keyring on keys kept in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gatepass.crypto import password_pool
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.crypto.worker_process import WorkerProcess


@pytest.fixture(autouse=True)
def _workers_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_pool, "WorkerProcess", WorkerProcess)


@pytest.fixture
async def pool() -> AsyncIterator[PasswordPool]:
    """Two workers with the cheapest hash there is."""
    pool = PasswordPool(Argon2Parameters(memory_kib=8, passes=1), workers=2)
    await pool.start()
    yield pool
    await pool.close()
