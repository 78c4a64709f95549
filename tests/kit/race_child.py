"""
Presents one refresh token many times at once, as one of several processes that do so.

Arguments: the store's URL, a session's id, how many times. It says `ready`, waits for a line, races, and prints how
often each outcome came with which generation, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from uuid import UUID

from gatepass.domain.identifiers import SessionId
from gatepass.stores.opening import open_store
from gatepass.usecases.ports import Replayed, Rotated
from tests.kit.store_world import NOW, presents


async def main(url: str, session: SessionId, times: int) -> None:
    """All of this process's racers start together."""
    store = await open_store(url)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    outcomes = await asyncio.gather(*(store.sessions.rotate(session, presents(0, NOW), NOW) for _ in range(times)))
    told = Counter(
        f"{type(outcome).__name__} {outcome.session.generation}"
        if isinstance(outcome, Rotated | Replayed)
        else type(outcome).__name__
        for outcome in outcomes
    )
    print(json.dumps(told), flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], SessionId(UUID(sys.argv[2])), int(sys.argv[3])))
