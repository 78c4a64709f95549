"""`gatepass curl`: the token goes to the API's own host, and through no command line."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest

from gatepass.cli.curl import refuse_other_hosts
from tests.kit.processes import COMMAND

ADDRESS = "https://api.example.org/graphql/"


@pytest.mark.parametrize(
    "arguments",
    [
        ("https://api.example.com/",),
        ("http://api.example.org/graphql/",),
        ("https://api.example.org:8443/graphql/",),
        ("https://api.example.org@evil.example/",),
        ("https://api.example.org.evil.example/",),
        ("--data", "{}", "HTTPS://evil.example/"),
        ("--url", "https://evil.example/"),
        ("https://{api.example.org,evil.example}/",),
        ("https://[::1/",),
        ("--url=https://evil.example/",),
        ("--location-trusted",),
        ("--location-tr", "https://api.example.org/"),
        ("--proto-default", "https", "evil.example"),
        ("-s", "https://api.example.org/", "https://evil.example/"),
        ("-K", "options"),
        ("-sSKoptions",),
        ("--config", "options"),
        ("--confi=options",),
        ("--url", "@addresses"),
        ("--url=@addresses",),
        ("--variable", "host=https://evil.example/", "--expand-url", "{{host}}"),
    ],
)
def test_another_host_is_refused(arguments: tuple[str, ...]) -> None:
    """Before any token is asked for, and before curl is started."""
    with pytest.raises(click.UsageError, match="token"):
        refuse_other_hosts(ADDRESS, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("https://api.example.org/livez",),
        ("https://API.example.org:443/graphql/",),
        ("--data", "https://evil.example/ is only data"),
        ("-x", "http://proxy.example.org:3128", "--location"),
        ("-H", "Referer: https://www.example.org/"),
        ("-XPOST", "-dK", "-HX-Key: K"),
        ("--connect-timeout", "3", "--data", "@K"),
    ],
)
def test_the_api_s_own_host_and_what_is_no_address_are_not(arguments: tuple[str, ...]) -> None:
    """Data, proxies and headers may hold any."""
    refuse_other_hosts(ADDRESS, arguments)


@contextmanager
def noting_server(leads_to: str = "") -> Iterator[tuple[str, list[str | None]]]:
    """Its address, and the `Authorization` of each request; it leads elsewhere if it is told to."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(307 if leads_to else 204)
            if leads_to:
                self.send_header("Location", leads_to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("options", [(), ("--location",)])
def test_a_redirect_never_takes_the_token_along(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Also for somebody whose curl always trusts where it is led."""
    (tmp_path / ".curlrc").write_text("location-trusted\n")
    with noting_server() as (elsewhere, got), noting_server(leads_to=elsewhere) as (address, asked):
        environ = {**os.environ, "HOME": str(tmp_path), "GATEPASS_TOKEN": "at", "GATEPASS_STORE": "none"}
        command = [*COMMAND, "curl", "--url", address, "--", "-s", *options]
        subprocess.run(command, env=environ, capture_output=True, check=True)
    assert asked == ["Bearer at"]
    assert got == [None] * len(options)
