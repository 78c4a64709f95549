"""
Which tests run on which store. A plugin of pytest, for the whole suite.

With `TEST_STORE=postgres` those run again that a store can change, on PostgreSQL. So that none is forgotten, a test
that leaves an SQLite store behind has to be one of them, or to say why not; and in that run none may leave one.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from tests.kit import canary_plugin

MARKS: Final = {
    "sqlite_only": "left out with TEST_STORE=postgres, for that reason",
    "names_its_stores": "the same, because it names its stores itself, and so runs on both anyway",
}
_TESTS: Final = Path(__file__).parent.parent
# The rooms whose tests run a whole service on the store that `TEST_STORE` names, and in other rooms the fixture that
# makes a store.
ROOMS: Final = ("wire", "oauth", "e2e", "neighbours")
FIXTURES: Final = {"cli": "initialised", "usecases": "log"}
OTHERS: Final = {
    "stores": "they name their stores themselves",
    "conformance": "the same: each test runs on both",
    "docs": "a page is read as it is written, and what it writes is SQLite; that about PostgreSQL has a server",
}
"""Rooms whose tests may have a store in every run, and why they have no second one."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    for name, meaning in MARKS.items():
        config.addinivalue_line("markers", f"{name}(reason): {meaning}")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """With `TEST_STORE=postgres` other rooms are not even read."""
    parts = collection_path.relative_to(_TESTS).parts if collection_path.is_relative_to(_TESTS) else ()
    return True if _is_on_postgres() and parts and parts[0] not in (*ROOMS, *FIXTURES, "conftest.py") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `TEST_STORE=postgres` only what a store can change; pytest says how many were left out."""
    if not _is_on_postgres():
        return
    kept = [item for item in items if can_be_changed_by_the_store(item)]
    left_out = [item for item in items if not can_be_changed_by_the_store(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


# Around the plugin that looks into the folders.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has an SQLite store where it should not."""
    result = yield
    if complaint := complaint_about(item, canary_plugin.new_stores()):
        pytest.fail(complaint, pytrace=False)
    return result


def complaint_about(item: pytest.Item, stores: list[Path]) -> str | None:
    """What is wrong with these SQLite stores that a test has left, if anything is."""
    if not stores:
        return None
    if _is_on_postgres():
        return f"made the SQLite store {stores[0]} in a run on PostgreSQL: use tests.kit.store_of_run"
    if can_be_changed_by_the_store(item) or _room(item) in OTHERS or any(map(item.get_closest_marker, MARKS)):
        return None
    return f"made the store {stores[0]} and is left out with TEST_STORE=postgres: see tests/kit/store_plugin.py"


def can_be_changed_by_the_store(item: pytest.Item) -> bool:
    """Whether it runs again on PostgreSQL."""
    if any(map(item.get_closest_marker, MARKS)):
        return False
    return _room(item) in ROOMS or FIXTURES.get(_room(item)) in getattr(item, "fixturenames", ())


def _room(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def _is_on_postgres() -> bool:
    return os.environ.get("TEST_STORE") == "postgres"
