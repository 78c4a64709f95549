"""An ASGI application behind the gateway, in this process. DESIGN §1: inside an API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from gatepass.domain.access_token import Caller
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.hangup import Hangup
from gatepass.gateway.upstream import Outgoing, UpstreamFailed
from gatepass.http.asgi import App, Headers, Message, Receive, Scope, Send
from tests.gateway.actors import ANSWER, BODY, Client, Received, Revocations, caller
from tests.gateway.conftest import Guards

EVENT = b"data: {}\n\n"
JSON = [(b"content-type", b"application/json")]


def starlette(
    endpoint: Callable[[Request], Response | Awaitable[Response]], middleware: Sequence[Middleware] = ()
) -> Starlette:
    return Starlette(routes=[Route("/graphql", endpoint, methods=["POST"])], middleware=middleware)


def saying(*messages: Message) -> App:
    """An application that sends exactly these messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int = 200, headers: Headers = JSON) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(piece: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


def refused(received: Received) -> bool:
    error = json.loads(received.body)["errors"][0]
    assert (received.status, received.code, received.whole) == (502, "UPSTREAM_UNAVAILABLE", True)
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    return True


async def test_the_application_finds_the_caller_in_its_scope(guards: Guards) -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await saying(start(), body(ANSWER))(scope, receive, send)

    ana = caller("ana")
    for who in (ana, None):
        received = await Client(guards(AsgiUpstream(app)), who=who).asks()
        assert (received.status, received.body, received.whole, received.code) == (200, ANSWER, True, "OK")
    assert [scope["gatepass"] for scope in scopes] == [ana, None]


async def test_the_application_gets_a_post_with_the_validated_bytes(guards: Guards) -> None:
    seen: Scope = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope, asked=await receive())
        await saying(start(), body(ANSWER))(scope, receive, send)

    await Client(
        guards(AsgiUpstream(app)),
        method="GET",
        headers=[(b"host", b"gate.example"), (b"x-gatepass-subject", b"mallory"), (b"X_GATEPASS_SCOPE", b"root")],
        scope={"query_string": b"query=%7Ba%7D", "state": {"db": 1}, "extensions": {"http.response.pathsend": {}}},
    ).asks()
    assert seen["asked"] == {"type": "http.request", "body": BODY, "more_body": False}
    assert (seen["method"], seen["path"], seen["query_string"]) == ("POST", "/graphql", b"")
    headers = dict(seen["headers"])
    assert headers[b"host"] == b"gate.example"
    assert headers[b"content-length"] == b"%d" % len(BODY)
    assert b"mallory" not in headers.values()
    assert b"root" not in headers.values()
    assert seen["state"] == {"db": 1}
    assert "extensions" not in seen


async def test_path_and_state_can_be_set(guards: Guards) -> None:
    seen: Scope = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope)
        await saying(start(), body(ANSWER))(scope, receive, send)

    await Client(guards(AsgiUpstream(app, path="/api", state={"db": 2}))).asks()
    assert (seen["path"], seen["raw_path"], seen["state"]) == ("/api", b"/api", {"db": 2})


async def test_status_and_headers_come_down_by_the_same_rules(guards: Guards) -> None:
    headers = [
        *JSON,
        (b"set-cookie", b"a=1"),
        (b"content-length", b"2"),
        (b"x-cost", b"1"),
        (b"x-gatepass-subject", b"x"),
    ]
    received = await Client(guards(AsgiUpstream(saying(start(401, headers), body(b"{}")))), who=caller()).asks()
    assert received.status == 403
    assert received.header(b"x-cost") == b"1"
    assert received.header(b"set-cookie") is None
    assert received.header(b"x-gatepass-subject") is None
    assert received.header(b"content-length") == b"2"


async def test_pieces_pass_as_they_are_sent(guards: Guards) -> None:
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"one ", more=True))
        await go_on.wait()
        await send(body(b"two"))

    client = Client(guards(AsgiUpstream(app)))
    async with client.asking():
        await client.has(b"one ")
        go_on.set()
    assert (client.received.body, client.received.whole) == (b"one two", True)


