"""The token for requests that httpx2, httpx, requests and aiohttp send."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests

from gatepass.client import AiohttpBearer, AsyncClient, BearerAuth, Client, SignInRequired
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer

ME, RENAMED = (
    {"query": "{ me }"},
    {"query": 'mutation { rename(company_number: "PL000001", company_name: "New") { company_name } }'},
)
Sends = Callable[..., tuple[int, Any]]
"""Sends JSON to an address with another library, and gives the status and the JSON of the answer."""


def with_httpx2(api: Client, url: str, body: Any, **more: Any) -> tuple[int, Any]:
    with httpx2.Client(auth=BearerAuth(api)) as http:
        answer = http.post(url, json=body, **more)
        return answer.status_code, answer.json()


def with_httpx(api: Client, url: str, body: Any, **more: Any) -> tuple[int, Any]:
    with httpx.Client(auth=BearerAuth(api)) as http:
        answer = http.post(url, json=body, **more)
        return answer.status_code, answer.json()


def with_requests(api: Client, url: str, body: Any) -> tuple[int, Any]:
    with requests.Session() as session:
        session.auth = BearerAuth(api)
        answer = session.post(url, json=body, timeout=10)
        return answer.status_code, answer.json()


def with_httpx2_awaited(api: Client, url: str, body: Any) -> tuple[int, Any]:
    async def send() -> tuple[int, Any]:
        async with httpx2.AsyncClient(auth=BearerAuth(api)) as http:
            answer = await http.post(url, json=body)
            return answer.status_code, answer.json()

    return asyncio.run(send())


def with_httpx_awaited(api: Client, url: str, body: Any) -> tuple[int, Any]:
    """With an `AsyncClient` behind it, which shares what is kept."""

    async def send() -> tuple[int, Any]:
        async with AsyncClient(api.url) as ours, httpx.AsyncClient(auth=BearerAuth(ours)) as http:
            answer = await http.post(url, json=body)
            return answer.status_code, answer.json()

    return asyncio.run(send())


def with_aiohttp(api: Client, url: str, body: Any) -> tuple[int, Any]:
    async def send() -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(middlewares=[AiohttpBearer(api)]) as session,
            session.post(url, json=body) as answer,
        ):
            return answer.status, await answer.json()

    return asyncio.run(send())


def with_aiohttp_awaited(api: Client, url: str, body: Any) -> tuple[int, Any]:
    async def send() -> tuple[int, Any]:
        async with (
            AsyncClient(api.url) as ours,
            aiohttp.ClientSession(middlewares=[AiohttpBearer(ours)]) as session,
            session.post(url, json=body) as answer,
        ):
            return answer.status, await answer.json()

    return asyncio.run(send())


EVERY = [
    with_httpx2, with_httpx, with_requests, with_httpx2_awaited, with_httpx_awaited, with_aiohttp, with_aiohttp_awaited
]  # fmt: skip


@pytest.fixture(params=EVERY, ids=lambda each: each.__name__.removeprefix("with_"))
def sends(request: pytest.FixtureRequest) -> Sends:
    found: Sends = request.param
    return found


@pytest.fixture
def api(live: PlainServer) -> Iterator[Client]:
    """Signed in, and kept."""
    with Client(live.address) as api:
        api.sign_in(EMAIL, PASSWORD)
        yield api


def test_the_request_has_the_token(live: PlainServer, api: Client, sends: Sends) -> None:
    """One request, no sign-in."""
    assert sends(api, live.address, ME) == (200, {"data": {"me": EMAIL}})
    assert live.counts == {"signIn": 1, "queries": 1}


@pytest.mark.parametrize(("status", "has_error_codes"), [(200, True), (200, False), (401, True), (403, False)])
def test_a_refused_token_is_renewed_and_the_request_sent_again(
    live: PlainServer, api: Client, sends: Sends, status: Any, has_error_codes: bool
) -> None:
    """Once, also a mutation: it had not run."""
    live.expired, live.has_error_codes = status, has_error_codes
    live.expire_access_tokens()
    got, answer = sends(api, live.address, RENAMED)
    assert (got, list(answer)) == (200, ["data"])
    assert (live.counts["signInRefresh"], live.counts["refused"], live.counts["reused"]) == (1, 1, 0)
    assert live.counts["mutations"] == 1


def test_the_second_refusal_is_the_answer(live: PlainServer, api: Client, sends: Sends) -> None:
    """As it came."""
    live.token_seconds, live.expired = 0.0, 401
    live.expire_access_tokens()
    status, answer = sends(api, live.address, ME)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "AUTH_NOT_AUTHENTICATED")
    assert live.counts["signInRefresh"] == 1


def test_an_ended_sign_in_comes_out_of_the_other_library_as_it_is(live: PlainServer, api: Client, sends: Sends) -> None:
    """With the command to run."""
    live.end_every_session()
    with pytest.raises(SignInRequired, match="gatepass login"):
        sends(api, live.address, ME)


class Spy:
    """Notes each request's `Authorization`, and redirects to `target` if there is one."""

    def __init__(self) -> None:
        self.address = self.target = ""
        self.seen: list[str | None] = []
        self.bodies: list[bytes] = []
        self.answer: tuple[int, Any] = (200, {"data": {}})


