"""Which store it is, by its URL: the one place that knows both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatepass.domain.errors import StoreUnavailable
from gatepass.usecases.ports import Store

if TYPE_CHECKING:
    from types import ModuleType

SQLITE: Final = "sqlite:///"


class SchemaStatus(Protocol):
    """Names of migrations, in their order: those in the store, and those that this version still has for it."""

    @property
    def applied(self) -> Sequence[str]:  # noqa: D102
        ...
    @property
    def missing(self) -> Sequence[str]:  # noqa: D102
        ...


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for a database on a server."""
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


async def open_store(url: str) -> Store:
    """
    Open the store that a URL names. An SQLite file is made or upgraded where needed, tables of PostgreSQL never.

    Raises:
        StoreUnavailable: it cannot be opened; the message says what to do.
    """
    module, where = room_of(url)
    store: Store = await module.open_store(where)
    return store


async def upgrade(url: str) -> Sequence[str]:
    """
    Make or upgrade the tables of the store; the names of the migrations that were applied now.

    Raises:
        StoreUnavailable: nothing was changed; the message says what to do.
    """
    module, where = room_of(url)
    applied: Sequence[str] = await module.upgrade(where)
    return applied


async def schema_status(url: str) -> SchemaStatus:
    """
    What is in the store, and what is missing.

    Raises:
        StoreUnavailable: it cannot be opened, or is not of this version or an older one.
    """
    module, where = room_of(url)
    found: SchemaStatus = await module.schema_status(where)
    return found


async def back_up(url: str, file: Path) -> None:
    """
    Copy an SQLite store into a new file, while others use it.

    Raises:
        StoreUnavailable: it could not be done, and no file is left; or the store is no SQLite file.
    """
    source = sqlite_file(url)
    if source is None:
        raise StoreUnavailable("Only an SQLite store is copied this way. PostgreSQL has pg_dump and pg_basebackup.")
    from gatepass.stores import sqlite  # noqa: PLC0415 - one of them is enough

    await asyncio.to_thread(sqlite.back_up, source, file)


def room_of(url: str) -> tuple[ModuleType, Any]:
    """
    The room that keeps it, which alone is imported, and where that has it.

    Raises:
        StoreUnavailable: the package that it needs is not installed.
    """
    file = sqlite_file(url)
    if file is not None:
        from gatepass.stores import sqlite  # noqa: PLC0415

        return sqlite, file.resolve()
    try:
        from gatepass.stores import postgres  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise StoreUnavailable("PostgreSQL needs one more package: pip install 'gatepass[postgres]'") from error
    return postgres, url
