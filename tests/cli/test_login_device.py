"""`gatepass login --device`: a code for a browser elsewhere (RFC 8628), on a server of this test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.cli.conftest import Gatepass

TOKENS = {"access_token": "access-canary", "refresh_token": "refresh-canary", "expires_in": 3600}


class DeviceServer:
    """Answers as RFC 8414 and RFC 8628 say; `polls` are its next answers to who asks for tokens."""

    def __init__(self) -> None:
        self.polls: list[tuple[int, dict[str, Any]]] = []
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.origin = ""

    def answers(self, path: str, body: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON."""
        self.asked.append((path, parse_qs(body)))
        if path == "/.well-known/oauth-authorization-server":
            return 200, {
                "issuer": self.origin,
                "device_authorization_endpoint": f"{self.origin}/device",
                "token_endpoint": f"{self.origin}/token",
            }
        if path == "/device":
            return 200, {
                "device_code": "device-canary",
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{self.origin}/pair",
                "expires_in": 600,
                "interval": 0.01,
            }
        return self.polls.pop(0)


@pytest.fixture
def server(state: Path) -> Iterator[DeviceServer]:
    device = DeviceServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, answer = device.answers(self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        device.origin = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield device
        http.shutdown()
        thread.join()


def test_a_code_is_shown_and_then_one_is_signed_in(gatepass: Gatepass, server: DeviceServer) -> None:
    """All of it on standard error; the code that is ours alone is not shown."""
    server.polls = [(400, {"error": "authorization_pending"}), (200, TOKENS)]
    result = gatepass("login", f"{server.origin}/graphql/", "--device")
    assert (result.code, result.out) == (0, ""), result.err
    assert f"Open {server.origin}/pair in a browser" in result.err
    assert "  WDJB-MJHT\n" in result.err
    assert "Never type in a code that others sent you" in result.err
    assert "canary" not in result.err
    assert gatepass("token").out == "access-canary\n"
    assert [path for path, _ in server.asked] == [
        "/.well-known/oauth-authorization-server",
        "/device",
        "/token",
        "/token",
    ]


@pytest.mark.parametrize(
    ("options", "asked"), [((), None), (("--scope", "read"), ["read"]), (("--scope", "a", "--scope", "b"), ["a b"])]
)
def test_it_asks_for_the_scopes_that_are_named_and_no_others(
    gatepass: Gatepass, server: DeviceServer, options: tuple[str, ...], asked: list[str] | None
) -> None:
    """Named none, it gets all that the account has. OWASP ASVS 5.0 V10.2.3."""
    server.polls = [(200, TOKENS)]
    assert gatepass("login", f"{server.origin}/graphql/", "--device", *options).code == 0
    sent = dict(server.asked)
    assert sent["/device"].get("scope") == asked


@pytest.mark.parametrize("error", ["access_denied", "expired_token"])
def test_a_no_is_said_and_nothing_kept(gatepass: Gatepass, server: DeviceServer, error: str) -> None:
    """Exit code 1."""
    server.polls = [(400, {"error": error})]
    result = gatepass("login", f"{server.origin}/graphql/", "--device")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[-1].startswith("gatepass: The sign-in was refused: ")
    assert gatepass("status").code == 4
