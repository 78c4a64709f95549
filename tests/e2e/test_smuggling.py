"""Raw bytes at a real server: requests that two parsers could read differently, identities that nobody has proven."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site, site_before
from tests.kit.processes import sign_in

QUERY = json.dumps({"query": "{ seen }"}).encode()


class Upstream:
    """An API that remembers the heads that reached it, and answers as it is told."""

    def __init__(self) -> None:
        self.heads: list[list[tuple[str, str]]] = []
        self.answer: bytes | None = None
        self.address = ""


@contextmanager
def upstream() -> Iterator[Upstream]:
    """In a thread of its own."""
    api = Upstream()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if b"__schema" not in body:
                api.heads.append(list(self.headers.items()))
            if api.answer is not None and b"__schema" not in body:
                self.wfile.write(api.answer)
                self.close_connection = True
                return
            answer = b'{"data":{"seen":true}}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api.address = f"http://127.0.0.1:{server.server_port}/graphql"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def api() -> Iterator[Upstream]:
    with upstream() as started:
        yield started


@pytest.fixture(scope="module")
def gate(api: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("smuggling")
    with site_before(api.address, folder / "gatepass", GATEPASS_REQUEST_TIMEOUT_SECONDS="2") as site:
        yield site


@pytest.fixture(scope="module")
def bearer(gate: Site) -> str:
    token: str = sign_in(gate.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]["accessToken"]
    return token


@pytest.fixture(autouse=True)
def forgetful(api: Upstream) -> None:
    api.heads.clear()
    api.answer = None


def exchange(gate: Site, data: bytes, seconds: float = 8) -> bytes:
    """What comes back until the server closes or is silent."""
    port = int(gate.address.split(":")[2].split("/")[0])
    received = b""
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        connection.sendall(data)
        try:
            while piece := connection.recv(2**16):
                received += piece
        except (TimeoutError, ConnectionResetError):
            pass
    return received


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def post(
    bearer: str, *lines: bytes, body: bytes = QUERY, target: bytes = b"/graphql", host: bytes = b"Host: x"
) -> bytes:
    head = [b"POST %b HTTP/1.1" % target, *([host] if host else []), b"Content-Type: application/json"]
    head += [b"Authorization: Bearer " + bearer.encode(), b"Connection: close", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


LENGTH = b"Content-Length: %d" % len(QUERY)
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(QUERY), QUERY)


def test_an_ordinary_request_gets_through(gate: Site, bearer: str, api: Upstream) -> None:
    assert statuses(exchange(gate, post(bearer, LENGTH))) == [200]
    assert len(api.heads) == 1


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ([LENGTH, b"Transfer-Encoding: chunked"], CHUNKED),
        ([b"Transfer-Encoding: chunked", LENGTH], CHUNKED),
        ([LENGTH, b"Content-Length: 3"], QUERY),
        ([b"Content-Length: %d, %d" % (len(QUERY), len(QUERY))], QUERY),
        ([b"Content-Length: +%d" % len(QUERY)], QUERY),
        ([b"Content-Length: 0x10"], QUERY),
        ([b"Content-Length : %d" % len(QUERY)], QUERY),
        ([b"Transfer-Encoding: xchunked"], CHUNKED),
        ([b"Transfer-Encoding: chunked, identity"], CHUNKED),
        ([b"Transfer-Encoding : chunked", LENGTH], CHUNKED),
        ([LENGTH, b" folded: 1"], QUERY),
        ([LENGTH, b"X: a\x00b"], QUERY),
        ([LENGTH, b"X\x01: a"], QUERY),
        ([LENGTH, b"Authorization: Bearer another"], QUERY),
        ([LENGTH, b"Content-Type: text/plain"], QUERY),
        ([LENGTH, b"Host: y"], QUERY),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(
    gate: Site, bearer: str, api: Upstream, lines: list[bytes], body: bytes
) -> None:
    """And told so, and nothing reaches the API. RFC 9112 §6.1, §6.3, §11.2."""
    received = exchange(gate, post(bearer, *lines, body=body))
    assert statuses(received) == [400]
    assert api.heads == []


@pytest.mark.parametrize("host", [b"", b"Host: a b", b"Host: a/b", b"Host: x@y"])
def test_a_request_needs_one_host_that_is_one(gate: Site, bearer: str, api: Upstream, host: bytes) -> None:
    """RFC 9112 §3.2."""
    assert statuses(exchange(gate, post(bearer, LENGTH, host=host))) == [400]
    assert api.heads == []


def test_a_second_request_in_the_first_ones_body_is_none(gate: Site, bearer: str, api: Upstream) -> None:
    inner = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    body = QUERY + b" " * 10 + inner
    received = exchange(gate, post(bearer, b"Content-Length: %d" % len(body), body=body))
    assert len(statuses(received)) == 1
    assert api.heads == []


@pytest.mark.parametrize(
    "lines",
    [
        [b"X-Gatepass-Subject: root"],
        [b"X_Gatepass_Subject: root"],
        [b"x-gatepass_subject: root"],
        [b"X-GATEPASS-SUBJECT: root", b"X-Gatepass-Scopes: admin", b"X-Gatepass-Assertion: eyJ"],
        [b"Connection: x-gatepass-subject"],
        [b"Connection: close, X-Gatepass-Subject, Authorization"],
    ],
)
def test_an_identity_comes_from_the_token_alone(gate: Site, bearer: str, api: Upstream, lines: list[bytes]) -> None:
    assert statuses(exchange(gate, post(bearer, LENGTH, *lines))) == [200]
    ((*head,),) = api.heads
    folded = [(name.lower().replace("_", "-"), value) for name, value in head]
    subjects = [value for name, value in folded if name == "x-gatepass-subject"]
    assert len(subjects) == 1
    assert len(subjects[0]) == 36
    assert not [value for _, value in folded if value in ("root", "admin", "eyJ")]


@pytest.mark.parametrize("target", [b"http://evil.example/graphql", b"http://x/graphql", b"//evil.example/graphql"])
def test_a_whole_address_as_the_target_leads_nowhere_else(
    gate: Site, bearer: str, api: Upstream, target: bytes
) -> None:
    received = exchange(gate, post(bearer, LENGTH, target=target))
    assert len(statuses(received)) == 1
    assert all("evil" not in value for head in api.heads for _, value in head)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<b/>",
        b"not HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_a_broken_or_leading_away_answer_is_none(gate: Site, bearer: str, api: Upstream, answer: bytes) -> None:
    """Redirects are not followed, and what was split or cut never looks like a whole answer."""
    api.answer = answer
    received = exchange(gate, post(bearer, LENGTH))
    assert b"evil" not in received
    assert b"elsewhere" not in received
    if statuses(received) == [200]:
        declared = re.search(rb"content-length: (\d+)", received, re.IGNORECASE)
        body = received.partition(b"\r\n\r\n")[2]
        assert declared is not None
        assert len(body) < int(declared[1])
    else:
        assert statuses(received) == [502]
        assert b"UPSTREAM_UNAVAILABLE" in received
