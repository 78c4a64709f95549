"""
Counts attempts without waiting for the disk and reports each count after its answer, until it is killed.

Argument: the database file. Each line of its output is place 0 and a count.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from gatepass.domain.attempts import Counter, CounterKey, Decision, Standing
from gatepass.stores.sqlite import open_store
from tests.kit.store_world import DAY, NOW

KEY: Final = CounterKey("account", b"ana")
STDOUT: Final = 1


def one_more(standing: Standing) -> Decision[int]:
    """Count one more; the outcome is how many they are."""
    failures = standing[KEY].failures + 1 if KEY in standing else 1
    return Decision(failures, {KEY: Counter(failures, NOW, NOW + DAY)})


async def main(path: Path) -> None:
    """Go on from where the store stands."""
    store = await open_store(path)
    while True:
        count = await store.counters.change([KEY], one_more, delayed=True)
        os.write(STDOUT, b"0 %d\n" % count)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
