"""The sweep walks in stretches; where one ends decides nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatepass.stores.sqlite import SqliteStore, sweep
from tests.kit.store_world import DAY, HOUR, NOW, Person, stored


@pytest.mark.parametrize("stretch", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_a_whole_round_finds_everything(
    ana: Person, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, stretch: int, limit: int
) -> None:
    monkeypatch.setattr(sweep, "STRETCH", stretch)
    old = [await ana.signs_in(NOW) for _ in range(7)]
    young = [await ana.signs_in(NOW + DAY) for _ in range(3)]
    old += [await ana.signs_in(NOW) for _ in range(4)]
    deleted = 0
    while (count := await store.sessions.sweep(NOW, NOW + HOUR, limit)) == limit:
        deleted += count
    assert deleted + count == 11
    assert [await stored(store, session.id) for session in young] == young
    assert [await stored(store, session.id) for session in old] == [None] * 11


async def test_a_sweep_that_finds_nothing_writes_nothing(ana: Person, store: SqliteStore, path: Path) -> None:
    await ana.signs_in()
    statements: list[str] = []
    await store._writer.do(lambda connection: connection.set_trace_callback(statements.append))
    statements.clear()
    assert await store.sessions.sweep(NOW, NOW, 100) == 0
    assert statements == []
