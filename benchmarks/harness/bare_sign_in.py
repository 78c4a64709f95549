"""
The least that a sign-in can be in Python: a bare uvicorn application over the server's own hash workers.

It counts the attempt durably, has the password checked, stores a session durably, signs one token, and does nothing
else: no GraphQL, no limits, no audit log, no second process that might share the store.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sqlite3
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.harness.installation import PASSWORD
from benchmarks.harness.lean import serve
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.secret import Secret
from gatepass.http.asgi import Receive, Scope, Send

_CLAIMS_BYTES, _REFRESH_TOKEN_BYTES = 330, 110


class Rows:
    """A table that takes one row at a time, durably; rows that wait together share a commit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = SimpleQueue()
        threading.Thread(target=self._write, daemon=True).start()

    async def add(self) -> None:
        """Wait until one more is on the disk."""
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.put((loop, stored))
        await stored

    def _write(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE kept (id BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID",
        ):
            connection.execute(statement)
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            connection.execute("BEGIN IMMEDIATE")
            for _ in batch:
                connection.execute("INSERT INTO kept VALUES (?, ?)", (os.urandom(16), os.urandom(100)))
            connection.execute("COMMIT")
            for loop, stored in batch:
                loop.call_soon_threadsafe(stored.set_result, None)


class BareSignIn:
    """One account, and nobody is refused."""

    def __init__(self, path: Path, password_hash: str) -> None:
        self._hash = Secret(password_hash)
        self._rows = Rows(path)
        self._pool = PasswordPool(Argon2Parameters())
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._scheme = ec.ECDSA(SHA256())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start and end the hash workers, or answer one request."""
        if scope["type"] == "lifespan":
            await receive()
            await self._pool.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        json.loads(body)
        await self._rows.add()
        is_right = await self._pool.verify(Secret(PASSWORD.encode()), self._hash)
        await self._rows.add()
        await _answer(
            send, 200 if is_right else 500, {"accessToken": self._token(), "refreshToken": "r" * _REFRESH_TOKEN_BYTES}
        )

    def _token(self) -> str:
        signed = base64.urlsafe_b64encode(b"c" * _CLAIMS_BYTES)
        return (signed + b"." + base64.urlsafe_b64encode(self._key.sign(signed, self._scheme))).decode()


async def _answer(send: Send, status: int, tokens: dict[str, str]) -> None:
    body = json.dumps({"data": {"signIn": tokens}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(port: int, path: Path, password_hash: str) -> None:
    """Serve until ended."""
    serve(BareSignIn(path, password_hash), port, lifespan="on")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