@contextmanager
def spy() -> Iterator[Spy]:
    noted = Spy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            noted.seen.append(self.headers.get("Authorization"))
            if self.headers.get("Transfer-Encoding") == "chunked":
                noted.bodies.append(b"")
                while size := int(self.rfile.readline(), 16):
                    noted.bodies[-1] += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                noted.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            status, answer = (307, None) if noted.target else noted.answer
            content = json.dumps(answer).encode()
            self.send_response(status)
            if noted.target:
                self.send_header("Location", noted.target)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as http:
        noted.address = f"http://127.0.0.1:{http.server_address[1]}/graphql/"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield noted
        http.shutdown()
        thread.join()


def test_another_origin_gets_no_token(live: PlainServer, api: Client, sends: Sends) -> None:
    """A session of another library is used for other servers too; another port is another one."""
    with spy() as other:
        assert sends(api, other.address, ME)[0] == 200
        assert other.seen == [None]


@pytest.mark.parametrize("sends", [with_httpx2, with_httpx], ids=["httpx2", "httpx"])
def test_a_redirect_to_another_origin_takes_no_token_along(api: Client, sends: Sends) -> None:
    """Whoever follows redirects."""
    with spy() as ours, spy() as other:
        ours.target = other.address
        with Client(ours.address, token="canary") as given:
            assert sends(given, ours.address, ME, follow_redirects=True)[0] == 200
        assert (ours.seen, other.seen) == (["Bearer canary"], [None])


def test_a_redirect_of_requests_takes_no_token_along() -> None:
    """It follows them by itself."""
    with spy() as ours, spy() as other:
        ours.target = other.address.replace("127.0.0.1", "localhost")
        with Client(ours.address, token="canary") as given:
            assert with_requests(given, ours.address, ME)[0] == 200
        assert (ours.seen, other.seen) == (["Bearer canary"], [None])


def test_an_origin_that_was_named_gets_the_token() -> None:
    """For a second server that takes the same tokens."""
    with spy() as other:
        api = Client("https://api.example.org/graphql/", token="canary")
        origin = other.address.removesuffix("/graphql/")
        with httpx2.Client(auth=BearerAuth(api, origins=[origin])) as http:
            http.post(other.address, json=ME)
        assert other.seen == ["Bearer canary"]


def chunks() -> Iterator[bytes]:
    yield json.dumps(ME).encode()


def test_a_body_that_can_be_read_once_is_sent_once(live: PlainServer) -> None:
    """The refusal is the answer; the token is renewed for the next request."""
    refused = (401, {"errors": [{"message": "No."}]})
    with spy() as server:
        server.answer = refused
        transport = httpx2.MockTransport(_pairs)
        for send in (_stream_with_httpx2, _stream_with_httpx, _stream_with_requests):
            with Client(server.address, username=EMAIL, password=PASSWORD, transport=transport) as api:
                assert send(api, server.address) == 401
                assert api.token() == "second"
        assert server.seen == ["Bearer first"] * 3
        assert server.bodies == [json.dumps(ME).encode()] * 3


def _pairs(request: httpx2.Request) -> httpx2.Response:
    name, token = ("signInRefresh", "second") if b"signInRefresh" in request.content else ("signIn", "first")
    return httpx2.Response(200, json={"data": {name: {"accessToken": token, "refreshToken": "r", "expiresIn": 900}}})


def _stream_with_httpx2(api: Client, url: str) -> int:
    with httpx2.Client(auth=BearerAuth(api)) as http:
        return http.post(url, content=chunks()).status_code


def _stream_with_httpx(api: Client, url: str) -> int:
    with httpx.Client(auth=BearerAuth(api)) as http:
        return http.post(url, content=chunks()).status_code


def _stream_with_requests(api: Client, url: str) -> int:
    with requests.Session() as session:
        session.auth = BearerAuth(api)
        return session.post(url, data=chunks(), timeout=10).status_code


async def test_aiohttp_gets_the_header_by_hand(live: PlainServer, api: Client) -> None:
    """For versions without middlewares, and for WebSockets."""
    bearer = AiohttpBearer(api)
    async with (
        aiohttp.ClientSession() as session,
        session.post(live.address, json=ME, headers=await bearer.headers()) as answer,
    ):
        assert await answer.json() == {"data": {"me": EMAIL}}


def test_an_asynchronous_client_behind_a_blocking_library_is_told() -> None:
    """It could not be awaited there."""
    auth = BearerAuth(AsyncClient("https://api.example.org/", token="x"))
    with httpx2.Client(auth=auth, transport=httpx2.MockTransport(_pairs)) as http, pytest.raises(TypeError):
        http.post("https://api.example.org/")


def test_many_threads_of_requests_share_one_renewal(live: PlainServer, api: Client) -> None:
    """As with the client itself."""
    live.expire_access_tokens()
    outcomes: list[Any] = []

    def ask() -> None:
        outcomes.append(with_requests(api, live.address, ME))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [(200, {"data": {"me": EMAIL}})] * 12
    assert (live.counts["signInRefresh"], live.counts["reused"]) == (1, 0)
