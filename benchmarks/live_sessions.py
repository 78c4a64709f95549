"""What a server process holds in memory for 100 thousand live sessions: each refreshed, and its access token used."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from benchmarks.harness import load
from benchmarks.harness.bodies import query_body, refresh_body
from benchmarks.harness.installation import Installation, installation
from benchmarks.harness.load import NextRequest, RefusedError, post
from benchmarks.harness.machine import load_cores, server_core
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar
from benchmarks.harness.processes import ServerProcess, echo_server
from benchmarks.harness.report import Report
from benchmarks.harness.rotations import fill
from gatepass.domain.identifiers import Generation, SessionId
from gatepass.domain.refresh_token import RefreshKey, mint

SESSIONS, CONNECTIONS, ANSWER_BYTES, STRETCH_SECONDS = 100_000, 64, 400, 3.0
SPARE: Final = 1.1
"""Sessions that there are for one that is counted: some stay half used when a stretch of load ends."""

STEPS: Final = (0.01, 0.1, 0.5, 1.0)
_ACCESS_TOKEN: Final = re.compile(rb'"accessToken":"([^"]+)"')


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    sessions = round(SESSIONS * pace.share)
    with ExitStack() as stack:
        made = stack.enter_context(installation())
        asyncio.run(fill(made.database, round(sessions * SPARE) + 10 * CONNECTIONS))
        upstream = stack.enter_context(echo_server(ANSWER_BYTES, has_schema=True))
        gatepass = stack.enter_context(made.serve(f"http://127.0.0.1:{upstream.port}/graphql", cores=server_core()))
        return _report(_held(gatepass, made, sessions))


def _held(gatepass: ServerProcess, made: Installation, sessions: int) -> list[tuple[int, float]]:
    """How many sessions had been used, and the megabytes of the process then."""
    tokens, used = _tokens(made.database, made.refresh_key()), list[bytes]()
    connections = [_client(tokens, gatepass.port, used) for _ in range(CONNECTIONS)]
    held = [(0, gatepass.resident_bytes / 1e6)]
    for share in STEPS:
        while len(used) < share * sessions:
            seconds = STRETCH_SECONDS if share * sessions > 10_000 else STRETCH_SECONDS / 10
            load.run(load.drive(gatepass.port, connections, seconds), load_cores())
        held.append((len(used), gatepass.resident_bytes / 1e6))
    return held


def _tokens(database: Path, key: RefreshKey) -> Iterator[str]:
    with closing(sqlite3.connect(database)) as store:
        rows = store.execute("SELECT id, salt, generation FROM sessions").fetchall()
    for session, salt, generation in rows:
        yield mint(key, SessionId(uuid.UUID(bytes=session)), Generation(generation), salt).reveal()


def _client(tokens: Iterator[str], port: int, used: list[bytes]) -> NextRequest:
    """Refreshes a session, asks something with its new access token, and goes on to the next session."""
    is_refresh = False

    def next_request(answer: bytes | None) -> bytes:
        nonlocal is_refresh
        found = _ACCESS_TOKEN.search(answer) if is_refresh and answer is not None else None
        if is_refresh and answer is not None and found is None:
            raise RefusedError(f"no access token in {answer[:300]!r}")
        is_refresh = found is None
        if found is None:
            return post(refresh_body(next(tokens), inline=False), port)
        used.append(b"")
        return post(query_body(), port, bearer=found[1].decode("ascii"))

    return next_request


def _report(held: list[tuple[int, float]]) -> Report:
    _, idle = held[0]
    return Report(
        name="live_sessions",
        title="Memory of a process with live sessions",
        setting=(
            "`gatepass serve` on SQLite, one process, before an upstream. Each session is refreshed once and its access"
            f" token used for one protected query, over {CONNECTIONS} connections, so that the process has seen and "
            "verified that many tokens that are still good. Resident memory, shared pages counted, hash workers not."
        ),
        columns=("sessions used", "MB", "more than idle", "bytes a session"),
        rows=[
            (
                f"{sessions:,}",
                f"{size:.0f}",
                f"{size - idle:.0f}",
                f"{(size - idle) * 1e6 / sessions:,.0f}" if sessions else "",
            )
            for sessions, size in held
        ],
        bars=[Bar(f"{sessions:,} sessions", size, is_peer=not sessions) for sessions, size in held],
        unit="MB",
    )
