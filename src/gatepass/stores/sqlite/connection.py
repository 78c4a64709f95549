"""Connections to the database file, and what each is set to."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from gatepass.domain.errors import StoreUnavailable

Synchronous = Literal["FULL", "NORMAL_LOSES_ANSWERED_WRITES_AT_POWER_LOSS"]
"""`FULL` waits for the disk before each answer. The other one exists to be measured against."""

BUSY_TIMEOUT: Final = timedelta(seconds=5)
_PAGE_BYTES: Final = 1024
_WRITER_CACHE_KIB: Final = 16_384
_READER_CACHE_KIB: Final = 4_096
_WAL_LIMIT_BYTES: Final = 64 * 2**20


def create_privately(path: Path) -> None:
    """
    Make an empty file that only its owner may read, unless there is one.

    SQLite gives its `-wal` and `-shm` files the mode of the database. An existing file is not even opened: closing it
    would drop the POSIX locks that another connection of this process holds.

    Raises:
        StoreUnavailable: it cannot be made there.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileNotFoundError as error:
        raise StoreUnavailable(f"The folder {path.parent} does not exist. Create it first.") from error
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be created: {error.strerror}.") from error
    if path.is_dir():
        raise StoreUnavailable(f"{path} is a folder. Name a file in it.")


def connect_for_writing(path: Path, synchronous: Synchronous, busy_timeout: timedelta) -> sqlite3.Connection:
    """
    The one connection that writes. It touches nothing in the file yet.

    A rotation changes one row, but a whole page is written for it, twice: in a store of a million sessions pages of
    1 KiB make it 47 µs, SQLite's 4 KiB 56. `wal_autocheckpoint` is off because `GroupCommit` checkpoints under the
    write lock; see there. `mmap` stays off: through it a failing disk kills the process instead of raising an error.
    """
    return _connect(
        f"{path.as_uri()}?mode=rw",
        busy_timeout,
        f"PRAGMA page_size = {_PAGE_BYTES}",
        f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}",
        f"PRAGMA synchronous = {synchronous.partition('_')[0]}",
        "PRAGMA foreign_keys = ON",
        "PRAGMA wal_autocheckpoint = 0",
        f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}",
        "PRAGMA temp_store = MEMORY",
    )


def connect_for_reading(path: Path, busy_timeout: timedelta) -> sqlite3.Connection:
    """A connection that cannot write, whatever it is asked to."""
    return _connect(f"{path.as_uri()}?mode=ro", busy_timeout, f"PRAGMA cache_size = -{_READER_CACHE_KIB}")


def connect_alone(path: Path) -> sqlite3.Connection:
    """
    A connection that shares the file with nobody from its first look into it on, and is refused at once where others
    have it open: in a write-ahead log they hold a shared lock for as long as they are connected. It changes no row.
    """
    return _connect(
        f"{path.as_uri()}?mode=rw",
        timedelta(0),
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA query_only = ON",
        f"PRAGMA cache_size = -{_READER_CACHE_KIB}",
    )


def _connect(uri: str, busy_timeout: timedelta, *pragmas: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=busy_timeout.total_seconds(),
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in ("PRAGMA trusted_schema = OFF", *pragmas):
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection
