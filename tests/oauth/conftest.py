"""A running service with an account, and what was written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.me_app import MeApp
from tests.kit.oauth_world import written
from tests.kit.world import Person, World, add_account, running, settings_for

PASSWORD = "a long enough secret of ana"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Yield a running service with an account that may read and write, around an application."""
    settings = settings_for(tmp_path, public_url="http://gatepass.test")
    await add_account(settings, "ana@example.org", PASSWORD, "read", "write")
    async with running(settings, MeApp()) as started:
        yield started


@pytest.fixture
def ana(world: World) -> Person:
    """Return somebody who may read and write."""
    return Person(world, "ana@example.org", PASSWORD)


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Give every row of the store, to compare before and after."""
    return lambda: written(tmp_path)
