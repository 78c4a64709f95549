"""
The schema, as numbered SQL files that are applied once and recorded.

A file that is not ours is refused before anything in it is touched. One that a newer Gatepass wrote, or that was made
from other migrations than these, is refused too: guessing would damage it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.sqlite.backup import back_up_once

APPLICATION_ID: Final = 0x47504153
"""`GPAS`: what `file` and others read at offset 68 of a database."""

_LOCKED_RETRY: Final = timedelta(milliseconds=20)
_RECORD: Final = """
CREATE TABLE migrations (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of its text, with Unix line ends."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> Iterator[str]:
        """Its statements one by one: `executescript` would commit behind our back."""
        statement = ""
        for line in self.sql.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement
                statement = ""


@cache
def known() -> Sequence[Migration]:
    """The migrations of this version of Gatepass, in order."""
    folder = files("gatepass.stores.sqlite").joinpath("migrations")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(
        Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text("utf-8").replace("\r\n", "\n"))
        for file in found
    )


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """What is in the file, and what this version of Gatepass still has for it."""

    applied: Sequence[str]
    missing: Sequence[str]


def status(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> SchemaStatus:
    """
    What is applied and what is missing; everything where the file is empty.

    Raises:
        StoreUnavailable: not ours, newer than we are, or made from other migrations.
    """
    with _transaction(connection, "BEGIN"):
        if _is_fresh(connection, path):
            return SchemaStatus((), [migration.name for migration in migrations])
        missing = _missing(connection, path, migrations)
        applied = connection.execute("SELECT name FROM migrations ORDER BY version").fetchall()
    return SchemaStatus([name for (name,) in applied], [migration.name for migration in missing])


def migrate(
    connection: sqlite3.Connection, path: Path, busy_timeout: timedelta, migrations: Sequence[Migration]
) -> Sequence[str]:
    """
    Bring a fresh or older file to the newest version, once, however many processes try; what was applied.

    An older one is copied first, to `<file>.before-<migration>` beside it.

    Raises:
        StoreUnavailable: not a database, not ours, newer than we are, or made from other migrations.
        sqlite3.Error: the database could not do it; nothing was applied.
    """
    found = status(connection, path, migrations)
    if found.applied and found.missing:
        back_up_once(path, path.with_name(f"{path.name}.before-{found.missing[0]}"))
    _use_write_ahead_log(connection, path, busy_timeout)
    with _transaction(connection, "BEGIN IMMEDIATE"):
        # Again under the lock: another process may have been quicker.
        if _is_fresh(connection, path):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(_RECORD)
        missing = _missing(connection, path, migrations)
        for migration in missing:
            _apply(connection, migration)
    return [migration.name for migration in missing]


def check(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Raise `StoreUnavailable` unless exactly these migrations are in the file."""
    if missing := _missing(connection, path, migrations):
        raise StoreUnavailable(f"{path} lacks the migration {missing[0].name}. Restart Gatepass, which applies it.")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _is_fresh(connection: sqlite3.Connection, path: Path) -> bool:
    """Empty, or ours already; refuses everything else. Needs a transaction: both answers must be of one moment."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != APPLICATION_ID and (application_id or tables):
        raise StoreUnavailable(
            f"{path} is a database of another program. Name a file that Gatepass made, or a new one."
        )
    return bool(application_id == 0)


def _use_write_ahead_log(connection: sqlite3.Connection, path: Path, busy_timeout: timedelta) -> None:
    """Switching asks for an exclusive lock without using the busy timeout, so that is done here."""
    deadline = time.monotonic() + busy_timeout.total_seconds()
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_LOCKED_RETRY.total_seconds())
        else:
            break
    if mode != "wal":
        raise StoreUnavailable(f"{path} cannot have a write-ahead log there. Put it on a local disk.")


def _missing(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> Sequence[Migration]:
    recorded = {
        version: (name, checksum)
        for version, name, checksum in connection.execute("SELECT version, name, checksum FROM migrations")
    }
    for migration in migrations:
        _, checksum = recorded.get(migration.version, (None, migration.checksum))
        if checksum != migration.checksum:
            raise StoreUnavailable(
                f"{path} was made with another {migration.name} than this Gatepass has. "
                "Use the version that made it, or restore a backup."
            )
    for name in [name for version, (name, _) in recorded.items() if version > migrations[-1].version]:
        raise StoreUnavailable(f"{path} was written by a newer Gatepass ({name}). Upgrade this one.")
    return [migration for migration in migrations if migration.version not in recorded]


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    for statement in migration.statements():
        connection.execute(statement)
    connection.execute(
        "INSERT INTO migrations (version, name, checksum) VALUES (?, ?, ?)",
        (migration.version, migration.name, migration.checksum),
    )
