"""The store that this run is about: SQLite, or with `TEST_STORE=postgres` PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar

from gatepass.stores.opening import open_store
from gatepass.usecases.ports import Store
from tests.kit.postgres import executed, postgres_url_for, rows_of_folder

STORE: Final = "TEST_STORE"
"""Environment variable: `postgres` runs every whole service on PostgreSQL in place of SQLite."""
R = TypeVar("R")


def is_postgres() -> bool:
    """Whether this run is about PostgreSQL."""
    return os.environ.get(STORE) == "postgres"


def store_url(folder: Path) -> str:
    """The store of a data folder; on PostgreSQL with its tables."""
    return postgres_url_for(folder) if is_postgres() else f"sqlite:///{folder / 'gatepass.db'}"


def store_variables(folder: Path) -> dict[str, str]:
    """What a process needs in its environment to have the store of this run; nothing for SQLite."""
    return {"GATEPASS_DATABASE_URL": postgres_url_for(folder)} if is_postgres() else {}


def in_store(folder: Path, deed: Callable[[Store], Awaitable[R]]) -> R:
    """Do something with the store, as a server beside a command would."""

    async def do() -> R:
        store = await open_store(store_url(folder))
        try:
            return await deed(store)
        finally:
            await store.close()

    return waited_for(do())


def waited_for(work: Coroutine[Any, Any, R]) -> R:
    """Run it to its end in a loop apart: a browser's library has one in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def execute(folder: Path, *statements: str) -> None:
    """Statements of somebody who has the database itself, and has removed what is there against slips."""
    if is_postgres():
        return executed(folder, *statements)
    with closing(sqlite3.connect(folder / "gatepass.db", isolation_level=None)) as connection:
        for trigger in ("audit_entries_stay_as_they_are", "audit_entries_stay"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.execute(statement)
    return None


def as_blob(value: bytes) -> str:
    """Bytes as a literal of the store's SQL."""
    return f"'\\x{value.hex()}'::bytea" if is_postgres() else f"x'{value.hex()}'"


def all_rows(folder: Path) -> dict[str, list[Any]]:
    """Every row of every table, to compare before and after; nothing where there is no store yet."""
    if is_postgres():
        return rows_of_folder(folder)
    file = folder / "gatepass.db"
    if not file.exists():
        return {}
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in tables if not name.startswith("sqlite_")]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in kept}
