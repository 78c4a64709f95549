"""X-Gatepass-Assertion on its way up: when it is there, what it is for, and when it is the same again."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import KeyUnusable
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.assertion import MAX_REMEMBERED, REUSED_FOR, Assertions
from gatepass.gateway.forward import Gateway
from gatepass.gateway.schema import UpstreamSchema
from gatepass.gateway.upstream import Upstream
from gatepass.http.asgi import Receive, Scope, Send
from tests.gateway.actors import BODY, Asked, Client, Revocations, answering, caller, http
from tests.gateway.conftest import Adapts, Guards, Opens

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIGN_IN_SDL = "type Query { gatepass: String }"


class Signer:
    """Numbers what it signs, so that a test sees what is new."""

    def __init__(self) -> None:
        self.signed: list[tuple[Caller | None, bytes, datetime]] = []
        self.has_key = True

    def sign(self, caller: Caller | None, body_digest: bytes, now: datetime) -> bytes:
        if not self.has_key:
            raise KeyUnusable("no key")
        self.signed.append((caller, body_digest, now))
        return b"head.payload.%d" % len(self.signed)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def assertions(signer: Signer, clock: Clock) -> Assertions:
    return Assertions(signer, clock)


@pytest.fixture
def guards(revocations: Revocations, assertions: Assertions) -> Guards:
    """Put a gateway that signs before an upstream."""

    def guard(upstream: Upstream) -> Gateway:
        return Gateway(upstream, revocations.sessions, revocations.now, on_fault=print, assertions=assertions)

    return guard


@pytest.mark.parametrize("kind", ["query", "mutation", "subscription"])
async def test_every_operation_is_signed_with_the_bytes_that_go_up(
    opens: Opens, adapts: Adapts, guards: Guards, signer: Signer, kind: str
) -> None:
    asked: list[Asked] = []
    upstream = await opens(answering(http(), asked=asked))
    ana = caller("ana")
    forged = [(b"x-gatepass-assertion", b"forged"), (b"X_Gatepass_Assertion", b"forged"), (b"accept", b"*/*")]
    await Client(guards(adapts(upstream.url)), who=ana, headers=forged, kind=kind).asks()
    assert asked[0].header(b"x-gatepass-assertion") == b"head.payload.1"
    assert b"forged" not in asked[0].head
    assert signer.signed == [(ana, hashlib.sha256(asked[0].body).digest(), NOON)]


async def test_who_is_not_signed_in_is_signed_as_nobody(
    opens: Opens, adapts: Adapts, guards: Guards, signer: Signer
) -> None:
    """With public operations the upstream can still tell what came through the gateway."""
    asked: list[Asked] = []
    upstream = await opens(answering(http(), asked=asked))
    await Client(guards(adapts(upstream.url))).asks()
    assert asked[0].header(b"x-gatepass-assertion") == b"head.payload.1"
    assert signer.signed[0][0] is None


async def test_without_a_key_nothing_goes_up(opens: Opens, adapts: Adapts, guards: Guards, signer: Signer) -> None:
    """An upstream that verifies would refuse it, and one that does not must not be given the habit."""
    signer.has_key = False
    upstream = await opens(answering(http()))
    received = await Client(guards(adapts(upstream.url)), who=caller()).asks()
    assert (received.status, received.code, upstream.lines) == (500, "INTERNAL", 0)
    assert b"no key" not in received.body


async def test_the_introspection_query_is_signed_too(
    opens: Opens, adapts: Adapts, signer: Signer, assertions: Assertions
) -> None:
    """Otherwise an upstream that verifies would never show its schema."""
    asked: list[Asked] = []
    upstream = await opens(answering(http(b"{}"), asked=asked))
    schema = UpstreamSchema(adapts(upstream.url), SIGN_IN_SDL, on_notice=lambda _: None, assertions=assertions)
    await schema.refresh()
    assert asked[0].header(b"x-gatepass-assertion") == b"head.payload.1"
    assert signer.signed[0][:2] == (None, hashlib.sha256(asked[0].body).digest())


async def test_an_application_in_this_process_needs_none(revocations: Revocations) -> None:
    """It has the caller in its scope, where nobody else can put one; the default is that nothing is signed."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    gateway = Gateway(AsgiUpstream(app), revocations.sessions, revocations.now, on_fault=print)
    await Client(gateway, who=caller(), headers=[(b"x-gatepass-assertion", b"forged")]).asks()
    assert not [value for name, value in seen[0]["headers"] if name == b"x-gatepass-assertion"]


def test_identical_requests_share_an_assertion_for_some_seconds(
    assertions: Assertions, signer: Signer, clock: Clock
) -> None:
    first = assertions.header(caller("ana", lives=timedelta(0)), BODY)
    assert first == (b"x-gatepass-assertion", b"head.payload.1")
    ana = signer.signed[0][0]
    clock.now = NOON + REUSED_FOR - timedelta(microseconds=1)
    assert assertions.header(ana, BODY) == first
    clock.now = NOON + REUSED_FOR
    assert assertions.header(ana, BODY)[1] == b"head.payload.2"
    assert signer.signed[1][2] == clock.now


@pytest.mark.parametrize(
    "other",
    [
        Caller("ben", frozenset({"read"}), "s-1", "gatepass", NOON),
        Caller("ana", frozenset({"read", "write"}), "s-1", "gatepass", NOON),
        Caller("ana", frozenset({"read"}), "s-2", "gatepass", NOON),
        Caller("ana", frozenset({"read"}), "s-1", "another", NOON),
        None,
    ],
)
def test_nobody_gets_the_assertion_of_another(assertions: Assertions, signer: Signer, other: Caller | None) -> None:
    ana = Caller("ana", frozenset({"read"}), "s-1", "gatepass", NOON)
    assert assertions.header(ana, BODY) != assertions.header(other, BODY)
    assert [signed[0] for signed in signer.signed] == [ana, other]


def test_another_body_has_another_assertion(assertions: Assertions) -> None:
    ana = caller("ana")
    assert assertions.header(ana, BODY) != assertions.header(ana, BODY + b" ")


def test_a_clock_that_was_set_back_brings_no_assertion_from_the_future(
    assertions: Assertions, signer: Signer, clock: Clock
) -> None:
    ana = caller("ana")
    assertions.header(ana, BODY)
    clock.now = NOON - timedelta(seconds=1)
    assertions.header(ana, BODY)
    assert signer.signed[1][2] == clock.now


def test_what_is_remembered_is_bounded_and_holds_no_body(assertions: Assertions, signer: Signer) -> None:
    """Bodies have secrets in them; only their digests are kept, and of requests that come no more nothing."""
    ana = caller("ana")
    for number in range(MAX_REMEMBERED + 10):
        assertions.header(ana, b"secret %d" % number)
    assert len(assertions._remembered) == MAX_REMEMBERED
    assert all(len(digest) == 32 for _, digest in assertions._remembered)
    assertions.header(ana, b"secret 0")
    assert len(signer.signed) == MAX_REMEMBERED + 11
