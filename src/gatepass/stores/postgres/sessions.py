"""Sign-ins: opened, rotated, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from gatepass.domain.audit import Note
from gatepass.domain.identifiers import AccountId, Generation, SessionId
from gatepass.domain.rotation import Judge, Verdict
from gatepass.domain.secret import Secret
from gatepass.domain.session import UNKNOWN_ORIGIN, Session, SessionOrigin
from gatepass.stores.postgres import rows
from gatepass.stores.postgres.audit import add_entries, noted, noted_of
from gatepass.stores.postgres.connection import Connection, Target, transaction
from gatepass.stores.postgres.faults import as_seen_by_caller, may_be_asked_again
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.revocations import revoke_all, revoke_one, revoke_some
from gatepass.stores.postgres.sweep import Sweep
from gatepass.stores.postgres.worker import Outcome, PutOff, Worker
from gatepass.stores.postgres.writer import Writer, in_transaction
from gatepass.usecases.ports import AccountChanged, ListedSession, Opened, Replayed, Reused, Rotated, Rotation, Unknown

# The account is locked before it is looked at: whoever disables it comes before, and is seen, or after, and then finds
# the session.
_OPEN: Final = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
        $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[]
    ) AS w (id, account_id, client_id, salt, generation, opened_at, rotated_at, ends_at, revoked_at, scopes, address,
            user_agent, password_hash)
), owners AS MATERIALIZED (
    SELECT id, password_hash FROM accounts
    WHERE id = ANY ($2::uuid[]) AND disabled_at IS NULL ORDER BY id FOR SHARE
)
INSERT INTO sessions (
    id, account_id, client_id, salt, generation, opened_at, rotated_at, ends_at, revoked_at, scopes, address, user_agent
)
SELECT w.id, o.id, w.client_id, w.salt, w.generation, w.opened_at, w.rotated_at, w.ends_at, w.revoked_at, w.scopes,
       w.address, w.user_agent
FROM wanted w JOIN owners o ON o.id = w.account_id AND o.password_hash IS NOT DISTINCT FROM w.password_hash
RETURNING id
"""
# OFFSET 0: each account by its key, at whatever number. A plan for any batch may otherwise read every account of some
# thousands, each time.
_FIND: Final = f"""
SELECT {rows.SESSION} FROM unnest($1::uuid[]) AS w (id) JOIN sessions s ON s.id = w.id
JOIN LATERAL (SELECT {rows.ACCOUNT} FROM accounts a WHERE a.id = s.account_id OFFSET 0) a ON true
"""  # noqa: S608 - constants
_FIND_AND_LOCK: Final = f"""
SELECT {rows.SESSION} FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.id = $1 FOR NO KEY UPDATE OF s
"""  # noqa: S608 - constants
# Identifiers are ordered by time. Both walk an index backwards, the primary key or that of the account.
_PAGE: Final = f"""
SELECT s.address, s.user_agent, {rows.SESSION} FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id < $1 AND s.revoked_at IS NULL AND s.ends_at > $2 AND s.rotated_at > $3 ORDER BY s.id DESC LIMIT $4
"""  # noqa: S608 - constants
_PAGE_OF: Final = _PAGE.replace("WHERE", "WHERE s.account_id = $5 AND")
_AFTER_ALL: Final = UUID(int=2**128 - 1)
# Compare and swap. Whatever ends a session sets `revoked_at`, so what the judge saw still holds where this finds a row.
# The moves are in the order of the key and a nested loop updates, and so locks, in that order, as in revocations.py.
_ROTATE: Final = """
UPDATE sessions s SET generation = w.expected + 1, rotated_at = w.now
FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS w (id, expected, now)
WHERE s.id = w.id AND s.generation = w.expected AND s.revoked_at IS NULL RETURNING s.id
"""
_ROTATE_ONE: Final = "UPDATE sessions SET generation = $2, rotated_at = $3 WHERE id = $1"
_number: Final = attrgetter("int")
_PATIENCE: Final = 2
"""After so many batches in which others were quicker, a rotation locks its row first."""


@dataclass(slots=True, eq=False)
class _Rotate:
    session: SessionId
    judge: Judge
    now: datetime
    note: Note[Rotation] | None
    put_off: int = 0


@dataclass(frozen=True, slots=True)
class _Open:
    session: Session
    password_hash: str | None
    origin: SessionOrigin
    note: Note[Opened | AccountChanged] | None = None


@dataclass(frozen=True, slots=True)
class _Revoke:
    session: SessionId
    now: datetime
    of: AccountId | None
    note: Note[bool] | None


