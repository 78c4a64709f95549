"""Ana and Ben, and a service around an application that says who is calling."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.me_app import MeApp
from tests.kit.world import Person, World, add_account, running, settings_for

ANA_PASSWORD, BEN_PASSWORD = "a long enough secret of ana", "quite another secret of ben"


@pytest.fixture
def me_app() -> MeApp:
    """Return the application behind the gateway."""
    return MeApp()


@pytest.fixture
async def world(tmp_path: Path, me_app: MeApp) -> AsyncIterator[World]:
    """Yield a running service with two accounts."""
    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read", "write")
    await add_account(settings, "ben@example.org", BEN_PASSWORD, "read")
    async with running(settings, me_app) as started:
        yield started


@pytest.fixture
def ana(world: World) -> Person:
    """Return somebody who may read and write."""
    return Person(world, "ana@example.org", ANA_PASSWORD)


@pytest.fixture
def ben(world: World) -> Person:
    """Return somebody who may read."""
    return Person(world, "ben@example.org", BEN_PASSWORD)
