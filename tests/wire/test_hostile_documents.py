"""
Documents and bodies that were made to hurt, through every door: each gets a bounded answer, and holds nobody up.

A door is a way to send one. All of them are tried at a service around an application, and at one before an API on HTTP.
How long the event loop is held is counted in the time of its own processor, so that no other program counts, and the
best of three tries is what the input costs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

import pytest
import pytest_asyncio
from graphql import build_schema, graphql_sync

from gatepass.http.asgi import Message, Receive, Scope, Send
from tests.kit.hostile import ANSWERED_HERE, BODIES, FORWARDED, REFUSED, TOO_LARGE, envelope
from tests.kit.http_api import on_http
from tests.kit.world import Person, World, add_account, running, settings_for

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.sqlite_only("no store sees any of it"),
]
ANA, PASSWORD = "ana@example.org", "a long enough secret of ana"
HELD_SECONDS, TRIES, ANSWER_BYTES = 0.25, 3, 300_000
"""A page says again what was typed, which may be a form of 32 kB whose every character is escaped."""
_SCHEMA = build_schema("type Query { a: Int } type Mutation { a: Int } type Subscription { a: Int }")
DOCUMENTS: Final = {**TOO_LARGE, **REFUSED, **FORWARDED, **ANSWERED_HERE}
Sent = tuple[str, str, bytes, dict[str, str]]


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers everything with the same, at no cost: what it would cost an API is the API's affair."""
    asked, message = b"", dict[str, Any](more_body=True)
    while message.get("more_body"):
        message = dict(await receive())
        asked += message.get("body", b"")
    is_introspection = b"IntrospectionQuery" in asked
    answer: object = {"data": {"a": 1}}
    if is_introspection:
        answer = graphql_sync(_SCHEMA, json.loads(asked)["query"]).formatted
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


# -- doors ------------------------------------------------------------------------------------------------------------

JSON: Final = {"Content-Type": "application/json"}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
MULTIPART: Final = {"Content-Type": "multipart/form-data; boundary=x"}
EVENTS: Final = {"Accept": "text/event-stream"}
BEARER: Final = {"Authorization": "Bearer of ana"}
"""Stands for hers."""


def _form(path: str, field: str, **more: str) -> Callable[[str], Sent]:
    def sent(text: str) -> Sent:
        fields = {**more, field: text}
        return "POST", path, urlencode(fields, errors="surrogatepass").encode(), FORM

    return sent


def _posted(**headers: str) -> Callable[[str], Sent]:
    return lambda text: ("POST", "/graphql", envelope(text), {**JSON, **headers})


def _multipart(text: str) -> Sent:
    return "POST", "/graphql", _part(envelope(text)), {**MULTIPART, **BEARER}


