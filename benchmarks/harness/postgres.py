"""A PostgreSQL that waits for its disk, filled with sessions, and pgbench beside it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from benchmarks.harness.rotations import SessionIds
from gatepass.stores import postgres
from tests.kit.postgres import Server, own_server

# What docs/how-to/postgresql.md advises for millions of sessions; both sides of a comparison have the same.
SETTINGS: Final = {
    "max_connections": "100",
    "shared_buffers": "3GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
}
ACCOUNTS: Final = 1_000
SALT: Final = b"\x05" * 16
# Time-ordered as UUIDv7 are, and computed from a number, so that pgbench can pick one as well.
_FIRST_SESSION: Final = 0x0190_0000_0000_7000_8000_0000_0000_0000
_ID: Final = "('{prefix}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"
_ACCOUNTS: Final = f"""
SELECT {_ID.format(prefix="01800000", number="n")}, n || '@bench.example', 'read', now()
FROM generate_series(0, {{last}}) n
"""
_SESSIONS: Final = f"""
SELECT {_ID.format(prefix="01900000", number="n")}, {_ID.format(prefix="01800000", number="n % {accounts}")},
       'gatepass', decode(repeat('05', 16), 'hex'), 0::bigint, now(), now(), now() + interval '90 days'
FROM generate_series(0, {{last}}) n
"""
_PGBENCH: Final = f"""
\\set n random(0, {{last}})
UPDATE sessions SET generation = generation + 1, rotated_at = now()
    WHERE id = {_ID.format(prefix="01900000", number="cast(:n AS bigint)")};
"""


def session_id(number: int) -> UUID:
    """Of the session with this number."""
    return UUID(int=_FIRST_SESSION + number)


def session_ids(count: int) -> SessionIds:
    """Of the first so many sessions."""
    return SessionIds((_FIRST_SESSION + number).to_bytes(16) for number in range(count))


@dataclass
class Pgbench:
    """`pgbench` with one update a transaction; one entry in the list for each round."""

    server: Server
    schema: str
    sessions: int
    clients: int = 8
    rate: list[float] = field(default_factory=list)

    def round(self, seconds: float) -> None:
        """Measure once."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(_PGBENCH.format(last=self.sessions - 1))
            script.flush()
            target = f"postgresql://gatepass@127.0.0.1:{self.server.port}/gatepass"
            what = ("-n", "-M", "prepared", "-c", str(self.clients), "-j", "2", "-T", str(max(1, round(seconds))))
            schema = f"options=-csearch_path%3D{self.schema}"
            said = self.server.program("pgbench", *what, "-f", script.name, f"{target}?{schema}")
        (line,) = [line for line in said.splitlines() if line.startswith("tps =")]
        self.rate.append(float(line.split()[2]))


@contextlib.contextmanager
def durable_server() -> Iterator[Server]:
    """A server with PostgreSQL's own defaults for durability: `fsync` and `synchronous_commit` are on."""
    with own_server(SETTINGS) as server:
        yield server


def filled(server: Server, sessions: int, accounts: int = ACCOUNTS) -> str:
    """The name of a schema with that many sessions."""
    schema = server.new_schema()
    asyncio.run(postgres.upgrade(server.url(schema)))
    for statement in (
        "DROP INDEX sessions_by_account",
        *_copied(server, "accounts (id, email, scopes, created_at)", _ACCOUNTS.format(last=accounts - 1)),
        *_copied(
            server,
            "sessions (id, account_id, client_id, salt, generation, opened_at, rotated_at, ends_at)",
            _SESSIONS.format(last=sessions - 1, accounts=accounts),
        ),
        "CREATE INDEX sessions_by_account ON sessions (account_id, id)",
        "VACUUM ANALYZE sessions",
        "VACUUM ANALYZE accounts",
    ):
        server.psql(f"SET search_path = {schema}; {statement}")
    server.psql("CHECKPOINT")
    return schema


def _copied(server: Server, table: str, rows: str) -> Iterator[str]:
    """Statements that fill a table with COPY, by way of a file in the server's own folder."""
    file = server.folder / "data" / "rows.copy"
    yield f"COPY ({rows}) TO '{file}' (FORMAT binary)"
    yield f"COPY {table} FROM '{file}' (FORMAT binary)"


def touch_every_page(server: Server, schema: str) -> None:
    """
    Change a row of each page of sessions once.

    PostgreSQL logs a page whole the first time that it changes after a checkpoint. In a small table that is over within
    a second, in one of 5 million sessions it goes on until most pages have been met, at about 0.5 pages a rotation.
    """
    server.psql(
        f"UPDATE {schema}.sessions SET rotated_at = rotated_at "
        "WHERE ctid = ANY (ARRAY (SELECT format('(%s,1)', n)::tid "
        f"FROM generate_series(0, pg_relation_size('{schema}.sessions') / 8192) n))"
    )


def megabytes(server: Server, schema: str) -> float:
    """The sessions of a schema with their indexes."""
    return int(server.psql(f"SELECT pg_total_relation_size('{schema}.sessions')")) / 1e6


def has_huge_pages(server: Server) -> bool:
    """Whether the server's memory is in pages of 2 MB, as it is where the system has enough of them reserved."""
    return server.psql("SELECT current_setting('huge_pages_status', true)") == "on"


def hot_share(server: Server, schema: str) -> float:
    """Of all updates of sessions, those that touched no index."""
    time.sleep(1.2)  # statistics come a second late
    counted = server.psql(
        f"SELECT n_tup_hot_upd::float / greatest(n_tup_upd, 1) FROM pg_stat_all_tables "
        f"WHERE schemaname = '{schema}' AND relname = 'sessions'"
    )
    return float(counted)
