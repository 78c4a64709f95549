"""A copy of the store while others write to it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from gatepass.stores.opening import back_up
from gatepass.stores.sqlite import SqliteStore, open_store
from gatepass.usecases.ports import Rotated
from tests.kit.store_world import Person, stored

SESSIONS, PAUSE_SECONDS = 20, 0.01


async def test_a_backup_is_made_while_refreshes_go_on_and_holds_what_was_answered_before(
    store: SqliteStore, ana: Person, path: Path, tmp_path: Path
) -> None:
    """None of them is refused meanwhile, and each session of the copy is at a moment within the copying."""
    sessions = [await ana.signs_in() for _ in range(SESSIONS)]
    for session in sessions:
        await ana.refreshes(session, 0)
    answered = [1] * SESSIONS
    is_over = False

    async def keeps_refreshing(number: int) -> None:
        while not is_over:
            assert isinstance(await ana.refreshes(sessions[number], answered[number]), Rotated)
            answered[number] += 1

    refreshing = [asyncio.create_task(keeps_refreshing(number)) for number in range(SESSIONS)]
    await asyncio.sleep(PAUSE_SECONDS)
    before = list(answered)
    await back_up(f"sqlite:///{path}", tmp_path / "copy.db")
    after = list(answered)
    is_over = True
    await asyncio.gather(*refreshing)

    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    copy = await open_store(tmp_path / "copy.db")
    found = [await stored(copy, session.id) for session in sessions]
    await copy.close()
    for copied, least, most in zip(found, before, after, strict=True):
        assert copied is not None
        assert least <= copied.generation <= most + 1
