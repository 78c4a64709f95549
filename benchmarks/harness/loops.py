"""The event loop of what is measured in this process: the one that the server runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from gatepass.server.run import new_event_loop

Value = TypeVar("Value")


def run(main: Coroutine[Any, Any, Value]) -> Value:
    """As `asyncio.run`."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
