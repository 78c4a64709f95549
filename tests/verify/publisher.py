"""A server that publishes a JWK Set, or whatever a test wants to stand in its place."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Publisher:
    """`answers` is status, headers and body of the next answers; `asked` counts them; `hold` is waited for first."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: Callable[[], tuple[int, dict[str, str], bytes]] = lambda: (503, {}, b"")
        self.hold = threading.Event()
        self.hold.set()
        self.url = ""
        self._arrived = threading.Condition()

    def hears(self) -> None:
        """Count a request."""
        with self._arrived:
            self.asked += 1
            self._arrived.notify_all()

    def was_asked(self, times: int) -> bool:
        """Wait until it was asked so often."""
        with self._arrived:
            return self._arrived.wait_for(lambda: self.asked >= times, 10)

    def publishes(self, jwks: object, status: int = 200, **headers: str) -> None:
        self.answers = lambda: (status, headers, jwks if isinstance(jwks, bytes) else json.dumps(jwks).encode())


@contextmanager
def publishing() -> Iterator[Publisher]:
    """On a free port of loopback."""
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.hears()
            publisher.hold.wait(10)
            status, headers, body = publisher.answers()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.url = f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield publisher
    finally:
        publisher.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
