"""Connections to the server: what the URL says of them, and what the server behind it has to be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores.postgres.faults import HUNG_UP

CONNECT_TIMEOUT: Final = timedelta(seconds=5)
COMMAND_TIMEOUT: Final = timedelta(seconds=10)
"""A statement that takes longer is given up: its caller hears of it, and the connection is dropped."""

OLDEST_VERSION: Final = 13
_PGBOUNCER: Final = "pgbouncer"
_APPLICATION_NAME: Final = "gatepass"
_SWITCH: Final = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
_ABOUT: Final = """
SELECT current_setting('server_version_num')::int / 10000 AS version,
       current_setting('server_version') AS version_text,
       current_setting('server_encoding') AS encoding,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('default_transaction_isolation') AS isolation
"""


class Connection(Protocol):
    """What the store uses of a connection of asyncpg."""

    async def fetch(self, query: str, *args: object) -> Sequence[Any]: ...  # noqa: D102
    async def fetchrow(self, query: str, *args: object) -> Any: ...  # noqa: D102
    async def fetchval(self, query: str, *args: object) -> Any: ...  # noqa: D102
    async def execute(self, query: str, *args: object) -> str: ...  # noqa: D102
    def transaction(self, *, isolation: str | None = None, readonly: bool = False) -> AbstractAsyncContextManager[Any]:
        """BEGIN and COMMIT, or ROLLBACK where the body raised."""
        ...

    def terminate(self) -> None:
        """Drop it without a word to the server."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where and how to connect.

    `through_pgbouncer`: a pooler hands each transaction to another server connection, so nothing may outlive one: no
    prepared statement, no LISTEN.
    """

    dsn: str
    through_pgbouncer: bool

    @classmethod
    def of(cls, url: str) -> Target:
        """
        What a URL says. All its parameters are PostgreSQL's own (`sslmode`, `sslrootcert`, …), but for `pgbouncer`.

        Raises:
            StoreUnavailable: `pgbouncer` is neither true nor false.
        """
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        switch = dict(pairs).get(_PGBOUNCER, "false")
        if switch not in _SWITCH:
            raise StoreUnavailable("In database_url, pgbouncer must be true or false.")
        rest = urlencode([pair for pair in pairs if pair[0] != _PGBOUNCER], quote_via=quote)
        return cls(urlunsplit(parts._replace(query=rest)), _SWITCH[switch])

    @asynccontextmanager
    async def statements(self, connection: Connection) -> AsyncIterator[None]:
        """Around statements that need no transaction; a pooler keeps a connection together only within one."""
        if self.through_pgbouncer:
            async with transaction(connection):
                yield
        else:
            yield

    def pool(self, connections: int) -> Any:
        """A pool of connections that are made when they are needed, and made again when they were lost."""
        return asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=connections,
            timeout=CONNECT_TIMEOUT.total_seconds(),
            command_timeout=COMMAND_TIMEOUT.total_seconds(),
            reset=_leave_as_it_is,
            **self._options(),
        )

    async def connect(self) -> Any:
        """
        One connection apart.

        Raises:
            StoreUnavailable: the server hung up before it was made, as it does on a certificate that it does not trust.
        """
        try:
            return await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT.total_seconds(), **self._options())
        except asyncpg.PostgresConnectionError as error:
            raise StoreUnavailable(HUNG_UP) from error

    def _options(self) -> dict[str, Any]:
        named = any(name == "application_name" for name, _ in parse_qsl(urlsplit(self.dsn).query))
        return {
            "server_settings": {} if named else {"application_name": _APPLICATION_NAME},
            "statement_cache_size": 0 if self.through_pgbouncer else 100,
        }


def transaction(connection: Connection, *, readonly: bool = False) -> AbstractAsyncContextManager[Any]:
    """A transaction in which each statement sees what was committed before it, whatever the server's default is."""
    return connection.transaction(isolation="read_committed", readonly=readonly)


async def check_server(connection: Connection) -> None:
    """
    Refuse a server on which a promise of the store would not hold.

    Raises:
        StoreUnavailable: it says what to change.
    """
    about = await connection.fetchrow(_ABOUT)
    if about["version"] < OLDEST_VERSION:
        raise StoreUnavailable(f"This is PostgreSQL {about['version_text']}; {OLDEST_VERSION} or later is needed.")
    if about["encoding"] != "UTF8":
        raise StoreUnavailable(
            f"The database's encoding is {about['encoding']}. Make one with: CREATE DATABASE … ENCODING 'UTF8' "
            "TEMPLATE template0"
        )
    # Both would let an answered rotation or revocation get lost.
    if about["synchronous_commit"] in ("off", "0", "no", "false"):
        raise StoreUnavailable(
            "synchronous_commit is off for this role or database. Switch it on: "
            "ALTER ROLE … SET synchronous_commit = on"
        )
    if about["isolation"] != "read committed":
        raise StoreUnavailable(
            f"default_transaction_isolation is {about['isolation']} for this role or database. Set it back: "
            "ALTER ROLE … SET default_transaction_isolation = 'read committed'"
        )


async def _leave_as_it_is(_: object) -> None:
    """Nothing is set in a session, so there is nothing to reset; asyncpg's own way would be one more round trip."""
