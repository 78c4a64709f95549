"""Rotations: all that wait are read with one statement and written with another."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from gatepass.domain.audit import AuditEvent, Note
from gatepass.domain.identifiers import Generation, SessionId
from gatepass.domain.rotation import Judge, Verdict
from gatepass.domain.session import Session
from gatepass.stores.sqlite import rows
from gatepass.stores.sqlite.audit import add_entries
from gatepass.stores.sqlite.revocations import revoke_one
from gatepass.stores.sqlite.writer import JointOperation
from gatepass.usecases.ports import Replayed, Reused, Rotated, Rotation, Unknown

_FIND: Final = f"SELECT s.id, {rows.SESSION} FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.id IN "  # noqa: S608 - constants
_ROTATE: Final = "UPDATE sessions SET generation = ?, rotated_at = ? WHERE id = ? AND generation = ?"


class Rotate(JointOperation[Rotation]):
    """
    Applies the judge's verdict to one session.

    Every call of SQLite lets go of the interpreter lock and fights for it again with the event loop: for a batch that
    is once now, and was twice for each rotation.
    """

    __slots__ = ("judge", "note", "now", "session")

    def __init__(self, session: SessionId, judge: Judge, now: datetime, note: Note[Rotation] | None = None) -> None:
        self.session = session
        self.judge = judge
        self.now = now
        self.note = note

    @staticmethod
    def together(connection: sqlite3.Connection, operations: Sequence[Rotate]) -> list[Rotation]:
        """Do them in order: two of the same session see each other."""
        batch = _Batch(connection, {operation.session for operation in operations})
        outcomes = [batch.apply(operation) for operation in operations]
        batch.write()
        add_entries(connection, [event for pair in zip(operations, outcomes, strict=True) if (event := _event(*pair))])
        return outcomes


def _event(operation: Rotate, outcome: Rotation) -> AuditEvent | None:
    return None if operation.note is None else operation.note(outcome)


class _Batch:
    """The sessions of a batch as they stand, and what is still to be written of them."""

    def __init__(self, connection: sqlite3.Connection, sessions: Collection[SessionId]) -> None:
        self._connection = connection
        self._rows = _read(connection, [session.bytes for session in sessions])
        self._sessions: dict[SessionId, Session] = {}
        self._read_at: dict[SessionId, Generation] = {}

    def apply(self, operation: Rotate) -> Rotation:
        session = self._session(operation.session)
        if session is None:
            return Unknown()
        match operation.judge(session):
            case Verdict.ROTATE:
                self._read_at.setdefault(session.id, session.generation)
                return Rotated(self._keep(_moved_on(session, operation.now)))
            case Verdict.REPLAY:
                return Replayed(session)
            case Verdict.REUSE:
                revoke_one(self._connection, session.id, operation.now)
                return Reused(self._keep(_ended(session, operation.now)))
            case Verdict.REFUSE:
                return Unknown()

    def write(self) -> None:
        """Bring the rows to the generations that the sessions have come to."""
        moved = [(self._sessions[session], was) for session, was in self._read_at.items()]
        parameters = [
            (session.generation, rows.microseconds(session.rotated_at), session.id.bytes, was) for session, was in moved
        ]
        if parameters and self._connection.executemany(_ROTATE, parameters).rowcount != len(parameters):
            raise AssertionError("a row changed inside a transaction that holds the write lock")

    def _session(self, session_id: SessionId) -> Session | None:
        session = self._sessions.get(session_id)
        if session is None and (row := self._rows.get(session_id.bytes)) is not None:
            session = self._keep(rows.session(session_id, row[1:]))
        return session

    def _keep(self, session: Session) -> Session:
        self._sessions[session.id] = session
        return session


def _read(connection: sqlite3.Connection, ids: list[bytes]) -> dict[bytes, tuple[object, ...]]:
    """
    The rows of these sessions by id, those that there are.

    The last id is repeated up to a power of two, so that there are ten statements to prepare and not hundreds.
    """
    padded = ids + ids[-1:] * ((1 << (len(ids) - 1).bit_length()) - len(ids))
    found = connection.execute(f"{_FIND}({','.join('?' * len(padded))})", padded)
    return {row[0]: row for row in found.fetchall()}


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


def _ended(session: Session, now: datetime) -> Session:
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
