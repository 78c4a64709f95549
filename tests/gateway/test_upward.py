"""What goes up to the upstream. DESIGN §4; RFC 9110 §7.6.1."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.access_token import Caller
from gatepass.gateway.http_upstream import _text, _usual_name
from gatepass.gateway.upward import accepted, upward
from gatepass.http.asgi import Headers, Message, Scope
from gatepass.http.messages import ForwardedOperation, Request
from tests.gateway.actors import BODY, SESSION, caller


async def _deaf() -> Message:
    raise AssertionError


def sent(
    headers: Headers, *, who: Caller | None = None, bearer: str | None = "t.o.k", forward_bearer: bool = False
) -> Headers:
    scope: Scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers}
    request = Request(scope, _deaf, request_id="0123456789abcdef", client="203.0.113.7")
    return upward(ForwardedOperation(request, BODY, "query", who, bearer), forward_bearer=forward_bearer)


def values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


def spellings(name: str) -> list[bytes]:
    """Every mixture of `-` and `_`, in three cases."""
    parts = name.split("-")
    mixed = []
    for separators in itertools.product("-_", repeat=len(parts) - 1):
        text = "".join(part + separator for part, separator in zip(parts, [*separators, ""], strict=True))
        mixed += [text, text.upper(), text.title()]
    return [text.encode() for text in mixed]


@pytest.mark.parametrize(
    "name", ["x-gatepass-subject", "x-gatepass-client", "x-gatepass-assertion", "x-gatepass-anything"]
)
def test_identity_headers_are_stripped_in_every_spelling(name: str) -> None:
    """A client cannot say who it is: upstreams behind CGI or WSGI read X_Gatepass_Subject as X-Gatepass-Subject."""
    for spelling in spellings(name):
        assert b"mallory" not in dict(sent([(spelling, b"mallory")])).values(), spelling


@given(
    st.text("-_. ~!", min_size=1, max_size=1), st.text("-_. ~!", min_size=1, max_size=1), st.text("abc_-", max_size=5)
)
def test_no_separator_smuggles_an_identity_header(first: str, second: str, rest: str) -> None:
    """Whatever stands between the words: some servers turn every odd character of a name into `_`."""
    name = f"x{first}gatepass{second}{rest}".encode()
    assert b"mallory" not in dict(sent([(name, b"mallory")])).values()


def test_identity_is_the_callers_and_is_there_once() -> None:
    headers = sent([(b"x-gatepass-subject", b"mallory"), (b"x_gatepass_scope", b"root")], who=caller("ana"))
    assert values(headers, b"x-gatepass-subject") == [b"ana"]
    assert values(headers, b"x-gatepass-scope") == [b"admin read"]
    assert values(headers, b"x-gatepass-session") == [SESSION.encode()]
    assert values(headers, b"x-gatepass-client") == [b"gatepass"]


def test_without_a_caller_no_identity_goes_up() -> None:
    assert not [name for name, _ in sent([]) if name.startswith(b"x-gatepass")]


def test_the_request_id_is_the_edges() -> None:
    headers = sent([(b"x-request-id", b"injected-id-1"), (b"x_request_id", b"injected-id-2")])
    assert values(headers, b"x-request-id") == [b"0123456789abcdef"]
    assert values(headers, b"x_request_id") == []


@pytest.mark.parametrize(
    "name",
    [
        "connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "upgrade", "http2-settings", "host", "content-length", "content-encoding", "content-md5", "expect", "range",
        "if-none-match", "if-modified-since", "forwarded", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via",
        "cookie", "authorization", "authorisation", "x-http-method-override", "x-original-url", "max-forwards",
        "client-ip", "fastly-client-ip", "remote-user", "x-remote-user", "x-remote-addr", "x-auth-request-user",
        "proxy",
    ],
)  # fmt: skip
def test_what_is_between_client_and_gateway_stays_there(name: str) -> None:
    for spelling in spellings(name):
        assert b"marker" not in dict(sent([(spelling, b"marker")])).values(), spelling


def test_headers_named_by_connection_stay_here() -> None:
    """RFC 9110 §7.6.1."""
    headers = sent(
        [(b"connection", b"keep-alive, X-Hop"), (b"connection", b"x-other"), (b"x-hop", b"1"), (b"x-other", b"2")]
    )
    assert not values(headers, b"x-hop")
    assert not values(headers, b"x-other")


def test_connection_cannot_remove_the_identity() -> None:
    """Naming our headers in Connection strips the client's, never ours."""
    headers = sent([(b"connection", b"x-gatepass-subject, x-request-id, content-type")], who=caller("ana"))
    assert values(headers, b"x-gatepass-subject") == [b"ana"]
    assert values(headers, b"x-request-id")
    assert values(headers, b"content-type") == [b"application/json"]


