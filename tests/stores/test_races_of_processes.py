"""One refresh token, presented by many processes at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gatepass.stores.opening import open_store, upgrade
from tests.kit.postgres import shared_server
from tests.kit.store_world import enrol, stored

PROCESSES, RACERS = 4, 25


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}" if request.param == "sqlite" else shared_server().new_url()


async def test_of_a_hundred_racers_in_four_processes_one_rotates_and_all_get_the_same_successor(url: str) -> None:
    """RFC 9700 §4.14.2 with a replay window: one new generation, whoever asks wherever."""
    await upgrade(url)
    store = await open_store(url)
    session = await (await enrol(store)).signs_in()
    command = [sys.executable, "-m", "tests.kit.race_child", url, str(session.id), str(RACERS)]
    children = [  # the processes of a race are started one after the other, and wait for each other
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
        for _ in range(PROCESSES)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        told: Counter[str] = Counter()
        for child in children:
            told.update(json.loads(child.communicate(timeout=60)[0]))
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert told == {"Rotated 1": 1, "Replayed 1": PROCESSES * RACERS - 1}
    row = await stored(store, session.id)
    assert row is not None
    assert row.generation == 1
    await store.close()
