"""
Refreshes sessions as fast as it can and reports each answer after it came, until it is killed.

Arguments: the database file, then the ids of its sessions. Each line of its output is an answered rotation:
the session's place in the list and its generation.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final
from uuid import UUID

from gatepass.domain.identifiers import Generation, SessionId
from gatepass.stores.sqlite import SqliteStore, open_store, writer
from gatepass.usecases.ports import Rotated
from tests.kit.store_world import NOW, presents, stored

# Kills shall hit checkpoints too.
writer.CHECKPOINT_AFTER_CHANGES = 100  # type: ignore[misc]
STDOUT: Final = 1


async def refresh_for_ever(store: SqliteStore, place: int, session: SessionId, generation: Generation) -> None:
    """One rotation at a time: at most one of this session is ever in flight."""
    while True:
        outcome = await store.sessions.rotate(session, presents(generation, NOW), NOW)
        assert isinstance(outcome, Rotated)
        generation = outcome.session.generation
        os.write(STDOUT, b"%d %d\n" % (place, generation))


async def main(path: Path, sessions: list[SessionId]) -> None:
    """Go on from where the store stands."""
    store = await open_store(path)
    rows = [await stored(store, session) for session in sessions]
    await asyncio.gather(
        *(
            refresh_for_ever(store, place, row.id, row.generation)
            for place, row in enumerate(row for row in rows if row is not None)
        )
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), [SessionId(UUID(text)) for text in sys.argv[2:]]))
