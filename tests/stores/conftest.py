"""Fixtures for what is true of the SQLite store alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.stores.sqlite import SqliteStore, open_store
from tests.kit.store_world import Person, enrol


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database file is, or will be."""
    return tmp_path / "gatepass.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """A fresh store."""
    store = await open_store(path)
    yield store
    await store.close()


@pytest.fixture
async def ana(store: SqliteStore) -> Person:
    """Someone with an account."""
    return await enrol(store)
