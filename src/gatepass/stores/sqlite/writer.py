"""Group commit: everything that waits goes into one transaction, and one wait for the disk."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, Final, Generic, TypeVar

from gatepass.stores.sqlite.faults import store_unavailable
from gatepass.stores.sqlite.worker import Operation, Outcome

CHECKPOINT_AFTER_CHANGES: Final = 1_000
"""Writes wait meanwhile: 14 ms in a store of a million sessions, where 4,000 are 45 ms and hardly cheaper a piece."""
CHECKPOINT_WAIT_MS: Final = 250
_NORMAL: Final = 1
"""`PRAGMA synchronous`: commits wait for no disk, and survive the end of the process, not that of the machine."""

Value = TypeVar("Value")


class JointOperation(ABC, Generic[Value]):
    """An operation that costs less when others of its kind are done with it."""

    __slots__ = ()

    @staticmethod
    @abstractmethod
    def together(connection: sqlite3.Connection, operations: Sequence[Any]) -> list[Value]:
        """Do them all; one outcome for each, in order. If one cannot be done, raise: it will be found."""

    def __call__(self, connection: sqlite3.Connection) -> Value:
        """Do it alone."""
        return self.together(connection, [self])[0]


class DelayedDurability(ABC, Generic[Value]):
    """
    An operation that may be answered before the disk has it; the next commit that waits for the disk takes it along.

    It sets `must_last` where, having run, it finds that it has to be waited for. Then it is rolled back and run again.
    """

    __slots__ = ("must_last",)

    def __init__(self) -> None:
        self.must_last = False

    @abstractmethod
    def __call__(self, connection: sqlite3.Connection) -> Value:
        """Do it."""


class GroupCommit:
    """
    Runs operations in one `BEGIN IMMEDIATE … COMMIT`; when `run` returns they are durable, unless each of them is
    content with `DelayedDurability`.

    If one of them raises, the transaction is rolled back and each half is run again as a transaction of its own, down
    to the culprit, who fails alone. So an operation may run several times and must do nothing but its SQL. (Savepoints
    cost the same and spare the second run, but where SQLite itself gives up the whole transaction, as it does when
    the disk is full, they leave nobody standing.)
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._checkpointed = connection.total_changes
        (self._as_configured,) = connection.execute("PRAGMA synchronous").fetchone()
        self._synchronous = self._as_configured

    def run(self, operations: Sequence[Operation[Any]]) -> Sequence[Outcome]:
        """Their outcomes, once committed. Where the transaction itself fails, that is the outcome of all of them."""
        try:
            return self._commit(operations, delayed=all(isinstance(each, DelayedDurability) for each in operations))
        except _OperationFailed as failure:
            if len(operations) == 1:
                return [_as_seen_by_caller(failure.error)]
            middle = len(operations) // 2
            return [*self.run(operations[:middle]), *self.run(operations[middle:])]
        except sqlite3.Error as error:
            return [store_unavailable(error) for _ in operations]

    def rest(self) -> None:
        """
        Copy the write-ahead log into the database now and then.

        With `FULL`, SQLite holds the write lock meanwhile. Its automatic checkpoints do not, and up to 3.51.2 one that
        runs while another process commits can damage the file: https://sqlite.org/wal.html#walresetbug.
        A reader elsewhere that does not let go costs `CHECKPOINT_WAIT_MS`, and the rest is copied next time.
        """
        changes = self._connection.total_changes
        if changes - self._checkpointed < CHECKPOINT_AFTER_CHANGES:
            return
        self._checkpointed = changes
        # What cannot be copied now stays in the log, durable all the same.
        with suppress(sqlite3.Error):
            self.checkpoint()

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the database, waiting no longer than `CHECKPOINT_WAIT_MS` for others."""
        (busy_timeout,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        self._connection.execute(f"PRAGMA busy_timeout = {CHECKPOINT_WAIT_MS}")
        try:
            self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {busy_timeout}")

    def close(self) -> None:
        """Let go of the connection; the last one of all processes removes the write-ahead log."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _commit(self, operations: Sequence[Operation[Any]], *, delayed: bool) -> Sequence[Outcome]:
        self._synchronize(min(self._as_configured, _NORMAL) if delayed else self._as_configured)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = _run_all(self._connection, operations)
            enough = not (
                delayed and any(isinstance(each, DelayedDurability) and each.must_last for each in operations)
            )
            self._connection.execute("COMMIT" if enough else "ROLLBACK")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes if enough else self._commit(operations, delayed=False)

    def _synchronize(self, level: int) -> None:
        if level != self._synchronous:
            self._connection.execute(f"PRAGMA synchronous = {level}")
            self._synchronous = level


class _OperationFailed(Exception):
    """One of several operations raised; nothing is known of the others yet."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _run_all(connection: sqlite3.Connection, operations: Sequence[Operation[Any]]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        for kind, neighbours in groupby(operations, type):
            if issubclass(kind, JointOperation):
                outcomes += kind.together(connection, list(neighbours))
            else:
                outcomes += [operation(connection) for operation in neighbours]
    except Exception as error:
        raise _OperationFailed(error) from error
    return outcomes


def _as_seen_by_caller(error: Exception) -> Exception:
    return store_unavailable(error) if isinstance(error, sqlite3.Error) else error
