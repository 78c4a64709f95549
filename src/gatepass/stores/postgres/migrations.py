"""
The schema, as numbered SQL files that are applied once and recorded, by command only.

Nothing is changed behind an operator's back: a server that finds another schema than it was made for says so and ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.postgres.connection import Connection, transaction

UPGRADE_LOCK: Final = 0x47504D49
_LOCK: Final = f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK}, hashtext(current_schema()))"
_IS_THERE: Final = "SELECT to_regclass(quote_ident(current_schema()) || '.migrations') IS NOT NULL"
_SCHEMA: Final = "SELECT current_schema()"
_FOREIGN: Final = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname = ANY ($1::text[]) LIMIT 1
"""
_RECORD: Final = """
CREATE TABLE migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_RECORDED: Final = "SELECT version, name, checksum FROM migrations ORDER BY version"
_NOTE: Final = "INSERT INTO migrations (version, name, checksum) VALUES ($1, $2, $3)"
_OWN_TABLES: Final = ("accounts", "sessions", "revocations", "sealed_keys")
_NO_SCHEMA: Final = (
    "There is no schema to work in. Make one for the role, as the database's owner: "
    "CREATE SCHEMA AUTHORIZATION the_role"
)


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


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """What is in the database, and what this version of Gatepass still has for it."""

    applied: Sequence[str]
    missing: Sequence[str]


@cache
def known() -> Sequence[Migration]:
    """The migrations of this version of Gatepass, in order."""
    folder = files("gatepass.stores.postgres").joinpath("migrations")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(
        Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text("utf-8").replace("\r\n", "\n"))
        for file in found
    )


async def migrate(connection: Connection, migrations: Sequence[Migration]) -> Sequence[str]:
    """
    Bring an empty or older schema to the newest version, once, however many do it at the same time; what was applied.

    Raises:
        StoreUnavailable: not ours, newer than we are, or made from other migrations; nothing was applied.
    """
    async with transaction(connection):
        if await connection.fetchval(_SCHEMA) is None:
            raise StoreUnavailable(_NO_SCHEMA)
        await connection.execute(_LOCK)
        if not await connection.fetchval(_IS_THERE):
            await _refuse_foreign_tables(connection)
            await connection.execute(_RECORD)
        missing = _missing(await connection.fetch(_RECORDED), migrations)
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(_NOTE, migration.version, migration.name, migration.checksum)
    return [migration.name for migration in missing]


async def status(connection: Connection, migrations: Sequence[Migration]) -> SchemaStatus:
    """
    What is applied and what is missing; everything where there is no table of Gatepass yet.

    Raises:
        StoreUnavailable: newer than we are, or made from other migrations.
    """
    recorded = await connection.fetch(_RECORDED) if await connection.fetchval(_IS_THERE) else []
    missing = _missing(recorded, migrations)
    return SchemaStatus([row["name"] for row in recorded], [migration.name for migration in missing])


async def check(connection: Connection, migrations: Sequence[Migration]) -> None:
    """Raise `StoreUnavailable` unless exactly these migrations are in the database; it names the command that helps."""
    found = await status(connection, migrations)
    if not found.applied:
        raise StoreUnavailable("There are no tables of Gatepass in the database. Run 'gatepass db upgrade' first.")
    if found.missing:
        raise StoreUnavailable(
            f"The database lacks the migration {found.missing[0]}. Run 'gatepass db upgrade', which applies it."
        )


async def _refuse_foreign_tables(connection: Connection) -> None:
    foreign = await connection.fetchval(_FOREIGN, list(_OWN_TABLES))
    if foreign is not None:
        raise StoreUnavailable(
            f"The schema has a table {foreign} that Gatepass did not make. Give Gatepass a schema of its own: "
            "CREATE SCHEMA gatepass AUTHORIZATION the_role, and ALTER ROLE the_role SET search_path = gatepass"
        )


def _missing(recorded: Sequence[Any], migrations: Sequence[Migration]) -> Sequence[Migration]:
    by_version = {row["version"]: row for row in recorded}
    for migration in migrations:
        row = by_version.get(migration.version)
        if row is not None and row["checksum"] != migration.checksum:
            raise StoreUnavailable(
                f"The database was made with another {migration.name} than this Gatepass has. "
                "Use the version that made it, or restore a backup."
            )
    for version, row in by_version.items():
        if version > migrations[-1].version:
            raise StoreUnavailable(f"The database was upgraded by a newer Gatepass ({row['name']}). Upgrade this one.")
    return [migration for migration in migrations if migration.version not in by_version]
