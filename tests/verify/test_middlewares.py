"""Both middlewares by one set of rules: what reaches the application, and what does not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from wsgiref.validate import validator

import pytest

from gatepass.domain.access_token import Caller
from gatepass.http.asgi import Headers, Message, Receive, Scope, Send
from gatepass.verify import VerifiedAsgi, VerifiedWsgi
from tests.verify.maker import ANA, AUDIENCE, BODY, MAKER, Maker
from tests.verify.publisher import publishing


@dataclass
class Outcome:
    """What the client got, and what the application saw."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reached: bool = False
    caller: Caller | None = None
    seen_headers: list[tuple[str, str]] = field(default_factory=list)
    seen_body: bytes = b""


Through = Callable[..., Outcome]


def asgi(headers: Headers, body: bytes = BODY, *, pieces: int = 1, gone: bool = False, **options: Any) -> Outcome:
    """Send a request through the ASGI middleware."""
    outcome = Outcome()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        outcome.reached = True
        outcome.caller = scope["gatepass"]
        outcome.seen_headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        message = await receive()
        outcome.seen_body = message["body"]
        assert not message["more_body"]
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    size = max(1, -(-len(body) // pieces))
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    if gone:
        messages = [{**messages[0], "more_body": True}]

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            outcome.status = message["status"]
            outcome.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            outcome.body += message["body"]

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql\n\u2028",
        "headers": headers,
        "query_string": b"",
    }
    verified = VerifiedAsgi(app, **{"audience": AUDIENCE, "jwks": MAKER.jwks, **options})
    asyncio.run(verified(scope, receive, send))
    return outcome


def wsgi(headers: Headers, body: bytes = BODY, *, terminated: bool = False, **options: Any) -> Outcome:
    """Send a request through the WSGI middleware, as a server does that follows PEP 3333."""
    outcome = Outcome()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        outcome.reached = True
        outcome.caller = environ["gatepass"]
        outcome.seen_headers = [
            (name[5:].lower().replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")
        ]
        outcome.seen_body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"fine"]

    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/graphql\n", "SERVER_NAME": "a", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": str(len(body)), "QUERY_STRING": "", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip
    if terminated:
        environ |= {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    for name, value in headers:
        key = "HTTP_" + name.decode().upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value.decode('latin-1')}" if key in environ else value.decode("latin-1")

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
        outcome.status = int(status[:3])
        outcome.headers = {name.lower(): value for name, value in headers}
        return lambda _: None

    verified = VerifiedWsgi(app, **{"audience": AUDIENCE, "jwks": MAKER.jwks, **options})
    answer = validator(verified)(environ, start_response)
    outcome.body = b"".join(answer)
    answer.close()  # type: ignore[attr-defined]
    return outcome


@pytest.fixture(params=[asgi, wsgi], ids=["asgi", "wsgi"])
def through(request: pytest.FixtureRequest) -> Through:
    chosen: Through = request.param
    return chosen


def sent(assertion: str, *more: tuple[bytes, bytes]) -> Headers:
    return [*more, (b"x-gatepass-assertion", assertion.encode("latin-1"))]


def fresh(body: bytes = BODY, who: Caller | None = ANA, maker: Maker = MAKER) -> str:
    """An assertion made just now."""
    return maker.signs(body, who, datetime.now(UTC))


def assert_refused(outcome: Outcome, status: int = 401) -> None:
    assert (outcome.status, outcome.reached) == (status, False)
    errors = json.loads(outcome.body)["errors"]
    assert errors[0]["extensions"]["code"] in ("UNAUTHENTICATED", "REQUEST_TOO_LARGE")
    assert outcome.headers["content-length"] == str(len(outcome.body))
    assert outcome.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in outcome.headers) is (status == 401)


@pytest.mark.parametrize("body", [BODY, b"", b"\xff" * 100_000], ids=len)
def test_what_gatepass_sent_arrives_with_its_caller(through: Through, body: bytes) -> None:
    outcome = through(sent(fresh(body)), body)
    assert (outcome.status, outcome.body, outcome.seen_body) == (200, b"fine", body)
    assert outcome.caller is not None
    assert (outcome.caller.subject, outcome.caller.scopes) == (ANA.subject, ANA.scopes)
    assert (outcome.caller.session_id, outcome.caller.client_id) == ("s-1", "gatepass")


def test_plain_headers_are_the_proven_ones(through: Through) -> None:
    """An application that reads them gets what was signed, whatever the request claimed, in any spelling."""
    claims = [(b"x-gatepass-subject", b"the-king"), (b"x_gatepass_scope", b"write all"), (b"x-gatepass", b"1"),
              (b"x-gatepass-role", b"admin"), (b"accept", b"*/*")]  # fmt: skip
    outcome = through(sent(fresh(), *claims))
    ours = sorted(header for header in outcome.seen_headers if header[0].startswith("x-gatepass"))
    assert ours == [
        ("x-gatepass-client", "gatepass"),
        ("x-gatepass-scope", "read write"),
        ("x-gatepass-session", "s-1"),
        ("x-gatepass-subject", ANA.subject),
    ]
    assert ("accept", "*/*") in outcome.seen_headers
    assert not [name for name, _ in outcome.seen_headers if "_" in name]


