"""An ASGI application on HTTP, in a thread of its own: what it costs, and how long it thinks, is its own affair."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from gatepass.http.asgi import App
from tests.kit.processes import free_port, waits_for_port


@contextmanager
def on_http(app: App) -> Iterator[str]:
    """Serve it; the address of its GraphQL endpoint."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", ws="none", log_level=60))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        waits_for_port(port)
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        server.should_exit = True
        thread.join(10)
