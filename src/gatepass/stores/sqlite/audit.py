"""The audit log: entries that go with a deed, in its transaction, and the chain they form."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from gatepass.domain.account import EmailAddress
from gatepass.domain.audit import ORIGIN, AuditEvent, Deed, Link, Note, Reason, Result, Seal, following
from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.session import SessionOrigin
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.worker import Operation, Worker
from gatepass.usecases.ports import AuditEntry, AuditQuery

Value = TypeVar("Value")

_COLUMNS: Final = (
    "number, at, deed, result, reason, account_id, email, session_id, client_id, door, operator, address, user_agent, "
    "request_id, detail, digest"
)
_ADD: Final = f"INSERT INTO audit_entries ({_COLUMNS}) VALUES ({', '.join('?' * 16)})"  # noqa: S608 - constants
_LAST: Final = "SELECT number, digest FROM audit_entries ORDER BY number DESC LIMIT 1"
_SEAL: Final = "SELECT start_number, start_digest, end_number, end_digest, mac FROM audit_seal"
_REPLACE_SEAL: Final = "INSERT OR REPLACE INTO audit_seal VALUES (1, ?, ?, ?, ?, ?)"
_DIGEST_OF: Final = "SELECT digest FROM audit_entries WHERE number = ?"
_DELETE: Final = "DELETE FROM audit_entries WHERE number <= ?"


class SqliteAuditTrail:
    """See `gatepass.usecases.ports.AuditTrail`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def record(self, event: AuditEvent) -> None:
        """Note what changed nothing else."""
        await self._writer.do(lambda connection: add_entry(connection, event))

    async def page(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Up to `limit` entries."""
        return await self._reader.do(lambda connection: _page(connection, query))

    async def ends(self) -> tuple[Seal | None, Link]:
        """The seal and the last entry, of one moment."""
        return await self._reader.do(lambda connection: (_seal(connection), _last(connection)))

    async def replace_seal(self, was: Seal | None, seal: Seal) -> bool:
        """Put another seal in place of `was`, and delete the entries up to its start."""
        return await self._writer.do(lambda connection: _replace_seal(connection, was, seal))


def noted(operation: Operation[Value], note: Note[Value] | None) -> Operation[Value]:
    """The operation, and in its transaction the entry that `note` makes of its outcome."""
    if note is None:
        return operation

    def run(connection: sqlite3.Connection) -> Value:
        outcome = operation(connection)
        add_noted(connection, note, outcome)
        return outcome

    return run


def add_noted(connection: sqlite3.Connection, note: Note[Value] | None, outcome: Value) -> bool:
    """Inside a transaction: add the entry that `note` makes of an outcome, if it makes one. True: it did."""
    event = note(outcome) if note is not None else None
    if event is not None:
        add_entry(connection, event)
    return event is not None


def add_entry(connection: sqlite3.Connection, event: AuditEvent) -> None:
    """Inside a transaction that has the write lock: add an entry at the end of the chain."""
    add_entries(connection, [event])


def add_entries(connection: sqlite3.Connection, events: Sequence[AuditEvent]) -> None:
    """As `add_entry`, for several: the end of the chain is looked up once, and they are written with one statement."""
    if not events:
        return
    links = accumulate(events, following, initial=_last(connection))
    next(links)
    connection.executemany(_ADD, [_row(link, event) for link, event in zip(links, events, strict=True)])


def _row(link: Link, event: AuditEvent) -> tuple[object, ...]:
    occasion = event.occasion
    return (
        link.number,
        rows.microseconds(event.at),
        event.deed.value,
        event.result.value,
        event.reason,
        event.account.bytes if event.account else None,
        event.email,
        event.session.bytes if event.session else None,
        event.client_id,
        occasion.door.value,
        occasion.operator,
        occasion.origin.address,
        occasion.origin.user_agent,
        occasion.request_id,
        event.detail,
        link.digest,
    )


def _last(connection: sqlite3.Connection) -> Link:
    """The last entry; where all of them were deleted for their age, what the seal remembers of it."""
    row = connection.execute(_LAST).fetchone()
    if row is not None:
        return Link(*row)
    seal = _seal(connection)
    return ORIGIN if seal is None else seal.end


def _seal(connection: sqlite3.Connection) -> Seal | None:
    row = connection.execute(_SEAL).fetchone()
    return None if row is None else Seal(Link(*row[:2]), Link(*row[2:4]), row[4])


def _replace_seal(connection: sqlite3.Connection, was: Seal | None, seal: Seal) -> bool:
    if _seal(connection) != was or not _has(connection, seal.end, was):
        return False
    start, end = seal.start, seal.end
    connection.execute(_REPLACE_SEAL, (start.number, start.digest, end.number, end.digest, seal.mac))
    connection.execute(_DELETE, (start.number,))
    return True


def _has(connection: sqlite3.Connection, end: Link, was: Seal | None) -> bool:
    row = connection.execute(_DIGEST_OF, (end.number,)).fetchone()
    if row is not None:
        return bool(row[0] == end.digest)
    return end in (ORIGIN, was.end if was else ORIGIN) and _last(connection) == end


def _page(connection: sqlite3.Connection, query: AuditQuery) -> Sequence[AuditEntry]:
    conditions, values = ["number > :after"], {"after": query.after, "limit": query.limit, **_filters(query)}
    conditions += [_CONDITIONS[name] for name in values if name in _CONDITIONS]
    order = "DESC" if query.newest_first else "ASC"
    sql = f"SELECT {_COLUMNS} FROM audit_entries WHERE {' AND '.join(conditions)} ORDER BY number {order} LIMIT :limit"  # noqa: S608 - constants
    return [_entry(row) for row in connection.execute(sql, values)]


_CONDITIONS: Final = {
    "before": "number < :before",
    "since": "at >= :since",
    "account": "account_id = :account",
    "email": "email = :email",
    "deed": "deed = :deed",
}


def _filters(query: AuditQuery) -> dict[str, Any]:
    given: dict[str, Any] = {
        "before": query.before,
        "since": None if query.since is None else rows.microseconds(query.since),
        "account": query.account.bytes if isinstance(query.account, UUID) else None,
        "email": query.account if isinstance(query.account, str) else None,
        "deed": query.deed.value if query.deed else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    try:
        return _read(row)
    except (ValueError, OverflowError, TypeError) as error:
        raise StoreUnavailable(f"Entry {row[0]} of the audit log is damaged: {error}.") from error


def _read(row: tuple[Any, ...]) -> AuditEntry:
    """Words of a newer Gatepass, or of a forger, are taken as they are: the digest says whether they belong there."""
    number, at, deed, result, reason, account, email, session, client_id, door = row[:10]
    operator, address, user_agent, request_id, detail, digest = row[10:]
    event = AuditEvent(
        cast(Deed, deed),
        rows.moment(at),
        Occasion(cast(Door, door), SessionOrigin(address, user_agent), request_id, operator),
        cast(Result, result),
        cast(Reason, reason),
        None if account is None else AccountId(UUID(bytes=account)),
        None if email is None else EmailAddress(email),
        None if session is None else SessionId(UUID(bytes=session)),
        client_id,
        detail,
    )
    return AuditEntry(Link(number, digest), event)
