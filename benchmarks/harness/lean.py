"""uvicorn as lean as it goes: what the applications that are measured against run on."""

from __future__ import annotations

from typing import Literal

import uvicorn

from gatepass.http.asgi import App


def serve(app: App, port: int, *, lifespan: Literal["on", "off"] = "off") -> None:
    """Serve on loopback until ended."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan=lifespan,
        access_log=False,
        log_level="error",
        server_header=False,
    )
