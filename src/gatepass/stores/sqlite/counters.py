"""Counters of attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from gatepass.domain.attempts import Counter, CounterKey, Decision, Standing
from gatepass.domain.audit import Note
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.audit import add_noted, noted
from gatepass.stores.sqlite.worker import Worker
from gatepass.stores.sqlite.writer import DelayedDurability

Outcome = TypeVar("Outcome")

_FOUND: Final = """
SELECT a.owner, a.kind, a.subject, a.failures, a.at, a.forget_at FROM asked CROSS JOIN attempts a
ON a.owner = asked.owner AND a.kind = asked.kind AND a.subject = asked.subject
"""
_PUT: Final = (
    "INSERT OR REPLACE INTO attempts (owner, kind, subject, failures, at, forget_at) VALUES (?, ?, ?, ?, ?, ?)"
)
_DELETE: Final = "DELETE FROM attempts WHERE owner = ? AND kind = ? AND subject = ?"
_PAGE: Final = """
SELECT owner, kind, subject, failures, at, forget_at FROM attempts
WHERE (owner, kind, subject) > (?, ?, ?) AND (?4 IS NULL OR owner = ?4) ORDER BY owner, kind, subject LIMIT ?5
"""
_FORGOTTEN: Final = "SELECT owner, kind, subject, forget_at FROM attempts WHERE forget_at <= ? LIMIT ?"
_COUNT: Final = "SELECT count(*) FROM attempts"
_LEAST: Final = "SELECT owner, kind, subject, forget_at FROM attempts ORDER BY failures, forget_at LIMIT ?"
# Looked up on the reading connection; one that has counted again since then stays.
_DELETE_UNCHANGED: Final = f"{_DELETE} AND forget_at = ?"


class SqliteCounters:
    """See `gatepass.usecases.ports.Counters`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def change(
        self,
        keys: Sequence[CounterKey],
        rule: Callable[[Standing], Decision[Outcome]],
        *,
        note: Note[Outcome] | None = None,
        delayed: bool = False,
    ) -> Outcome:
        """Read, decide, write; the rule runs in the writer's thread."""
        if delayed:
            return await self._writer.do(_DelayedChange(keys, rule, note))
        return await self._writer.do(noted(lambda connection: _change(connection, keys, rule), note))

    async def page(
        self, after: CounterKey | None, limit: int, *, owner: bytes | None = None
    ) -> Sequence[tuple[CounterKey, Counter]]:
        """Counters in the order of owner, kind and subject."""
        return await self._reader.do(lambda connection: _page(connection, after, limit, owner))

    async def sweep(self, now: datetime, most: int, limit: int) -> int:
        """Delete what is to be forgotten, and what is too much."""
        moment = rows.microseconds(now)
        found = await self._reader.do(lambda connection: _superfluous(connection, moment, most, limit))
        if not found:
            return 0
        return await self._writer.do(lambda connection: connection.executemany(_DELETE_UNCHANGED, found).rowcount)


class _DelayedChange(DelayedDurability[Outcome]):
    """A change that has to be waited for only where it is noted: the audit log never loses its end."""

    __slots__ = ("_keys", "_note", "_rule")

    def __init__(
        self,
        keys: Sequence[CounterKey],
        rule: Callable[[Standing], Decision[Outcome]],
        note: Note[Outcome] | None,
    ) -> None:
        super().__init__()
        self._keys, self._rule, self._note = keys, rule, note

    def __call__(self, connection: sqlite3.Connection) -> Outcome:
        outcome = _change(connection, self._keys, self._rule)
        self.must_last = add_noted(connection, self._note, outcome)
        return outcome


def _change(
    connection: sqlite3.Connection, keys: Sequence[CounterKey], rule: Callable[[Standing], Decision[Outcome]]
) -> Outcome:
    asked = [column for key in keys for column in _columns(key)]
    found = connection.execute(_find(len(keys)), asked)
    standing = {CounterKey(kind, whose, subject): _counter(rest) for whose, kind, subject, *rest in found}
    decision = rule(standing)
    _write(connection, decision.counters, standing)
    return decision.outcome


@lru_cache(maxsize=32)
def _find(count: int) -> str:
    """One look-up for so many keys; joined, since `IN` would read the whole table."""
    values = ", ".join(["(?, ?, ?)"] * count)
    return f"WITH asked (owner, kind, subject) AS (VALUES {values}) {_FOUND}"


def _write(connection: sqlite3.Connection, changed: Mapping[CounterKey, Counter | None], standing: Standing) -> None:
    for key, counter in changed.items():
        if counter is not None:
            values = (counter.failures, rows.microseconds(counter.at), rows.microseconds(counter.forget_at))
            connection.execute(_PUT, (*_columns(key), *values))
        elif key in standing:
            connection.execute(_DELETE, _columns(key))


def _page(
    connection: sqlite3.Connection, after: CounterKey | None, limit: int, owner: bytes | None
) -> Sequence[tuple[CounterKey, Counter]]:
    start = (b"", "", "") if after is None else _columns(after)
    found = connection.execute(_PAGE, (*start, owner, limit))
    return [(CounterKey(kind, whose, subject), _counter(rest)) for whose, kind, subject, *rest in found]


def _superfluous(connection: sqlite3.Connection, now: int, most: int, limit: int) -> list[tuple[Any, ...]]:
    found = connection.execute(_FORGOTTEN, (now, limit)).fetchall()
    if found:
        return found
    (count,) = connection.execute(_COUNT).fetchone()
    return connection.execute(_LEAST, (min(limit, count - most),)).fetchall() if count > most else []


def _columns(key: CounterKey) -> tuple[bytes, str, str]:
    return key.owner, key.kind, key.subject


def _counter(row: Sequence[int]) -> Counter:
    failures, at, forget_at = row
    return Counter(failures, rows.moment(at), rows.moment(forget_at))