class PostgresSessions:
    """See `gatepass.usecases.ports.Sessions`."""

    def __init__(self, worker: Worker, writer: Writer, reader: Reader, target: Target) -> None:
        self._worker = worker
        self._writer = writer
        self._reader = reader
        self._sweep = Sweep(writer, reader)
        self._target = target

    async def open(
        self,
        session: Session,
        password_hash: Secret[str] | None,
        origin: SessionOrigin = UNKNOWN_ORIGIN,
        *,
        note: Note[Opened | AccountChanged] | None = None,
    ) -> Opened | AccountChanged:
        """Store a new session, if its account is still what the password was checked against."""
        operation = _Open(session, password_hash.reveal() if password_hash else None, origin, note)
        outcome: Opened | AccountChanged = await self._worker.do(self._open_some, operation)
        return outcome

    async def rotate(
        self, session: SessionId, judge: Judge, now: datetime, *, note: Note[Rotation] | None = None
    ) -> Rotation:
        """
        Apply the judge's verdict, exactly once, durably.

        The judge is asked again when the row changed under it. If it raises, nothing was written, its exception comes
        out here, and its neighbours do not notice.
        """
        outcome: Rotation = await self._worker.do(self._rotate_some, _Rotate(session, judge, now, note))
        return outcome

    async def page(
        self, account: AccountId | None, after: SessionId | None, limit: int, *, now: datetime, idle_since: datetime
    ) -> Sequence[ListedSession]:
        """Living sessions, newest first."""
        values = (after or _AFTER_ALL, now, idle_since, limit)
        found = await self._reader.do(
            lambda connection: (
                connection.fetch(_PAGE_OF, *values, account) if account else connection.fetch(_PAGE, *values)
            )
        )
        return [ListedSession(rows.session(row[2:]), SessionOrigin(row[0], row[1])) for row in found]

    async def revoke(
        self, session: SessionId, now: datetime, *, of: AccountId | None = None, note: Note[bool] | None = None
    ) -> bool:
        """End one session."""
        outcome: bool = await self._worker.do(_revoke_some, _Revoke(session, now, of, note))
        return outcome

    async def revoke_all(
        self, account: AccountId, now: datetime, *, but: SessionId | None = None, note: Note[int] | None = None
    ) -> int:
        """End every session of an account, but for one where one is named; how many."""
        return await self._writer.do(noted(lambda connection: revoke_all(connection, account, now, but=but), note))

    async def sweep(self, ended_before: datetime, idle_since: datetime, limit: int) -> int:
        """Delete up to `limit` rows, sessions before revocation entries."""
        return await self._sweep(ended_before, idle_since, limit)

    async def _open_some(self, connection: Connection, operations: Sequence[_Open]) -> Sequence[Outcome]:
        is_noted = any(operation.note for operation in operations)
        async with transaction(connection) if is_noted else self._target.statements(connection):
            opened = await open_sessions(connection, operations)
            outcomes = [Opened() if each.session.id in opened else AccountChanged() for each in operations]
            await add_entries(connection, noted_of((each.note for each in operations), outcomes))
        return outcomes

    async def _rotate_some(self, connection: Connection, operations: Sequence[_Rotate]) -> Sequence[Outcome]:
        batch = _Batch(operations)
        async with self._target.statements(connection):
            try:
                found = await connection.fetch(_FIND, list({each.session for each in operations}))
            except Exception as error:
                if may_be_asked_again(error):
                    return batch.outcomes
                raise
            batch.judge(found)
            if batch.moves:
                moved = await connection.fetch(_ROTATE, *batch.wanted())
                batch.put_off_unless({row["id"] for row in moved})
        await _note_replays(connection, operations, batch.outcomes)
        for place in batch.apart:
            batch.outcomes[place] = await _rotate_apart(connection, operations[place])
        return batch.outcomes


async def open_session(
    connection: Connection, session: Session, password_hash: Secret[str] | None, origin: SessionOrigin
) -> Opened | AccountChanged:
    """Inside a transaction: store a new session, if its account is still what the password was checked against."""
    operation = _Open(session, password_hash.reveal() if password_hash else None, origin)
    return Opened() if await open_sessions(connection, [operation]) else AccountChanged()


async def open_sessions(connection: Connection, operations: Sequence[_Open]) -> frozenset[UUID]:
    """Store new sessions in one statement; those whose account is as it was."""
    columns = zip(*map(_columns, operations), strict=True)
    return frozenset(row["id"] for row in await connection.fetch(_OPEN, *columns))


def _columns(operation: _Open) -> tuple[object, ...]:
    session, origin = operation.session, operation.origin
    return (
        session.id,
        session.account.id,
        session.client_id,
        session.salt,
        session.generation,
        session.opened_at,
        session.rotated_at,
        session.ends_at,
        session.revoked_at,
        rows.scopes_or_none(session.granted),
        origin.address,
        origin.user_agent,
        operation.password_hash,
    )