async def test_no_task_runs_beside_a_common_answer(guards: Guards) -> None:
    tasks: list[tuple[int, asyncio.Task[object] | None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(0)
        tasks.append((len(asyncio.all_tasks()), asyncio.current_task()))
        await saying(start(), body(ANSWER))(scope, receive, send)

    before = len(asyncio.all_tasks())
    await Client(guards(AsgiUpstream(app))).asks()
    assert tasks == [(before, asyncio.current_task())]


@pytest.mark.parametrize("middleware", [False, True])
async def test_starlette_streams_from_tasks_of_its_own(guards: Guards, middleware: bool) -> None:
    async def endpoint(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield EVENT
                await asyncio.sleep(0)

        return StreamingResponse(events(), media_type="text/event-stream")

    async def passing(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    stack = [Middleware(BaseHTTPMiddleware, dispatch=passing)] if middleware else []
    received = await Client(guards(AsgiUpstream(starlette(endpoint, stack))), who=caller()).asks()
    assert (received.body, received.whole, received.code) == (EVENT * 3, True, "OK")


async def test_work_after_the_answer_does_not_delay_it(guards: Guards) -> None:
    go_on = asyncio.Event()
    done: list[bool] = []

    async def afterwards() -> None:
        await go_on.wait()
        done.append(True)

    async def endpoint(request: Request) -> Response:
        return JSONResponse({"data": 1}, background=BackgroundTask(afterwards))

    client = Client(guards(AsgiUpstream(starlette(endpoint))))
    async with client.asking():
        await client.has(b'{"data":1}')
        assert client.received.whole
        go_on.set()
    assert done


async def test_a_failure_after_the_answer_is_reported_and_harms_nobody(guards: Guards, faults: list[str]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await saying(start(), body(ANSWER))(scope, receive, send)
        raise RuntimeError("boom")

    received = await Client(guards(AsgiUpstream(app))).asks()
    assert (received.body, received.whole, received.code) == (ANSWER, True, "OK")
    assert faults == ["the application failed after its answer"]


async def _raises(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret detail")


@pytest.mark.parametrize(
    "app",
    [
        _raises,
        saying(),
        saying(start()),
        saying(body(b"first")),
        saying(start(302, [(b"location", b"/x"), *JSON]), body(b"")),
        saying(start(200, [(b"content-type", b"text/html")]), body(b"<h1>"), body(b"more")),
        starlette(lambda request: HTMLResponse("<h1>Not here</h1>", 404)),
    ],
)  # fmt: skip
async def test_no_usable_answer_is_upstream_unavailable(guards: Guards, faults: list[str], app: App) -> None:
    received = await Client(guards(AsgiUpstream(app)), who=caller()).asks()
    assert refused(received)
    assert b"secret" not in received.body
    assert len(faults) == 1


async def test_an_application_that_cannot_meet_accept_is_no_outage(guards: Guards) -> None:
    """The same as an upstream on HTTP."""
    received = await Client(guards(AsgiUpstream(saying(start(406, []), body(b"")))), kind="subscription").asks()
    assert (received.status, received.code) == (406, "BAD_USER_INPUT")
    assert b"text/event-stream" in received.body


@pytest.mark.parametrize("fails", [False, True])
async def test_an_answer_that_breaks_never_looks_whole(guards: Guards, fails: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"half", more=True))
        if fails:
            raise RuntimeError("boom")

    received = await Client(guards(AsgiUpstream(app))).asks()
    assert (received.status, received.body, received.whole) == (200, b"half", False)
    assert [type(report).__name__ for report in received.reports] == ["BrokenAnswer"]


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends one event and waits for nothing, deaf to `receive`."""
    scope["state"]["running"].append(scope["gatepass"])
    try:
        await send(start(200, [(b"content-type", b"text/event-stream")]))
        await send(body(EVENT, more=True))
        await asyncio.Event().wait()
    finally:
        scope["state"]["running"].clear()
        await send(body(b"too late", more=True))


async def test_signing_out_ends_the_sessions_streams(guards: Guards, revocations: Revocations) -> None:
    running: list[Caller | None] = []
    client = Client(guards(AsgiUpstream(endless, state={"running": running})), who=caller(), kind="subscription")
    async with client.asking():
        await client.has(EVENT)
        assert running
        started = time.monotonic()
        await revocations.sign_out()
    assert time.monotonic() - started < 1
    assert not running
    assert (client.received.body, client.received.whole, client.received.code) == (EVENT, True, "UNAUTHENTICATED")


async def test_the_end_of_the_token_ends_its_streams(guards: Guards) -> None:
    gateway = guards(AsgiUpstream(endless, state={"running": []}))
    received = await Client(gateway, who=caller(lives=timedelta(seconds=0.2)), kind="subscription").asks()
    assert (received.body, received.whole, received.code) == (EVENT, True, "UNAUTHENTICATED")


async def test_a_client_that_leaves_ends_the_stream(guards: Guards) -> None:
    running: list[Caller | None] = []
    client = Client(guards(AsgiUpstream(endless, state={"running": running})), kind="subscription")
    async with client.asking():
        await client.has(EVENT)
        client.hangs_up()
    assert not running
    assert (client.received.whole, client.received.code) == (False, "OK")


async def test_an_application_hears_that_the_client_left(guards: Guards) -> None:
    """A mutation's work is not cut off; the application decides, as behind any server."""
    heard: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        heard.append(await receive())
        await saying(start(), body(ANSWER))(scope, receive, send)

    client = Client(guards(AsgiUpstream(app)), kind="mutation")
    async with client.asking():
        await asyncio.sleep(0.02)
        client.hangs_up()
    assert heard == [{"type": "http.disconnect"}]
    assert client.received.whole


async def test_callers_are_never_mixed(guards: Guards) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0)
        asked = await receive()
        await saying(start(), body(scope["gatepass"].subject.encode() + b" " + asked["body"]))(scope, receive, send)

    gateway = guards(AsgiUpstream(app))

    async def one(number: int) -> None:
        received = await Client(gateway, who=caller(f"account-{number}"), body=b"%d" % number).asks()
        assert received.body == b"account-%d %d" % (number, number)

    await asyncio.gather(*(one(number) for number in range(200)))


async def test_the_gateways_own_questions_get_a_whole_answer() -> None:
    upstream = AsgiUpstream(saying(start(), body(b"one ", more=True), body(b"two")))
    answer = await upstream.send(Outgoing(BODY, [], "query", hangup=Hangup.never()))
    assert (answer.status, await answer.read(), answer.ended) == (200, b"one two", True)
    with pytest.raises(UpstreamFailed):
        await AsgiUpstream(saying(start())).send(Outgoing(BODY, [], "query", hangup=Hangup.never()))


async def test_an_application_that_is_mounted_at_the_endpoint_is_asked_with_the_slash(guards: Guards) -> None:
    """Starlette redirects from `/graphql` to what is mounted there, and a POST of ours would follow no redirect."""

    async def anywhere(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"data": {"path": scope["path"]}})(scope, receive, send)

    upstream = AsgiUpstream(Starlette(routes=[Mount("/graphql", anywhere)]), path="/graphql")
    answer = await upstream.send(Outgoing(BODY, [], "query", hangup=Hangup.never()))
    assert (answer.status, await answer.read()) == (200, b'{"data":{"path":"/graphql/"}}')
    received = await Client(guards(upstream), who=caller()).asks()
    assert json.loads(received.body) == {"data": {"path": "/graphql/"}}


async def test_the_gateways_own_questions_come_under_the_public_address() -> None:
    """Starlette's TrustedHostMiddleware and Django's ALLOWED_HOSTS refuse who names no host: no schema was read."""
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["api.example.org"])
    app = starlette(lambda request: JSONResponse(str(request.url)), [hosts])
    upstream = AsgiUpstream(app, path="/graphql", address="https://api.example.org:8443")
    answer = await upstream.send(Outgoing(BODY, [], "query", hangup=Hangup.never()))
    assert (answer.status, await answer.read()) == (200, b'"https://api.example.org:8443/graphql"')


@pytest.mark.parametrize("place", [b"/graphql", b"/graphql/x/", b"https://gate/login/", b"http://[", b""])
async def test_no_other_redirect_is_taken_to_be_the_path(place: bytes) -> None:
    """It would be asked again for ever, or somewhere else."""
    seen: list[str] = []

    async def moved(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 307, "headers": [(b"location", place)]})
        await send({"type": "http.response.body", "body": b""})

    answer = await AsgiUpstream(moved, path="/graphql").send(Outgoing(BODY, [], "query", hangup=Hangup.never()))
    assert (answer.status, seen) == (307, ["/graphql"])
