"""A bare uvicorn application of the same request and answer sizes: what the HTTP server alone costs."""

from __future__ import annotations

import json
import sys

from graphql import build_schema, introspection_from_schema

from benchmarks.harness.bodies import UPSTREAM_SCHEMA
from benchmarks.harness.lean import serve
from gatepass.http.asgi import Message, Receive, Scope, Send


class Echo:
    """Reads the whole body, answers JSON of a fixed size; or the schema, where it has one and is asked for it."""

    def __init__(self, answer_bytes: int, schema: bytes | None = None) -> None:
        self._answer = _messages(b'{"data":"' + b"x" * max(answer_bytes - 11, 0) + b'"}')
        self._schema = _messages(schema) if schema else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        message = await receive()
        is_schema = self._schema is not None and b"__schema" in message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
        for part in self._schema if self._schema and is_schema else self._answer:
            await send(part)


def _messages(body: bytes) -> tuple[Message, Message]:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    return (
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


def upstream_schema() -> bytes:
    """What an upstream with that schema answers to introspection."""
    return json.dumps({"data": introspection_from_schema(build_schema(UPSTREAM_SCHEMA))}).encode()


def main(port: int, answer_bytes: int, *, has_schema: bool) -> None:
    """Serve until ended."""
    serve(Echo(answer_bytes, upstream_schema() if has_schema else None), port)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), has_schema="--schema" in sys.argv[3:])
