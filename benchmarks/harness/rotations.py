"""Rotations through the store's own port: many callers, random sessions, no HTTP and no token around it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import overload

from benchmarks.harness.load import RefusedError
from gatepass.domain.identifiers import RANDOM_BYTES, SessionId, uuid7
from gatepass.domain.rotation import Verdict, judge
from gatepass.domain.session import SALT_BYTES, Session, SessionLimits
from gatepass.stores.sqlite import open_store
from gatepass.usecases.ports import Rotated, Store

ACCOUNTS, OPENED_WITHIN = 1_000, timedelta(days=10)
_LIMITS = SessionLimits()
_INSERT_ACCOUNT = "INSERT INTO accounts (id, email, scopes, created_at) VALUES (?, ?, ?, ?)"
_INSERT = (
    "INSERT INTO sessions (id, account_id, client_id, salt, generation, opened_at, rotated_at, ends_at)"
    " VALUES (?, ?, 'gatepass', ?, 0, ?, ?, ?)"
)

_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'sessions' AND sql IS NOT NULL"


class SessionIds(Sequence[bytes]):
    """
    Millions of ids in one piece.

    A list of as many objects costs the callers three misses of the processor's caches for each id that they pick, and
    the garbage collector walks over all of it: the client would slow down with the size, and be taken for the store.
    """

    def __init__(self, ids: Iterable[bytes]) -> None:
        self._bytes = b"".join(ids)

    def __len__(self) -> int:
        return len(self._bytes) // 16

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return self._bytes[16 * index : 16 * index + 16]


@dataclass
class Rotations:
    """One open store; one entry in each list for each round: rotations a second, µs of CPU, milliseconds of wait."""

    name: str
    store: Store
    sessions: Sequence[bytes]
    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    async def round(self, callers: int, seconds: float) -> None:
        """Measure once. The CPU is this process': the store's threads and the callers."""
        waits: list[float] = []
        began, cpu_began = time.perf_counter(), time.process_time()
        await asyncio.gather(*(self._caller(began + seconds, waits) for _ in range(callers)))
        self.rate.append(len(waits) / (time.perf_counter() - began))
        self.cpu.append((time.process_time() - cpu_began) / len(waits) * 1e6)
        self.p99.append(sorted(waits)[int(len(waits) * 0.99)] * 1e3)

    def forget(self) -> None:
        """Rounds that only warmed up."""
        for rounds in (self.rate, self.cpu, self.p99):
            rounds.clear()

    async def _caller(self, until: float, waits: list[float]) -> None:
        now = datetime.now(UTC)

        def verdict(session: Session) -> Verdict:
            return judge(session, session.generation, now, _LIMITS)

        while (asked := time.perf_counter()) < until:
            session = SessionId(uuid.UUID(bytes=random.choice(self.sessions)))
            outcome = await self.store.sessions.rotate(session, verdict, now)
            if not isinstance(outcome, Rotated):
                raise RefusedError(f"a rotation ended as {outcome}")
            waits.append(time.perf_counter() - asked)


async def fill(path: Path, count: int, accounts: int = ACCOUNTS) -> SessionIds:
    """Make a store with that many sessions, opened over the last days, written past the port; their ids."""
    now = datetime.now(UTC)
    await (await open_store(path)).close()
    owners, ids = _ids(now, accounts), _ids(now, count)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        # An index that is made at the end, of all rows at once, takes a third of the time.
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.executemany(_INSERT_ACCOUNT, _account_rows(owners, now))
        connection.executemany(_INSERT, _rows(ids, owners, now))
        for _, made_by in indexes:
            connection.execute(made_by)
    return ids


def _ids(now: datetime, count: int) -> SessionIds:
    """Time-ordered, as `uuid7` makes them, but many at once: the time, then random bits of one request."""
    began, step = now - OPENED_WITHIN, OPENED_WITHIN / count
    random_bits = os.urandom(RANDOM_BYTES * count)
    first = int.from_bytes(uuid7(began, bytes(RANDOM_BYTES)).bytes[:6])
    each = step / timedelta(milliseconds=1)
    return SessionIds(
        (first + int(each * number)).to_bytes(6)
        + b"\x70"
        + random_bits[start : start + 1]
        + b"\x80"
        + random_bits[start + 1 : start + 8]
        for number, start in zip(range(count), range(0, RANDOM_BYTES * count, RANDOM_BYTES), strict=True)
    )


def _account_rows(ids: Iterable[bytes], now: datetime) -> Iterator[tuple[object, ...]]:
    stamp = int(now.timestamp() * 1e6)
    for number, account in enumerate(ids):
        yield account, f"{number}@bench.example", "read", stamp


def _rows(ids: Iterable[bytes], accounts: Iterable[bytes], now: datetime) -> Iterator[tuple[object, ...]]:
    stamp, end = (int(moment.timestamp() * 1e6) for moment in (now, now + timedelta(days=90)))
    salt = os.urandom(SALT_BYTES)
    for session, account in zip(ids, itertools.cycle(accounts)):
        yield session, account, salt, stamp, stamp, end