def test_all_else_goes_up_unchanged() -> None:
    theirs = [
        (b"traceparent", b"00-abc-def-01"),
        (b"user-agent", b"curl/8"),
        (b"x-tenant", b"caf\xc3\xa9"),
        (b"accept-language", b"cy"),
    ]
    headers = sent(theirs)
    assert [header for header in headers if header in theirs] == theirs


def test_the_body_is_announced_as_json_once() -> None:
    headers = sent([(b"content-type", b"application/graphql"), (b"content_type", b"text/plain")])
    assert values(headers, b"content-type") == [b"application/json"]
    assert not values(headers, b"content_type")


def test_the_bearer_goes_up_only_where_the_setting_says_so() -> None:
    presented = [(b"authorization", b"Bearer t.o.k"), (b"authorisation", b"Bearer t.o.k")]
    assert not values(sent(presented), b"authorization")
    assert values(sent(presented, forward_bearer=True), b"authorization") == [b"Bearer t.o.k"]
    assert not values(sent(presented, forward_bearer=True), b"authorisation")
    assert not values(sent(presented, bearer=None, forward_bearer=True), b"authorization")


def test_the_clients_address_is_the_edges_finding() -> None:
    """An inbound X-Forwarded-For is the client's word about itself."""
    assert values(sent([(b"x-forwarded-for", b"10.0.0.1")]), b"x-forwarded-for") == [b"203.0.113.7"]


@pytest.mark.parametrize(
    ("accept", "up"),
    [
        (b"", b"application/json"),
        (b"*/*", b"application/json"),
        (b"text/html,application/xhtml+xml,*/*;q=0.8", b"application/json;q=0.8"),
        (b"application/json;q=0.9,text/event-stream", b"application/json;q=0.9, text/event-stream"),
        (b"application/graphql-response+json", b"application/graphql-response+json"),
        (b"text/event-stream", b"text/event-stream"),
        (b"multipart/mixed;deferSpec=20220824,*/*", b"multipart/mixed;deferSpec=20220824, application/json"),
        (b"application/x-evil\x00, image/png", b"application/json"),
        (b"application/json;q=\xff", b"application/json"),
    ],
)  # fmt: skip
def test_accept_is_reduced_to_what_can_be_passed_down(accept: bytes, up: bytes) -> None:
    assert accepted(accept) == up


def test_accept_encoding_goes_up_and_defaults_to_identity() -> None:
    """Bodies pass unopened, so the client's choice is the upstream's."""
    assert values(sent([(b"accept-encoding", b"gzip, br")]), b"accept-encoding") == [b"gzip, br"]
    assert values(sent([]), b"accept-encoding") == [b"identity"]


def test_foreign_names_cannot_fill_the_memory() -> None:
    from gatepass.gateway import upward as room

    for number in range(5000):
        sent([(b"x-%d" % number, b"1"), (b"y" * 200 + b"%d" % number, b"1")])
    assert len(room._PASSING) <= 1024


def test_the_long_name_of_a_header_is_passed_on_and_not_remembered() -> None:
    """Names are the sender's choice: a thousand of 30 kB stayed in the memory for good."""
    before = _usual_name.cache_info().currsize
    for number in range(20):
        name = b"x-%d-" % number + b"a" * 20_000
        assert _text([(name, b"value")])[name.decode()] == "value"
    assert _usual_name.cache_info().currsize == before
