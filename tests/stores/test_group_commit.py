"""Group commit without threads: one transaction for all, and who is told what when something fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.sqlite import writer
from gatepass.stores.sqlite.connection import BUSY_TIMEOUT, connect_for_writing, create_privately
from gatepass.stores.sqlite.worker import Operation
from gatepass.stores.sqlite.writer import DelayedDurability, GroupCommit


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    create_privately(path)
    connection = connect_for_writing(path, "FULL", BUSY_TIMEOUT)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE deeds (name TEXT PRIMARY KEY)")
    yield connection
    connection.close()


def write(name: str) -> Operation[str]:
    def operation(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO deeds VALUES (?)", (name,))
        return name

    return operation


def fail_after_writing(error: Exception) -> Operation[None]:
    def operation(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO deeds VALUES ('half')")
        raise error

    return operation


def deeds(path: Path) -> list[str]:
    """What another process finds."""
    connection = sqlite3.connect(path)
    try:
        return sorted(name for (name,) in connection.execute("SELECT name FROM deeds"))
    finally:
        connection.close()


def test_everything_that_waits_is_one_commit(connection: sqlite3.Connection, path: Path) -> None:
    statements: list[str] = []
    group = GroupCommit(connection)
    connection.set_trace_callback(statements.append)
    assert group.run([write("a"), write("b"), write("c")]) == ["a", "b", "c"]
    assert statements[0] == "BEGIN IMMEDIATE"
    assert statements[-1] == "COMMIT"
    assert statements.count("COMMIT") == 1
    assert deeds(path) == ["a", "b", "c"]


def test_only_the_culprit_fails_and_nothing_of_it_stays(connection: sqlite3.Connection, path: Path) -> None:
    error = ValueError("its own")
    outcomes = GroupCommit(connection).run([write("a"), fail_after_writing(error), write("b")])
    assert outcomes == ["a", error, "b"]
    assert deeds(path) == ["a", "b"]


def test_each_of_several_culprits_gets_its_own_error(connection: sqlite3.Connection, path: Path) -> None:
    errors = [ValueError("one"), KeyError("two")]
    outcomes = GroupCommit(connection).run([fail_after_writing(errors[0]), write("a"), fail_after_writing(errors[1])])
    assert outcomes == [errors[0], "a", errors[1]]
    assert deeds(path) == ["a"]


def test_an_error_of_the_database_becomes_a_fault_that_quotes_no_value(connection: sqlite3.Connection) -> None:
    outcomes = GroupCommit(connection).run([write("secret"), write("secret")])
    assert outcomes[0] == "secret"
    fault = outcomes[1]
    assert isinstance(fault, StoreUnavailable)
    assert isinstance(fault.__cause__, sqlite3.IntegrityError)
    assert "secret" not in str(fault)


def test_finding_one_culprit_among_many_takes_few_commits(connection: sqlite3.Connection, path: Path) -> None:
    statements: list[str] = []
    operations: list[Operation[Any]] = [write(str(number)) for number in range(256)]
    operations[99] = fail_after_writing(ValueError())
    connection.set_trace_callback(statements.append)
    GroupCommit(connection).run(operations)
    assert statements.count("COMMIT") == 8
    assert len(deeds(path)) == 255


def test_where_sqlite_gives_up_the_whole_transaction_the_neighbours_get_through_all_the_same(
    connection: sqlite3.Connection, path: Path
) -> None:
    """After some errors of the disk SQLite rolls back everything on its own."""

    def lose_everything(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    outcomes = GroupCommit(connection).run([write("a"), lose_everything, write("b")])
    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == ("a", StoreUnavailable, "b")
    assert deeds(path) == ["a", "b"]


def test_where_the_commit_fails_nobody_is_told_that_it_was_done(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("CREATE TABLE orphans (of TEXT REFERENCES deeds (name) DEFERRABLE INITIALLY DEFERRED)")
    group = GroupCommit(connection)
    outcomes = group.run([write("a"), lambda connection: connection.execute("INSERT INTO orphans VALUES ('nobody')")])
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert not connection.in_transaction
    assert deeds(path) == []
    assert group.run([write("c")]) == ["c"]


def test_where_another_process_keeps_the_lock_all_fail_after_one_wait(
    connection: sqlite3.Connection, path: Path
) -> None:
    connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = GroupCommit(connection).run([write(str(number)) for number in range(100)])
    other.execute("ROLLBACK")
    other.close()
    assert {str(outcome) for outcome in outcomes} == {
        "The database stayed locked by another process. Find out which, and end it or wait."
    }
    assert len({id(outcome) for outcome in outcomes}) == 100
    assert GroupCommit(connection).run([write("a")]) == ["a"]


NORMAL, FULL = 1, 2


class Delayed(DelayedDurability[int]):
    """Writes a name; its outcome is how its commit was going to wait for the disk."""

    def __init__(self, name: str, *, must_last: bool = False) -> None:
        super().__init__()
        self._name, self._finds = name, must_last

    def __call__(self, connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO deeds VALUES (?)", (self._name,))
        self.must_last = self._finds
        return synchronous(connection)


def synchronous(connection: sqlite3.Connection) -> int:
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    return int(level)


def test_only_a_batch_that_may_be_lost_waits_for_no_disk(connection: sqlite3.Connection, path: Path) -> None:
    group = GroupCommit(connection)
    assert group.run([Delayed("a"), Delayed("b")]) == [NORMAL, NORMAL]
    assert group.run([Delayed("c"), synchronous]) == [FULL, FULL]
    assert group.run([Delayed("d")]) == [NORMAL]
    assert group.run([synchronous]) == [FULL]
    assert deeds(path) == ["a", "b", "c", "d"]


def test_one_that_finds_that_it_must_last_makes_its_batch_wait_for_the_disk(
    connection: sqlite3.Connection, path: Path
) -> None:
    group = GroupCommit(connection)
    assert group.run([Delayed("a"), Delayed("b", must_last=True)]) == [FULL, FULL]
    assert group.run([Delayed("c")]) == [NORMAL]
    assert deeds(path) == ["a", "b", "c"]


def test_the_culprit_among_delayed_ones_fails_alone(connection: sqlite3.Connection, path: Path) -> None:
    outcomes = GroupCommit(connection).run([Delayed("a"), Delayed("a"), Delayed("b")])
    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (NORMAL, StoreUnavailable, NORMAL)
    assert deeds(path) == ["a", "b"]


def test_a_store_that_was_told_to_wait_for_no_disk_is_left_as_it_was_told(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = OFF")
    assert GroupCommit(connection).run([Delayed("a")]) == [0]


def log_frames(connection: sqlite3.Connection) -> tuple[int, int]:
    """Frames in the write-ahead log, and how many of them are in the database already."""
    _, frames, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return frames, copied


@pytest.fixture
def checkpoint_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_AFTER_CHANGES", 50)


def fill(group: GroupCommit, prefix: str) -> None:
    for number in range(60):
        group.run([write(f"{prefix}{number}-{index}") for index in range(10)])
        group.rest()


@pytest.mark.usefixtures("checkpoint_often")
def test_the_write_ahead_log_stays_small(connection: sqlite3.Connection, path: Path) -> None:
    fill(GroupCommit(connection), "a")
    wal = path.with_name(path.name + "-wal")
    assert wal.stat().st_size < 60 * 4200
    assert len(deeds(path)) == 600


@pytest.mark.usefixtures("checkpoint_often")
def test_a_reader_elsewhere_that_does_not_let_go_costs_a_bounded_wait_and_no_write(
    connection: sqlite3.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_WAIT_MS", 1)
    group = GroupCommit(connection)
    fill(group, "a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM deeds").fetchone()
    fill(group, "b")
    assert other.execute("SELECT count(*) FROM deeds").fetchone() == (600,)
    other.close()
    fill(group, "c")
    assert len(deeds(path)) == 1800
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)


def test_a_checkpoint_holds_the_write_lock_so_that_no_other_process_commits_meanwhile(
    connection: sqlite3.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://sqlite.org/wal.html#walresetbug: a passive checkpoint beside a commit can damage the file."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    GroupCommit(connection).checkpoint()
    assert "PRAGMA wal_checkpoint(FULL)" in statements
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
