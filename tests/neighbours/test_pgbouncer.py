"""The store through a real PgBouncer in transaction mode, which gives each transaction another connection."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores import postgres
from gatepass.usecases.ports import Rotated
from tests.kit.postgres import Server, shared_server
from tests.kit.processes import free_port, waits_for_port
from tests.kit.store_world import DAY, NOW, announced, enrol

CONNECTIONS = 3
PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = [
    pytest.mark.names_its_stores("PgBouncer is PostgreSQL's neighbour"),
    pytest.mark.skipif(PGBOUNCER is None, reason="needs pgbouncer: apt-get install pgbouncer"),
]
# The schema of this test stands in the pool's own start-up statement: PgBouncer takes no such parameter of clients.
_SETTINGS = """
[databases]
gatepass = host=127.0.0.1 port={server} dbname=gatepass user=gatepass connect_query='SET search_path = {schema}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
unix_socket_dir =
pool_mode = transaction
default_pool_size = {connections}
server_round_robin = 1
logfile = {folder}/log
"""


@pytest.fixture
def url() -> Iterator[str]:
    """Through a pool of three connections."""
    server: Server = shared_server()
    folder, port = Path(tempfile.mkdtemp(prefix="gatepass-pgbouncer-")), free_port()
    folder.chmod(0o777)
    settings = folder / "ini"
    settings.write_text(
        _SETTINGS.format(
            server=server.port, schema=server.new_schema(), port=port, folder=folder, connections=CONNECTIONS
        )
    )
    user = "nobody" if os.geteuid() == 0 else None
    process = subprocess.Popen([str(PGBOUNCER), "-q", str(settings)], user=user)
    try:
        waits_for_port(port)
        yield f"postgresql://gatepass@127.0.0.1:{port}/gatepass"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


async def test_everything_works_with_the_parameter_that_the_page_names(url: str) -> None:
    through = f"{url}?pgbouncer=true"
    await postgres.upgrade(through)
    store, elsewhere = await postgres.open_store(through), await postgres.open_store(through)
    ana = await enrol(store)
    sessions = await asyncio.gather(*(ana.signs_in() for _ in range(60)))
    for generation in range(3):
        people = (ana, ana.on(elsewhere))
        outcomes = await asyncio.gather(*(each.refreshes(s, generation) for s in sessions for each in people))
        assert sum(isinstance(outcome, Rotated) for outcome in outcomes) == 60
    await asyncio.gather(*(store.sessions.revoke(session.id, NOW) for session in sessions))
    assert await announced(elsewhere) == {session.id for session in sessions}
    assert await store.accounts.set_enabled(ana.account.id, enabled=False, now=NOW)
    assert await store.sessions.sweep(NOW + DAY, NOW + DAY, 1000) == 120
    for each in (store, elsewhere):
        await each.close()


async def test_without_the_parameter_the_error_says_which_one_is_missing(url: str) -> None:
    await postgres.upgrade(f"{url}?pgbouncer=true")
    await _has_them_all_open(url)
    with pytest.raises(StoreUnavailable, match="add pgbouncer=true to database_url"):
        await _ask_often(url)


async def _has_them_all_open(url: str) -> None:
    """PgBouncer opens another connection only where all that it has are busy."""
    clients = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(client.execute("SELECT pg_sleep(0.3)") for client in clients))
    for client in clients:
        await client.close()


async def _ask_often(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = []
        for _ in range(2):
            store = await postgres.open_store(url)
            stack.push_async_callback(store.close)
            stores.append(store)
        await asyncio.gather(*(store.keys.all() for store in stores for _ in range(40)))
