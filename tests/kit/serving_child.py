"""
A server as its store sees it: opens the store of its argument and follows the feed of revocations.

Says `there` once it is, and `signed in` for each line of its input, at which somebody does. Ends with its input.
"""

from __future__ import annotations

import asyncio
import sys

from gatepass.stores.opening import open_store, sqlite_file
from gatepass.usecases.ports import Store
from tests.kit.postgres import servers_are
from tests.kit.store_world import enrol


async def main(url: str) -> None:
    """Until the input ends."""
    store = await open_store(url)
    following = asyncio.create_task(_follow(store))
    if sqlite_file(url) is None:
        await servers_are(1, url)
    ana = await enrol(store)
    print("there", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        await ana.signs_in()
        print("signed in", flush=True)
    following.cancel()
    await store.close()


async def _follow(store: Store) -> None:
    while True:
        await store.revocations.news(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
