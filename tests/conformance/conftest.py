"""
Where the stores hang in: each gives a function that makes a fresh `Place` below a folder.

Everything here is written against `gatepass.usecases.ports.Store` alone, and is true of every store.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Final

import pytest

from gatepass.stores import postgres, sqlite
from gatepass.stores.postgres.connection import Target
from gatepass.usecases.ports import Store
from tests.kit.postgres import shared_server
from tests.kit.store_world import Person, Place, enrol


def _sqlite_place(folder: Path, number: int) -> Place:
    file = folder / f"{number}.db"

    async def sql(statement: str) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute(statement)

    return Place(lambda: sqlite.open_store(file), sql)


def _postgres_place(folder: Path, number: int) -> Place:
    url = shared_server().made()

    async def sql(statement: str) -> None:
        connection = await Target.of(url).connect()
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    return Place(lambda: postgres.open_store(url), sql)


PLACES: Final = {"sqlite": _sqlite_place, "postgres": _postgres_place}


@pytest.fixture(params=PLACES)
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Place]:
    """Makes a fresh, empty place each time it is called."""
    make = PLACES[request.param]
    numbers = itertools.count()
    return lambda: make(tmp_path, next(numbers))


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """The place of `store`."""
    return new_place()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Closes what a test opens."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def store(place: Place, stack: AsyncExitStack) -> Store:
    """A fresh store."""
    store = await place.open()
    stack.push_async_callback(store.close)
    return store


@pytest.fixture
async def elsewhere(place: Place, store: Store, stack: AsyncExitStack) -> Store:
    """The same store as another process has it open."""
    other = await place.open()
    stack.push_async_callback(other.close)
    return other


@pytest.fixture
async def ana(store: Store) -> Person:
    """Someone with an account."""
    return await enrol(store, "ana@example.org")


@pytest.fixture
async def ben(store: Store) -> Person:
    """Someone else with an account."""
    return await enrol(store, "ben@example.org")
