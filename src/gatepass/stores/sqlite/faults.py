"""SQLite's errors as the one fault that the ports know."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gatepass.domain.errors import StoreUnavailable

_PRIMARY_CODE: Final = 0xFF
_MESSAGES: Final = {
    sqlite3.SQLITE_BUSY: "The database stayed locked by another process. Find out which, and end it or wait.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened. Check that it is there and may be read and written.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged. Restore it from a backup.",
    sqlite3.SQLITE_FULL: "The disk is full. Free some space; the store goes on by itself.",
    sqlite3.SQLITE_IOERR: "The disk failed to read or write the database.",
    sqlite3.SQLITE_NOTADB: "The database file is not an SQLite database.",
    sqlite3.SQLITE_PERM: "The database file may not be written.",
    sqlite3.SQLITE_READONLY: "The database file, its folder or its disk may not be written.",
}


def store_unavailable(error: BaseException) -> StoreUnavailable:
    """
    The fault for an error of SQLite, with `error` as its cause.

    The message comes from SQLite's result code, never from its text, which may quote values.
    """
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & _PRIMARY_CODE if isinstance(code, int) else None
    fault = StoreUnavailable(_MESSAGES.get(primary or 0, "The database could not do it."))
    fault.__cause__ = error
    return fault


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Name the file, for operators: what SQLite raises within becomes `StoreUnavailable`."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {store_unavailable(error)}") from error