class _Batch:
    """
    Rotations that are judged together, each after those before it.

    An outcome that rests on a move is true only if the database made that move; else all of that session come again.
    """

    def __init__(self, operations: Sequence[_Rotate]) -> None:
        self._operations = operations
        self.outcomes: list[Outcome] = [PutOff.AGAIN] * len(operations)
        self.apart: list[int] = []
        self.moves: dict[UUID, Session] = {}

    def judge(self, found: Sequence[Sequence[object]]) -> None:
        """Ask each judge what to do with its row, as it stands and as those before it will leave it."""
        standing = {row[0]: rows.session(row) for row in found}
        closed: set[UUID] = set()
        for place, operation in enumerate(self._operations):
            session = standing.get(operation.session)
            if session is None:
                self.outcomes[place] = Unknown()
            elif operation.session in closed:
                continue
            elif operation.put_off >= _PATIENCE:
                closed.add(operation.session)
                self.apart.append(place)
            else:
                self._judge_one(place, operation, session, standing, closed)

    def _judge_one(
        self, place: int, operation: _Rotate, session: Session, standing: dict[object, Session], closed: set[UUID]
    ) -> None:
        try:
            verdict = operation.judge(session)
        except Exception as error:
            self.outcomes[place] = error
            return
        match verdict:
            case Verdict.ROTATE if session.id not in self.moves:
                moved = _moved_on(session, operation.now)
                self.moves[session.id] = standing[session.id] = moved
                self.outcomes[place] = Rotated(moved)
            case Verdict.ROTATE:
                # Once more in one batch: when the first move has been made.
                closed.add(session.id)
            case Verdict.REPLAY:
                self.outcomes[place] = Replayed(session)
            case Verdict.REFUSE:
                self.outcomes[place] = Unknown()
            case Verdict.REUSE:
                closed.add(session.id)
                self.apart.append(place)

    def wanted(self) -> tuple[list[UUID], list[int], list[datetime]]:
        """The moves as the columns of `_ROTATE`, in the order of the key."""
        moves = [self.moves[key] for key in sorted(self.moves, key=_number)]
        return (
            [move.id for move in moves],
            [move.generation - 1 for move in moves],
            [move.rotated_at for move in moves],
        )

    def put_off_unless(self, moved: set[UUID]) -> None:
        """Take back what rests on a move that the database did not make: somebody else was quicker."""
        for place, operation in enumerate(self._operations):
            if operation.session in self.moves and operation.session not in moved:
                operation.put_off += 1
                self.outcomes[place] = PutOff.AGAIN


async def _rotate_apart(connection: Connection, operation: _Rotate) -> Outcome:
    """One rotation with its row locked. Whatever goes wrong is its own matter: the batch is durable already."""
    try:
        return await in_transaction(connection, noted(lambda locked: _rotate_locked(locked, operation), operation.note))
    except Exception as error:
        return as_seen_by_caller(error)


async def _note_replays(connection: Connection, operations: Sequence[_Rotate], outcomes: list[Outcome]) -> None:
    """What the batch did is durable already; a replay that cannot be noted is not answered."""
    places = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Replayed)]
    events = noted_of((operations[place].note for place in places), [outcomes[place] for place in places])
    if not events:
        return
    try:
        await in_transaction(connection, lambda locked: add_entries(locked, events))
    except Exception as error:
        for place in places:
            outcomes[place] = as_seen_by_caller(error)


async def _rotate_locked(connection: Connection, operation: _Rotate) -> Rotation:
    row = await connection.fetchrow(_FIND_AND_LOCK, operation.session)
    if row is None:
        return Unknown()
    session = rows.session(row)
    match operation.judge(session):
        case Verdict.ROTATE:
            moved = _moved_on(session, operation.now)
            await connection.execute(_ROTATE_ONE, moved.id, moved.generation, moved.rotated_at)
            return Rotated(moved)
        case Verdict.REPLAY:
            return Replayed(session)
        case Verdict.REUSE:
            await revoke_one(connection, session.id, operation.now)
            return Reused(_as_ended(session, operation.now))
        case Verdict.REFUSE:
            return Unknown()


async def _revoke_some(connection: Connection, operations: Sequence[_Revoke]) -> Sequence[Outcome]:
    """Of several who end one session in one batch, the first one does it; the others find it ended next time."""
    first: dict[SessionId, _Revoke] = {}
    for operation in operations:
        first.setdefault(operation.session, operation)
    async with transaction(connection):
        these = first.values()
        ended = await revoke_some(connection, list(first), [one.now for one in these], [one.of for one in these])
        await add_entries(connection, noted_of((one.note for one in these), [one.session in ended for one in these]))
    return [
        operation.session in ended if first[operation.session] is operation else PutOff.AGAIN
        for operation in operations
    ]


def _moved_on(session: Session, now: datetime) -> Session:
    return Session(
        session.id,
        session.account,
        session.client_id,
        session.salt,
        Generation(session.generation + 1),
        session.opened_at,
        now,
        session.ends_at,
        session.revoked_at,
        session.granted,
    )


def _as_ended(session: Session, now: datetime) -> Session:
    return Session(
        session.id,
        session.account,
        session.client_id,
        session.salt,
        session.generation,
        session.opened_at,
        session.rotated_at,
        session.ends_at,
        now,
        session.granted,
    )