def test_nobody_has_no_identity_headers(through: Through) -> None:
    outcome = through(sent(fresh(who=None), (b"x-gatepass-subject", b"the-king")))
    assert (outcome.status, outcome.caller) == (200, None)
    assert not [name for name, _ in outcome.seen_headers if name.startswith("x-gatepass")]


def test_without_an_assertion_nothing_gets_through(through: Through, caplog: pytest.LogCaptureFixture) -> None:
    """Plain headers alone prove nothing. The log says what to do, in one line, whatever the path."""
    assert_refused(through([(b"x-gatepass-subject", ANA.subject.encode())]))
    (record,) = [record for record in caplog.records if record.name == "gatepass.verify"]
    assert record.levelno == logging.WARNING
    assert "refused POST /graphql" in record.getMessage()
    assert "upstream_assertion" in record.getMessage()
    assert record.getMessage().isprintable()


def test_two_assertions_are_none(through: Through) -> None:
    assert_refused(through(sent(fresh(), (b"x-gatepass-assertion", fresh().encode()))))


@pytest.mark.parametrize("body", [b"", BODY + b"x", b"{}"])
def test_another_body_is_refused(through: Through, body: bytes) -> None:
    assert_refused(through(sent(fresh()), body))


def test_somebody_elses_signature_is_refused(through: Through) -> None:
    assert_refused(through(sent(fresh(maker=Maker()))))


@pytest.mark.parametrize("junk", ["", "é", "a.b.c", "x" * 9000, "\x7f"])
def test_junk_is_refused(through: Through, junk: str) -> None:
    assert_refused(through(sent(junk)))


def test_an_identity_that_is_no_header_value_is_refused(through: Through) -> None:
    evil = Caller("ana\r\nX-Admin: 1", frozenset(), "s", "c", ANA.expires_at)
    assert_refused(through(sent(fresh(who=evil))))


def test_a_body_beyond_the_limit_is_not_read(through: Through, caplog: pytest.LogCaptureFixture) -> None:
    body = b"x" * 1001
    assert_refused(through(sent(fresh(body)), body, max_body_bytes=1000), 413)
    assert "max_body_bytes" in caplog.text
    assert through(sent(fresh(body)), body, max_body_bytes=1001).status == 200


def test_keys_are_fetched_where_they_are_published(through: Through) -> None:
    with publishing() as publisher:
        publisher.publishes(MAKER.jwks)
        assert through(sent(fresh()), jwks=publisher.url).status == 200
        assert publisher.asked == 1


def test_without_keys_nothing_gets_through(through: Through, caplog: pytest.LogCaptureFixture) -> None:
    with publishing() as publisher:
        assert_refused(through(sent(fresh()), jwks=publisher.url))
    assert "no request can be verified" in caplog.text


# -- what only the one or the other has


def test_a_body_in_pieces_is_one_body() -> None:
    outcome = asgi(sent(fresh()), pieces=7)
    assert (outcome.status, outcome.seen_body) == (200, BODY)


def test_a_client_that_hangs_up_is_not_answered() -> None:
    outcome = asgi(sent(fresh()), gone=True)
    assert (outcome.status, outcome.reached) == (0, False)


def test_a_body_without_a_length_is_read_to_its_end() -> None:
    """Where the server says that it has one; Gatepass itself always announces a length."""
    outcome = wsgi(sent(fresh()), terminated=True)
    assert (outcome.status, outcome.seen_body) == (200, BODY)
    assert_refused(wsgi(sent(fresh()), terminated=True, max_body_bytes=5), 413)


async def test_websockets_are_closed_and_the_lifespan_goes_on() -> None:
    """Gatepass sends no WebSockets, so whoever asks for one came another way."""
    reached: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["type"])

    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    verified = VerifiedAsgi(app, audience=AUDIENCE, jwks=MAKER.jwks)
    await verified({"type": "websocket", "path": "/graphql", "headers": sent(fresh())}, receive, send)
    await verified({"type": "lifespan"}, receive, send)
    assert said == [{"type": "websocket.close", "code": 1008}]
    assert reached == ["lifespan"]


async def test_many_requests_at_once_wait_for_one_fetch() -> None:
    """And the loop goes on meanwhile."""
    answered: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY}

    with publishing() as publisher:
        publisher.publishes(MAKER.jwks)
        publisher.hold.clear()
        verified = VerifiedAsgi(app, audience=AUDIENCE, jwks=publisher.url)
        scope = {"type": "http", "method": "POST", "path": "/", "headers": sent(fresh())}
        tasks = [asyncio.create_task(verified(scope, receive, send)) for _ in range(20)]
        assert await asyncio.to_thread(publisher.was_asked, 1)
        assert answered == []
        publisher.hold.set()
        await asyncio.gather(*tasks)
        assert (answered, publisher.asked) == ([200] * 20, 1)
