"""Waiting for what has no event: it happens in another process, a thread or the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], *, seconds: float = 5) -> None:
    """Wait until something is so, and no longer than that; what is so for a moment only is seen too."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
