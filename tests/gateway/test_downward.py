"""What comes down of an upstream's answer, and what is no answer at all."""

from __future__ import annotations

import pytest

from gatepass.gateway.downward import downward, joined
from gatepass.gateway.hangup import Hangup
from gatepass.gateway.upstream import Outgoing, UpstreamFailed
from gatepass.http.asgi import Message
from gatepass.http.messages import Request
from tests.gateway.actors import BODY, caller

JSON = (b"Content-Type", b"application/json; charset=utf-8")


async def _deaf() -> Message:
    raise AssertionError


def outgoing(*, known: bool = True, method: str = "POST") -> Outgoing:
    request = Request(
        {"type": "http", "method": method, "path": "/graphql", "headers": []}, _deaf, request_id="0123456789", client=""
    )
    return Outgoing(BODY, [], "query", hangup=Hangup(_deaf), caller=caller() if known else None, request=request)


@pytest.mark.parametrize(
    "name",
    [
        "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Set-Cookie", "Server",
        "WWW-Authenticate", "Date", "X-Powered-By", "Via", "Location", "Refresh", "Access-Control-Allow-Origin",
        "Strict-Transport-Security", "Clear-Site-Data", "Alt-Svc", "X-Gatepass-Subject", "x_gatepass_scope",
        "X-Request-ID", "Content-Length", "NEL", "X-Accel-Redirect",
    ],
)  # fmt: skip
def test_what_speaks_for_the_gateway_or_the_hop_does_not_come_down(name: str) -> None:
    head = downward(200, [JSON, (name.encode(), b"marker")], outgoing())
    assert head.headers == [(b"content-type", b"application/json; charset=utf-8")]


def test_all_else_comes_down_in_lower_case() -> None:
    theirs = [(b"ETag", b'"1"'), (b"Vary", b"Accept"), (b"X-Cost", b"12"), (b"Content-Encoding", b"gzip")]
    head = downward(200, [JSON, *theirs], outgoing())
    assert head.headers[1:] == [(name.lower(), value) for name, value in theirs]


def test_headers_named_by_the_upstreams_connection_stay_there() -> None:
    head = downward(200, [JSON, (b"Connection", b"X-Hop"), (b"X-Hop", b"1")], outgoing())
    assert len(head.headers) == 1


def test_a_second_content_type_is_dropped() -> None:
    head = downward(200, [JSON, (b"content-type", b"text/html")], outgoing())
    assert head.headers == [(b"content-type", b"application/json; charset=utf-8")]


@pytest.mark.parametrize("status", [200, 202, 294, 400, 403, 404, 409, 422, 429, 500, 503])
def test_a_graphql_answer_keeps_its_status(status: int) -> None:
    assert downward(status, [JSON], outgoing()).status == status


@pytest.mark.parametrize("status", [100, 101, 204, 205, 206, 300, 301, 302, 303, 304, 307, 308, 407, 600, 999])
def test_other_statuses_are_no_answer(status: int) -> None:
    with pytest.raises(UpstreamFailed):
        downward(status, [JSON, (b"Location", b"http://elsewhere/")], outgoing())


@pytest.mark.parametrize(
    "media", [b"text/html", b"text/plain", b"application/xml", b"application/jsonp", b"image/png", b""]
)
@pytest.mark.parametrize("status", [200, 404, 500, 502])
def test_other_media_types_are_no_answer(status: int, media: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        downward(status, [(b"content-type", media)], outgoing())


def test_an_answer_without_a_media_type_is_none() -> None:
    with pytest.raises(UpstreamFailed):
        downward(200, [], outgoing())


def test_a_401_to_a_known_caller_is_403() -> None:
    """The upstream refuses the caller, not the token: 401 would make clients refresh for ever. RFC 9110 §15.5.4."""
    head = downward(401, [JSON, (b"WWW-Authenticate", b"Basic")], outgoing())
    assert head.status == 403
    assert b"www-authenticate" not in dict(head.headers)


def test_a_401_to_nobody_has_our_challenge() -> None:
    """RFC 6750 §3; the upstream's `Basic` would make browsers ask for a password in our name."""
    head = downward(401, [JSON, (b"WWW-Authenticate", b"Basic")], outgoing(known=False))
    assert head.status == 401
    assert dict(head.headers)[b"www-authenticate"].startswith(b"Bearer")


def test_retry_after_is_kept_for_the_refusal() -> None:
    with pytest.raises(UpstreamFailed) as failed:
        downward(503, [(b"content-type", b"text/html"), (b"Retry-After", b"7")], outgoing())
    assert failed.value.refusal.retry_after_seconds == 7


def test_answers_to_get_are_not_cached_for_others() -> None:
    """Shared caches do not know that `Authorisation` makes an answer private."""
    head = downward(200, [JSON, (b"Cache-Control", b"public, max-age=60")], outgoing(method="GET"))
    assert [value for name, value in head.headers if name == b"cache-control"] == [b"no-store"]
    head = downward(200, [JSON, (b"Cache-Control", b"max-age=60")], outgoing(method="GET", known=False))
    assert dict(head.headers)[b"cache-control"] == b"max-age=60"


def test_the_edges_headers_win() -> None:
    headers = joined(
        [(b"x-content-type-options", b"sniff"), (b"etag", b"1")], [(b"x-content-type-options", b"nosniff")]
    )
    assert headers == [(b"etag", b"1"), (b"x-content-type-options", b"nosniff")]


@pytest.mark.parametrize("media", [b"text/event-stream", b"multipart/mixed; boundary=x"])
def test_streams_of_events_stay_open(media: bytes) -> None:
    assert downward(200, [(b"content-type", media)], outgoing()).stays_open
    assert not downward(200, [JSON], outgoing()).stays_open
