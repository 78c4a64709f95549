"""A test that has a store is run on both, or says why not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatepass.stores.sqlite.migrations import APPLICATION_ID
from tests.kit import canary_plugin
from tests.kit.store_plugin import can_be_changed_by_the_store, complaint_about


@pytest.fixture
def stores(tmp_path: Path) -> list[Path]:
    """One, and beside it a database of somebody else; as the plugin finds them after a test."""
    for name, application in (("a.db", APPLICATION_ID), ("b.db", 0)):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.execute(f"PRAGMA application_id = {application}")
            connection.execute("CREATE TABLE some (thing)")
    canary_plugin.look_into(tmp_path)
    return canary_plugin.new_stores()


def test_a_store_is_found_once_and_only_ours(stores: list[Path], tmp_path: Path) -> None:
    assert stores == [tmp_path / "a.db"]
    (tmp_path / "a.db").touch()
    canary_plugin.look_into(tmp_path)
    assert canary_plugin.new_stores() == []


def test_one_outside_of_the_second_run_is_complained_about(request: pytest.FixtureRequest, stores: list[Path]) -> None:
    assert not can_be_changed_by_the_store(request.node)
    assert "is left out with TEST_STORE=postgres" in str(complaint_about(request.node, stores))
    assert complaint_about(request.node, []) is None


@pytest.mark.sqlite_only("an example")
def test_not_if_it_says_why(request: pytest.FixtureRequest, stores: list[Path]) -> None:
    assert complaint_about(request.node, stores) is None


def test_in_the_run_on_postgresql_every_sqlite_store_is_one_too_many(
    request: pytest.FixtureRequest, stores: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_STORE", "postgres")
    assert "use tests.kit.store_of_run" in str(complaint_about(request.node, stores))
