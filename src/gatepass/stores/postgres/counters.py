"""Counters of attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from gatepass.domain.attempts import Counter, CounterKey, Decision, Standing
from gatepass.domain.audit import AuditEvent, Note
from gatepass.stores.postgres.audit import add_entries, noted_of
from gatepass.stores.postgres.connection import Connection, transaction
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.worker import Outcome, Worker
from gatepass.stores.postgres.writer import Writer

Decided = TypeVar("Decided")

COUNTERS_LOCK: Final = 0x47504154
# Every attempt counts in the row of all of them, so that row locks would make them wait for each other anyway, and in
# circles. One lock for a batch, held until it is durable.
_LOCK: Final = f"SELECT pg_advisory_xact_lock({COUNTERS_LOCK}, hashtext(current_schema()))"
_COLUMNS: Final = "owner, kind, subject, failures, at, forget_at"
_FIND: Final = f"""
SELECT {_COLUMNS} FROM attempts JOIN unnest($1::bytea[], $2::text[], $3::text[]) AS w (owner, kind, subject)
USING (owner, kind, subject)
"""  # noqa: S608 - constants
_PUT: Final = f"""
INSERT INTO attempts ({_COLUMNS})
SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[])
ON CONFLICT (owner, kind, subject)
DO UPDATE SET failures = excluded.failures, at = excluded.at, forget_at = excluded.forget_at
"""  # noqa: S608 - constants
_DELETE: Final = """
DELETE FROM attempts a USING unnest($1::bytea[], $2::text[], $3::text[]) AS w (owner, kind, subject)
WHERE a.owner = w.owner AND a.kind = w.kind AND a.subject = w.subject
"""
_PAGE: Final = f"""
SELECT {_COLUMNS} FROM attempts
WHERE (owner, kind, subject) > ($1, $2, $3) AND ($5::bytea IS NULL OR owner = $5)
ORDER BY owner, kind, subject LIMIT $4
"""  # noqa: S608 - constants
_SWEEP_FORGOTTEN: Final = """
WITH old AS MATERIALIZED (SELECT owner, kind, subject FROM attempts WHERE forget_at <= $1 LIMIT $2)
DELETE FROM attempts a USING old
WHERE a.owner = old.owner AND a.kind = old.kind AND a.subject = old.subject RETURNING 1
"""
_COUNT: Final = "SELECT count(*) FROM attempts"
_SWEEP_LEAST: Final = """
WITH least AS MATERIALIZED (SELECT owner, kind, subject FROM attempts ORDER BY failures, forget_at LIMIT $1)
DELETE FROM attempts a USING least
WHERE a.owner = least.owner AND a.kind = least.kind AND a.subject = least.subject RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class _Change:
    keys: Sequence[CounterKey]
    rule: Callable[[Standing], Decision[Any]]
    note: Note[Any] | None


class PostgresCounters:
    """See `gatepass.usecases.ports.Counters`."""

    def __init__(self, worker: Worker, writer: Writer, reader: Reader) -> None:
        self._worker = worker
        self._writer = writer
        self._reader = reader

    async def change(
        self,
        keys: Sequence[CounterKey],
        rule: Callable[[Standing], Decision[Decided]],
        *,
        note: Note[Decided] | None = None,
        delayed: bool = False,  # noqa: ARG002 - all are durable here: a change waits for the server anyway
    ) -> Decided:
        """Read, decide, write, together with what waits beside it; a rule sees what those before it have left."""
        outcome: Decided = await self._worker.do(_change_some, _Change(keys, rule, note))
        return outcome

    async def page(
        self, after: CounterKey | None, limit: int, *, owner: bytes | None = None
    ) -> Sequence[tuple[CounterKey, Counter]]:
        """Counters in the order of owner, kind and subject."""
        start = (b"", "", "") if after is None else _columns(after)
        found = await self._reader.do(lambda connection: connection.fetch(_PAGE, *start, limit, owner))
        return [_counter(row) for row in found]

    async def sweep(self, now: datetime, most: int, limit: int) -> int:
        """Delete what is to be forgotten, and what is too much."""
        return await self._writer.do(lambda connection: _sweep(connection, now, most, limit))


async def _change_some(connection: Connection, operations: Sequence[_Change]) -> Sequence[Outcome]:
    async with transaction(connection):
        await connection.execute(_LOCK)
        keys = {key for operation in operations for key in operation.keys}
        standing = dict(_counter(row) for row in await connection.fetch(_FIND, *_as_columns(keys)))
        changed: dict[CounterKey, Counter | None] = {}
        outcomes = [_decided(operation, standing, changed) for operation in operations]
        await _write(connection, changed)
        await add_entries(connection, _noted(operations, outcomes))
    return outcomes


def _noted(operations: Sequence[_Change], outcomes: Sequence[Outcome]) -> list[AuditEvent]:
    decided = [each for each in zip(operations, outcomes, strict=True) if not isinstance(each[1], Exception)]
    return noted_of((operation.note for operation, _ in decided), (outcome for _, outcome in decided))


def _decided(
    operation: _Change, standing: dict[CounterKey, Counter], changed: dict[CounterKey, Counter | None]
) -> Outcome:
    """What a rule decides; one that raises changes nothing."""
    try:
        decision = operation.rule({key: standing[key] for key in operation.keys if key in standing})
    except Exception as error:
        return error
    for key, counter in decision.counters.items():
        changed[key] = counter
        if counter is None:
            standing.pop(key, None)
        else:
            standing[key] = counter
    return decision.outcome


async def _write(connection: Connection, changed: dict[CounterKey, Counter | None]) -> None:
    kept = {key: counter for key, counter in changed.items() if counter is not None}
    if kept:
        columns = zip(*((each.failures, each.at, each.forget_at) for each in kept.values()), strict=True)
        await connection.execute(_PUT, *_as_columns(kept), *columns)
    if gone := [key for key, counter in changed.items() if counter is None]:
        await connection.execute(_DELETE, *_as_columns(gone))


async def _sweep(connection: Connection, now: datetime, most: int, limit: int) -> int:
    await connection.execute(_LOCK)
    if gone := len(await connection.fetch(_SWEEP_FORGOTTEN, now, limit)):
        return gone
    superfluous = await connection.fetchval(_COUNT) - most
    return len(await connection.fetch(_SWEEP_LEAST, min(limit, superfluous))) if superfluous > 0 else 0


def _columns(key: CounterKey) -> tuple[bytes, str, str]:
    return key.owner, key.kind, key.subject


def _as_columns(keys: Any) -> tuple[list[Any], list[Any], list[Any]]:
    owners, kinds, subjects = zip(*map(_columns, keys), strict=True)
    return list(owners), list(kinds), list(subjects)


def _counter(row: Sequence[Any]) -> tuple[CounterKey, Counter]:
    owner, kind, subject, failures, at, forget_at = row
    return CounterKey(kind, owner, subject), Counter(failures, at, forget_at)
