"""Copies of the file, made while others write to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.sqlite.connection import BUSY_TIMEOUT, connect_for_reading
from gatepass.stores.sqlite.faults import faults_of

_PAGES_AT_ONCE: Final = 4096


def back_up(source: Path, file: Path) -> None:
    """
    Copy a store into a new file, for its owner only. The copy is of one moment.

    It appears whole or not at all, and is on the disk when this returns.

    Raises:
        StoreUnavailable: `file` is there already, or the copy could not be made.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _copy(source, partial, file)
        os.link(partial, file)
        _sync(file.parent)
    except FileExistsError as error:
        raise StoreUnavailable(f"{file} is there already, and was left as it is.") from error
    except OSError as error:
        raise StoreUnavailable(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        for companion in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                partial.with_name(partial.name + companion).unlink()


def back_up_once(source: Path, file: Path) -> None:
    """As `back_up`, unless there is one."""
    if file.exists():
        return
    try:
        back_up(source, file)
    except StoreUnavailable:
        # Another process that does the same was quicker.
        if not file.exists():
            raise


def _copy(source: Path, partial: Path, file: Path) -> None:
    with faults_of(source), closing(connect_for_reading(source, BUSY_TIMEOUT)) as reading:
        # One read transaction around all steps: else each commit of another process would begin the copy anew.
        reading.execute("BEGIN")
        reading.execute("SELECT 1 FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(partial, isolation_level=None)) as writing:
            with faults_of(file):
                reading.backup(writing, pages=_PAGES_AT_ONCE)
                (verdict,) = writing.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise StoreUnavailable(f"{source} is damaged: the copy is not whole.")
    with suppress(FileNotFoundError):
        _sync(partial)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
