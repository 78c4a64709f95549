"""Connections that refresh one session after the other, all over the store, instead of one over and over."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.bodies import refresh_body
from benchmarks.harness.load import NextRequest, post
from gatepass.domain.identifiers import Generation, SessionId
from gatepass.domain.refresh_token import RefreshKey, mint


@dataclass
class Standing:
    """A session as it stands, and so its next token."""

    id: bytes
    salt: bytes
    generation: int

    def token(self, key: RefreshKey) -> str:
        """What its client would send."""
        session = SessionId(uuid.UUID(bytes=self.id))
        return mint(key, session, Generation(self.generation), self.salt).reveal()


def wanderers(database: Path, ids: Sequence[bytes], key: RefreshKey, port: int, connections: int) -> list[NextRequest]:
    """One for each connection, with random sessions of its own, as they stand in the store now."""
    each = min(len(ids) // connections, 500)
    with contextlib.closing(sqlite3.connect(database)) as store:
        found = [
            Standing(*store.execute("SELECT id, salt, generation FROM sessions WHERE id = ?", (id_,)).fetchone())
            for id_ in random.sample(ids, each * connections)
        ]
    return [wanderer(found[number::connections], key, port) for number in range(connections)]


def wanderer(sessions: list[Standing], key: RefreshKey, port: int) -> NextRequest:
    """Each answer moves its session on by one generation: the next token can be made here as well as read there."""
    at = 0

    def next_request(answer: bytes | None) -> bytes:
        nonlocal at
        if answer is not None:
            sessions[at].generation += 1
            at = (at + 1) % len(sessions)
        return post(refresh_body(sessions[at].token(key), inline=False), port)

    return next_request
