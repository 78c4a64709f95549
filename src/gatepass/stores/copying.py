"""Moving everything from one store to another, of one moment, and proving that it arrived."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.in_use import StoreInUse
from gatepass.stores.opening import room_of
from gatepass.stores.tables import TABLES, Row, Table

_SOURCE_IN_USE: Final = (
    "The source is in use by {}. Stop its servers first: what they are told after the copy began would be missing in "
    "the target, and who refreshes meanwhile would be signed out there. To try the copy out while they go on, say "
    "--rehearsal."
)
_TARGET_IN_USE: Final = "The target is in use by {}. Stop its servers first: they must not see it change under them."


class Snapshot(Protocol):
    """A store at one moment."""

    @property
    def doubt(self) -> str | None:
        """Why others may be writing to it, although it was to be read alone; None where nobody can."""
        ...

    async def count(self, table: Table) -> int:
        """How many rows it has."""
        ...

    def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """All rows by their key, some at a time."""
        ...


class Filling(Snapshot, Protocol):
    """A store that is being filled: all of it appears when it is left, or nothing where it is left by an error."""

    async def clear(self, table: Table) -> None:
        """Remove all rows."""
        ...

    async def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows."""
        ...


@dataclass(frozen=True, slots=True)
class Copied:
    """One table that arrived: how many rows, and the SHA-256 of all of them in hexadecimal."""

    table: str
    rows: int
    digest: str


S = TypeVar("S", bound=Snapshot)
Progress = Callable[[str, int, int], None]
"""Called with a table, how many of its rows are done, and how many there are."""

Warn = Callable[[str], None]
"""Called before anything is copied, with why others may be writing to the source: that cannot always be known."""


async def copy(
    source: str, target: str, *, replaces: bool, rehearses: bool, progress: Progress, warn: Warn
) -> Sequence[Copied]:
    """
    Make the target hold exactly what the source holds now. Whatever interrupts it leaves the target as it was.

    What the source is told after the copy began does not come along. So nobody may serve on it, unless all this is a
    rehearsal. Nobody may serve on the target in any case.

    Args:
        source, target: URLs of stores that both have the tables of this version.
        replaces: whether a target that holds something already may lose it.
        rehearses: whether the source may be in use; then nobody is warned.

    Raises:
        StoreUnavailable: it could not be done, or did not arrive as it was sent; the target is as it was.
    """
    reading: AbstractAsyncContextManager[Snapshot]
    filling: AbstractAsyncContextManager[Filling]
    (from_room, from_where), (to_room, to_where) = room_of(source), room_of(target)
    if from_where == to_where:
        raise StoreUnavailable("The source and the target are the same store.")
    reading, filling = from_room.reading(from_where, alone=not rehearses), to_room.filling(to_where)
    async with (
        _opened("source", reading, _SOURCE_IN_USE) as sending,
        _opened("target", filling, _TARGET_IN_USE) as receiving,
    ):
        if sending.doubt:
            warn(sending.doubt)
        if not replaces:
            await _refuse_a_target_in_use(receiving)
        for table in reversed(TABLES):
            await receiving.clear(table)
        return [await _copy_table(table, sending, receiving, progress) for table in TABLES]


@asynccontextmanager
async def _opened(role: str, opening: AbstractAsyncContextManager[S], in_use: str) -> AsyncIterator[S]:
    """What cannot be opened says which of the two it is: one of them is named on no command line."""
    async with AsyncExitStack() as stack:
        try:
            opened = await stack.enter_async_context(opening)
        except StoreInUse as error:
            raise StoreUnavailable(in_use.format(error.by)) from error
        except StoreUnavailable as error:
            raise StoreUnavailable(f"The {role} cannot be used. {error}") from error
        yield opened


async def _refuse_a_target_in_use(receiving: Filling) -> None:
    for table in TABLES:
        if held := await receiving.count(table):
            raise StoreUnavailable(
                f"The target is not empty: it has {held} {table.name.replace('_', ' ')}. "
                "Say --replace to have all that it holds replaced."
            )


async def _copy_table(table: Table, sending: Snapshot, receiving: Filling, progress: Progress) -> Copied:
    sent, total = _Digest(), await sending.count(table)
    progress(table.name, 0, total)
    async for rows in sending.rows(table):
        await receiving.write(table, rows)
        sent.take(rows)
        progress(table.name, sent.rows, total)
    arrived = _Digest()
    async for rows in receiving.rows(table):
        arrived.take(rows)
    if (sent.rows, sent.hex) != (arrived.rows, arrived.hex):
        raise StoreUnavailable(f"The {table.name.replace('_', ' ')} did not arrive as they were sent.")
    return Copied(table.name, arrived.rows, arrived.hex)


class _Digest:
    """Counts and hashes rows in the order in which they come."""

    def __init__(self) -> None:
        self.rows = 0
        self._hash = hashlib.sha256()

    @property
    def hex(self) -> str:
        return self._hash.hexdigest()

    def take(self, rows: Sequence[Row]) -> None:
        self.rows += len(rows)
        self._hash.update("".join(map(repr, rows)).encode("utf-8", "surrogatepass"))
