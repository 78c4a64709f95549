"""The audit log: entries that go with a deed, in its transaction, and the chain they form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar, cast

from gatepass.domain.account import EmailAddress
from gatepass.domain.audit import ORIGIN, AuditEvent, Deed, Link, Note, Reason, Result, Seal, following
from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.session import SessionOrigin
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.writer import Operation, Writer
from gatepass.usecases.ports import AuditEntry, AuditQuery

Value = TypeVar("Value")

_COLUMNS: Final = (
    "number, at, deed, result, reason, account_id, email, session_id, client_id, door, operator, address, user_agent, "
    "request_id, detail, digest"
)
_ADD: Final = f"INSERT INTO audit_entries ({_COLUMNS}) VALUES ({', '.join(f'${n}' for n in range(1, 17))})"  # noqa: S608
# Whoever adds to the chain holds this row until the end of the transaction, the last thing that is locked in it.
_LOCK: Final = "SELECT number, digest FROM audit_last FOR UPDATE"
_LAST: Final = "SELECT number, digest FROM audit_last"
_MOVE: Final = "UPDATE audit_last SET number = $1, digest = $2"
_SEAL: Final = "SELECT start_number, start_digest, end_number, end_digest, mac FROM audit_seal"
_REPLACE_SEAL: Final = """
INSERT INTO audit_seal (id, start_number, start_digest, end_number, end_digest, mac) VALUES (1, $1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET start_number = excluded.start_number, start_digest = excluded.start_digest,
    end_number = excluded.end_number, end_digest = excluded.end_digest, mac = excluded.mac
"""
_DIGEST_OF: Final = "SELECT digest FROM audit_entries WHERE number = $1"
_DELETE: Final = "DELETE FROM audit_entries WHERE number <= $1"


class PostgresAuditTrail:
    """See `gatepass.usecases.ports.AuditTrail`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def record(self, event: AuditEvent) -> None:
        """Note what changed nothing else."""
        await self._writer.do(lambda connection: add_entries(connection, [event]))

    async def page(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Up to `limit` entries."""
        sql, values = _asked(query)
        found = await self._reader.do(lambda connection: connection.fetch(sql, *values))
        return [_entry(row) for row in found]

    async def ends(self) -> tuple[Seal | None, Link]:
        """The seal, and the last entry; the seal first, so that it is never ahead."""

        async def look(connection: Connection) -> tuple[Seal | None, Link]:
            return await _seal(connection), _link(await connection.fetchrow(_LAST))

        return await self._reader.do(look)

    async def replace_seal(self, was: Seal | None, seal: Seal) -> bool:
        """Put another seal in place of `was`, and delete the entries up to its start."""
        return await self._writer.do(lambda connection: _replace_seal(connection, was, seal))


def noted(operation: Operation[Value], note: Note[Value] | None) -> Operation[Value]:
    """The operation, and in its transaction the entry that `note` makes of its outcome."""
    if note is None:
        return operation

    async def run(connection: Connection) -> Value:
        outcome = await operation(connection)
        event = note(outcome)
        if event is not None:
            await add_entries(connection, [event])
        return outcome

    return run


def noted_of(notes: Iterable[Note[Any] | None], outcomes: Iterable[object]) -> list[AuditEvent]:
    """What these notes make of these outcomes."""
    made = [note(outcome) for note, outcome in zip(notes, outcomes, strict=True) if note is not None]
    return [event for event in made if event is not None]


async def add_entries(connection: Connection, events: Sequence[AuditEvent]) -> None:
    """Inside a transaction, as its last part: add entries at the end of the chain."""
    if not events:
        return
    link = _link(await connection.fetchrow(_LOCK))
    for event in events:
        link = following(link, event)
        await connection.execute(_ADD, *_columns(link, event))
    await connection.execute(_MOVE, link.number, link.digest)


def _columns(link: Link, event: AuditEvent) -> tuple[object, ...]:
    occasion = event.occasion
    return (
        link.number,
        event.at,
        event.deed.value,
        event.result.value,
        event.reason,
        event.account,
        event.email,
        event.session,
        event.client_id,
        occasion.door.value,
        occasion.operator,
        occasion.origin.address,
        occasion.origin.user_agent,
        occasion.request_id,
        event.detail,
        link.digest,
    )


def _link(row: Any) -> Link:
    return ORIGIN if row is None else Link(row["number"], row["digest"])


async def _seal(connection: Connection) -> Seal | None:
    row = await connection.fetchrow(_SEAL)
    return None if row is None else Seal(Link(row[0], row[1]), Link(row[2], row[3]), row[4])


async def _replace_seal(connection: Connection, was: Seal | None, seal: Seal) -> bool:
    last = _link(await connection.fetchrow(_LOCK))
    if await _seal(connection) != was or not await _has(connection, seal.end, last):
        return False
    start, end = seal.start, seal.end
    await connection.execute(_REPLACE_SEAL, start.number, start.digest, end.number, end.digest, seal.mac)
    await connection.execute(_DELETE, start.number)
    return True


async def _has(connection: Connection, end: Link, last: Link) -> bool:
    digest = await connection.fetchval(_DIGEST_OF, end.number)
    return bool(digest == end.digest) if digest is not None else last == end


def _asked(query: AuditQuery) -> tuple[str, list[object]]:
    conditions, values = ["number > $1"], [query.after]
    given: dict[str, object] = {
        "number <": query.before,
        "at >=": query.since,
        "email =" if isinstance(query.account, str) else "account_id =": query.account,
        "deed =": query.deed.value if query.deed else None,
    }
    all_values: list[object] = [*values]
    for condition, value in given.items():
        if value is not None:
            all_values.append(value)
            conditions.append(f"{condition} ${len(all_values)}")
    all_values.append(query.limit)
    order = "DESC" if query.newest_first else "ASC"
    where = " AND ".join(conditions)
    sql = f"SELECT {_COLUMNS} FROM audit_entries WHERE {where} ORDER BY number {order} LIMIT ${len(all_values)}"  # noqa: S608 - constants
    return sql, all_values


def _entry(row: Any) -> AuditEntry:
    """Words of a newer Gatepass, or of a forger, are taken as they are: the digest says whether they belong there."""
    number, at, deed, result, reason, account, email, session, client_id, door = row[:10]
    operator, address, user_agent, request_id, detail, digest = row[10:]
    try:
        event = AuditEvent(
            cast(Deed, deed),
            at,
            Occasion(cast(Door, door), SessionOrigin(address, user_agent), request_id, operator),
            cast(Result, result),
            cast(Reason, reason),
            None if account is None else AccountId(account),
            None if email is None else EmailAddress(email),
            None if session is None else SessionId(session),
            client_id,
            detail,
        )
    except (ValueError, TypeError) as error:
        raise StoreUnavailable(f"Entry {number} of the audit log is damaged: {error}.") from error
    return AuditEntry(Link(number, digest), event)