def _part(body: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n' + body + b"\r\n--x--\r\n"


def _in_the_address(text: str, **headers: str) -> Sent:
    return "GET", f"/graphql?query={quote(text, errors='surrogatepass')}", b"", headers


TEXT_DOORS: Final[Mapping[str, Callable[[str], Sent]]] = {
    "POST, by nobody": _posted(),
    "POST, signed in": _posted(**BEARER),
    "POST, the other media type": _posted(**BEARER, Accept="application/graphql-response+json"),
    "POST, for an event stream": _posted(**BEARER, **EVENTS),
    "GET": lambda text: _in_the_address(text, **BEARER),
    "GET, for an event stream": lambda text: _in_the_address(text, **BEARER, **EVENTS),
    "GET, as a page": lambda text: _in_the_address(text, Accept="text/html"),
    "application/graphql": lambda text: (
        "POST",
        "/graphql",
        text.encode("utf-8", "surrogatepass"),
        {"Content-Type": "application/graphql", **BEARER},
    ),
    "a form": lambda text: ("POST", "/graphql", b"query=" + quote_plus(text, errors="surrogatepass").encode(), FORM),
    "multipart": _multipart,
    "a password": lambda text: (
        "POST",
        "/graphql",
        envelope(
            "mutation($p:String!){signIn(useManagementflow:true,credentials:{userName:$p,password:$p}){accessToken}}",
            variables={"p": text},
        ),
        JSON,
    ),
    "a refresh token": lambda text: (
        "POST",
        "/graphql",
        envelope(
            "mutation($t:String!){signInRefresh(useManagementflow:true,credentials:{refreshToken:$t}){accessToken}}",
            variables={"t": text},
        ),
        JSON,
    ),
    "/oauth/token": _form("/oauth/token", "refresh_token", grant_type="refresh_token", client_id="gatepass"),
    "/oauth/token, scope": _form("/oauth/token", "scope", grant_type="client_credentials", client_id="x"),
    "/oauth/introspect": _form("/oauth/introspect", "token", client_id="x", client_secret="y"),
    "/oauth/revoke": _form("/oauth/revoke", "client_assertion", client_assertion_type="x", token="x"),
    "/oauth/device_authorization": _form("/oauth/device_authorization", "client_id"),
    "/oauth/authorize": lambda text: (
        "GET",
        f"/oauth/authorize?response_type=code&client_id=x&state={quote(text, errors='surrogatepass')}",
        b"",
        {},
    ),
    "/oauth/authorize, the form": _form("/oauth/authorize", "username", password="x", client_id="x", answer="allow"),
    "/oauth/device": _form("/oauth/device", "user_code", answer="continue"),
}
BODY_DOORS: Final[Mapping[str, Callable[[bytes], Sent]]] = {
    "POST, by nobody": lambda body: ("POST", "/graphql", body, JSON),
    "POST, signed in": lambda body: ("POST", "/graphql", body, {**JSON, **BEARER}),
    "POST, for an event stream": lambda body: ("POST", "/graphql", body, {**JSON, **BEARER, **EVENTS}),
    "POST, as gzip": lambda body: ("POST", "/graphql", body, {**JSON, **BEARER, "Content-Encoding": "gzip"}),
    "multipart": lambda body: ("POST", "/graphql", _part(body), {**MULTIPART, **BEARER}),
    "variables of a GET": lambda body: ("GET", f"/graphql?query=%7Ba%7D&variables={quote(body)}", b"", BEARER),
    "/oauth/token": lambda body: ("POST", "/oauth/token", body, FORM),
    "/oauth/token, as JSON": lambda body: ("POST", "/oauth/token", body, JSON),
    "/oauth/introspect": lambda body: ("POST", "/oauth/introspect", body, FORM),
    "/oauth/authorize": lambda body: ("POST", "/oauth/authorize", body, FORM),
    "/oauth/device, as gzip": lambda body: ("POST", "/oauth/device", body, {**FORM, "Content-Encoding": "gzip"}),
}  # fmt: skip


# -- services ---------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["around an application", "before an API on HTTP"])
async def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, str]]:
    """Yield a service, and Ana's bearer."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    limits = dict.fromkeys(["throttle_network_failures", "throttle_overall_failures"], 10**7)
    with ExitStack() as stack:
        around = api if request.param == "around an application" else None
        upstream = {} if around else {"upstream": stack.enter_context(on_http(api))}
        settings = settings_for(folder, public_url="http://gatepass.test", **limits, **upstream)
        await add_account(settings, ANA, PASSWORD, "read")
        async with running(settings, around) as world:
            yield world, (await Person(world, ANA, PASSWORD).signs_in()).access


class Held:
    """How many seconds of its processor the event loop spent at most without coming round; as a context."""

    def __init__(self) -> None:
        self.most = 0.0

    async def __aenter__(self) -> Held:
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.002)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.most, before = max(self.most, now - before), now


@dataclass
class Answered:
    """What came back, and for how long the loop was held."""

    status: int = 0
    body: bytes = b""
    held: float = 0.0


async def answered(service: tuple[World, str], sent: Sent) -> Answered:
    """Past any client, which has limits of its own."""
    world, bearer = service
    method, target, body, headers = sent
    path, _, query = target.partition("?")
    own = {name: value if value != BEARER["Authorization"] else f"Bearer {bearer}" for name, value in headers.items()}
    raw = [(name.lower().encode(), value.encode()) for name, value in own.items()]
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"gatepass.test"), (b"content-length", b"%d" % len(body)), *raw],
        "client": ("192.0.2.7", 1),
    }
    coming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    answer = Answered()

    async def receive() -> Message:
        return coming.pop() if coming else await asyncio.Future()

    async def send(message: Message) -> None:
        answer.status = message.get("status", answer.status)
        answer.body += message.get("body", b"")

    async with Held() as held:
        await world.app(scope, receive, send)
    answer.held = held.most
    return answer


async def wrong_with(service: tuple[World, str], sent: Sent) -> str:
    """Why it was not borne: a bounded answer in our own words, and soon. Nothing if it was."""
    held: list[float] = []
    while len(held) < TRIES and min(held, default=1.0) > HELD_SECONDS:
        answer = await answered(service, sent)
        if not 200 <= answer.status < 500 or b"Traceback" in answer.body or b'File "' in answer.body:
            return f"{answer.status} {answer.body[:200]!r}"
        if len(answer.body) > ANSWER_BYTES:
            return f"{len(answer.body)} bytes"
        held.append(answer.held)
    return f"held the loop for {min(held):.2f} s" if min(held) > HELD_SECONDS else ""


@pytest.mark.shows_secrets("the page says again what was typed as a code")
@pytest.mark.parametrize("door", TEXT_DOORS)
async def test_a_hostile_document_is_borne(service: tuple[World, str], door: str) -> None:
    """Whichever it is; a failure names those that are not."""
    wrong = {name: await wrong_with(service, TEXT_DOORS[door](text)) for name, text in DOCUMENTS.items()}
    assert {name: why for name, why in wrong.items() if why} == {}
    assert (await answered(service, ("GET", "/livez", b"", {}))).status == 200


@pytest.mark.parametrize("door", BODY_DOORS)
async def test_a_hostile_body_is_borne(service: tuple[World, str], door: str) -> None:
    wrong = {name: await wrong_with(service, BODY_DOORS[door](body)) for name, body in BODIES.items()}
    assert {name: why for name, why in wrong.items() if why} == {}
    assert (await answered(service, ("GET", "/livez", b"", {}))).status == 200


async def test_a_websocket_takes_none(service: tuple[World, str]) -> None:
    """It is closed before it is opened, whatever would have come."""
    world, bearer = service
    waiting: Iterator[Message] = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": envelope(DOCUMENTS["deep lists"]).decode()},
        ]
    )
    said: list[Message] = []

    async def receive() -> Message:
        return next(waiting)

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"authorization", f"Bearer {bearer}".encode()), (b"sec-websocket-protocol", b"graphql-transport-ws")]
    scope: Scope = {
        "type": "websocket",
        "path": "/graphql",
        "headers": headers,
        "query_string": b"",
        "subprotocols": [],
    }
    await world.app(scope, receive, send)
    assert [message["type"] for message in said] == ["websocket.close"]


async def test_a_loop_that_is_held_is_seen() -> None:
    """The measure sees what it is there for, and not what another thread does."""
    async with Held() as held:
        end = time.thread_time() + 2 * HELD_SECONDS
        while time.thread_time() < end:
            pass
    assert held.most > HELD_SECONDS
    async with Held() as idle:
        await asyncio.to_thread(time.sleep, 2 * HELD_SECONDS)
    assert idle.most < HELD_SECONDS
