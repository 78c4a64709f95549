"""Measures password hashes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.secret import Secret

PASSES: Final = 2
# From OWASP's minimum on, each about half as much again.
STEPS_KIB: Final = (19_456, 32_768, 47_104, 65_536, 98_304, 131_072, 196_608, 262_144, 393_216, 524_288)
ROUNDS: Final = 3
LARGE_PAGES: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a hash with this much memory takes."""

    memory_kib: int
    seconds: float


def measure(limit_seconds: float) -> Measured:
    """The largest memory within the limit; the smallest where none is within."""
    return asyncio.run(_measure(limit_seconds))


def pages_are_small() -> bool:
    """Whether Linux could give memory in larger pages to those who do not ask, and does not (docs/decisions/0030)."""
    try:
        return "[always]" not in LARGE_PAGES.read_text()
    except OSError:
        return False


async def _measure(limit_seconds: float) -> Measured:
    chosen = Measured(STEPS_KIB[0], await _fastest(STEPS_KIB[0]))
    for memory_kib in STEPS_KIB[1:]:
        seconds = await _fastest(memory_kib)
        if seconds > limit_seconds:
            break
        chosen = Measured(memory_kib, seconds)
    return chosen


async def _fastest(memory_kib: int) -> float:
    """The time of one hash: the fastest of a few, since whatever else runs only adds to it."""
    pool = PasswordPool(Argon2Parameters(memory_kib, PASSES), workers=1)
    await pool.start()
    try:
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await pool.hash(Secret(b"a password of usual length"))
            times.append(time.perf_counter() - started)
    finally:
        await pool.close()
    return min(times)
