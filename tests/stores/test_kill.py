"""Killed in the middle of a load of refreshes, again and again: what was answered is there, and nothing is broken."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from gatepass.domain.attempts import CounterKey
from gatepass.domain.session import Session
from gatepass.stores.sqlite import open_store
from gatepass.usecases.ports import Rotated
from tests.kit.store_world import Person, enrol, stored

ROUNDS: Final = 15
SESSIONS: Final = 40
ROOT: Final = Path(__file__).resolve().parents[2]


def refreshes_until_killed(path: Path, sessions: Sequence[Session], seconds: float) -> dict[int, int]:
    """The highest answered generation of each session."""
    return answered_until_killed(seconds, "tests.kit.kill_child", str(path), *(str(session.id) for session in sessions))


def answered_until_killed(seconds: float, *load: str) -> dict[int, int]:
    """Start the load, kill it that long after its first answer; the highest number answered at each place."""
    command = [sys.executable, "-m", *load]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert child.stdout is not None
    with closing(child.stdout) as pipe:
        first = pipe.readline()
        deadline = time.monotonic() + seconds
        lines = [first]
        while time.monotonic() < deadline:
            lines.append(pipe.readline())
        child.send_signal(signal.SIGKILL)
        lines += pipe.read().splitlines(keepends=True)
        child.wait()
    assert child.returncode == -signal.SIGKILL, "the load ended before it was killed"
    answered: dict[int, int] = {}
    for line in lines:
        if line.endswith(b"\n"):
            place, generation = map(int, line.split())
            answered[place] = max(generation, answered.get(place, 0))
    return answered


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        verdicts = connection.execute("PRAGMA integrity_check").fetchall()
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    return verdicts == [("ok",)] and not orphans


async def holds_what_was_answered(ana: Person, sessions: Sequence[Session], answered: dict[int, int]) -> None:
    for place, session in enumerate(sessions):
        row = await stored(ana.store, session.id)
        assert row is not None
        in_flight = 1
        if place in answered:
            assert answered[place] <= row.generation <= answered[place] + in_flight
        assert row.salt == session.salt
        assert row.revoked_at is None
        assert isinstance(await ana.refreshes(session, row.generation), Rotated)


async def test_after_a_kill_every_answered_rotation_is_there_and_no_session_is_broken(path: Path) -> None:
    store = await open_store(path)
    ana = await enrol(store)
    sessions = [await ana.signs_in() for _ in range(SESSIONS)]
    await store.close()
    answers = 0
    for _ in range(ROUNDS):
        answered = await asyncio.to_thread(refreshes_until_killed, path, sessions, random.uniform(0.0, 0.4))
        answers += len(answered)
        assert await asyncio.to_thread(is_sound, path)
        store = await open_store(path)
        try:
            await holds_what_was_answered(ana.on(store), sessions, answered)
        finally:
            await store.close()
    assert answers > ROUNDS * SESSIONS / 2


async def test_a_process_beside_a_killed_one_goes_on_and_sees_what_was_answered(path: Path) -> None:
    """It may die holding the write lock; the lock dies with it."""
    store = await open_store(path)
    try:
        ana = await enrol(store)
        theirs = [await ana.signs_in() for _ in range(SESSIONS)]
        ours = await ana.signs_in()
        for generation in range(3):
            load = asyncio.to_thread(refreshes_until_killed, path, theirs, 0.2)
            answered, outcome = await asyncio.gather(load, ana.refreshes(ours, generation))
            assert isinstance(outcome, Rotated)
            await holds_what_was_answered(ana, theirs, answered)
    finally:
        await store.close()
    assert await asyncio.to_thread(is_sound, path)


async def test_attempts_that_were_counted_without_waiting_for_the_disk_outlive_the_process(path: Path) -> None:
    counted = 0
    for _ in range(3):
        answered = await asyncio.to_thread(answered_until_killed, 0.1, "tests.kit.counting_child", str(path))
        assert answered[0] > counted
        store = await open_store(path)
        ((key, counter),) = await store.counters.page(None, 10)
        await store.close()
        assert key == CounterKey("account", b"ana")
        assert answered[0] <= counter.failures <= answered[0] + 1
        counted = counter.failures
    assert await asyncio.to_thread(is_sound, path)
