"""Methods, media types and headers. GraphQL over HTTP §4 to §6."""

from __future__ import annotations

import json

import pytest

from gatepass.graphql.endpoint import IntrospectionPolicy, Policies
from tests.graphql.world import BEARER, COMPANIES, SIGN_IN, Api

JSON = "application/json; charset=utf-8"
GRAPHQL = "application/graphql-response+json; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/json, application/graphql-response+json", JSON),
        ("application/json;q=0.1, application/graphql-response+json;q=0.2", GRAPHQL),
        ("text/html, application/json", JSON),
        ("text/event-stream, application/graphql-response+json", GRAPHQL),
        ("text/event-stream;q=0.5, */*;q=0.1", JSON),
    ],
)
async def test_the_answer_has_the_type_that_was_asked_for(api: Api, accept: str | None, content_type: str) -> None:
    """Data and errors alike, with Vary so that no cache mixes them up."""
    headers = {} if accept is None else {"accept": accept}
    for query in ("{ __typename }", SIGN_IN, "{", COMPANIES):
        answer = await api.post(query, headers=headers)
        assert answer.header("content-type") == content_type
        assert answer.header("vary") == "Accept"
        assert answer.header("cache-control") == "no-store"


async def test_several_accept_headers_are_one_list(api: Api) -> None:
    """RFC 9110 §5.3."""
    headers = [
        (b"content-type", b"application/json"),
        (b"accept", b"image/png"),
        (b"accept", b"application/graphql-response+json"),
    ]
    answer = await api.send("POST", b'{"query":"{__typename}"}', headers=headers)
    assert answer.header("content-type") == GRAPHQL


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json;q=0", "text/plain, application/xml"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_accept_that_cannot_be_met_is_406(api: Api, accept: str, method: str) -> None:
    """And nothing is done; the body is JSON all the same, for whoever reads it."""
    headers = {"content-type": "application/json", "accept": accept, **BEARER}
    answer = await api.send(method, json.dumps({"query": SIGN_IN}).encode(), headers=headers, query_string=b"query={a}")
    assert (answer.status, answer.code, answer.header("content-type")) == (406, "BAD_USER_INPUT", JSON)
    assert (api.deeds.calls, api.upstream.operations) == ([], [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE", "PROPFIND"])
async def test_other_methods_are_405(api: Api, method: str) -> None:
    """With the ones that are allowed. RFC 9110 §15.5.6."""
    answer = await api.send(method, b"", headers={}, query_string=b"query=%7B__typename%7D")
    assert (answer.status, answer.header("allow")) == (405, "GET, POST, OPTIONS")


async def test_options_says_what_is_allowed(api: Api) -> None:
    """RFC 9110 §9.3.7."""
    answer = await api.send("OPTIONS", b"", headers={})
    assert (answer.status, answer.header("allow"), answer.body) == (200, "GET, POST, OPTIONS", b"")


async def test_an_event_stream_is_the_upstreams_to_give(api: Api) -> None:
    """A subscription with `Accept: text/event-stream` is forwarded; its errors before that are JSON."""
    stream = {"accept": "text/event-stream"}
    await api.post("subscription { changes }", headers={**stream, **BEARER})
    assert api.upstream.operations[0].kind == "subscription"
    refused = await api.post("subscription { changes }", headers=stream)
    assert (refused.status, refused.header("content-type")) == (401, JSON)


async def test_our_own_operations_come_in_no_event_stream(api: Api) -> None:
    """406 before anything is done, rather than an answer that the client cannot read."""
    answer = await api.post(SIGN_IN, headers={"accept": "text/event-stream"})
    assert (answer.status, api.deeds.calls) == (406, [])


@pytest.mark.parametrize(
    ("query", "as_json", "as_graphql"),
    [
        ("{", 200, 400),
        ("{ __typenam }", 401, 401),
        ("{ gatepass { nothing } }", 200, 400),
        ("{ gatepass { issuer } companies }", 200, 400),
        ("query a { x } query b { y }", 200, 400),
        (COMPANIES, 401, 401),
        ("{ a" + "{b" * 40 + "}" * 41, 413, 413),
        (SIGN_IN.replace("correct", "wrong"), 200, 294),
    ],
)
async def test_statuses_follow_the_media_type(api: Api, query: str, as_json: int, as_graphql: int) -> None:
    """200 for `application/json`, what scripts of this protocol expect; the draft's statuses for the other."""
    assert (await api.post(query)).status == as_json
    assert (await api.post(query, headers={"accept": "application/graphql-response+json"})).status == as_graphql


async def test_only_executed_errors_have_a_data_entry(api: Api) -> None:
    """A request error has none; a refused field has `data: null`. GraphQL specification §7.1."""
    assert (await api.post(SIGN_IN.replace("correct", "wrong"))).json["data"] is None
    for query in ("{", COMPANIES, "{ gatepass { nothing } }"):
        assert "data" not in (await api.post(query)).json


async def test_every_error_has_a_code_and_the_request_id(api: Api) -> None:
    """Several errors of one document too."""
    answer = await api.post("{ gatepass { a b c } }", headers={"x-request-id": "abcdefgh-1"})
    assert [error["extensions"] for error in answer.json["errors"]] == [
        {"code": "GRAPHQL_VALIDATION_FAILED", "requestId": "abcdefgh-1"}
    ] * 3
    assert [error["locations"] for error in answer.json["errors"]] == [[{"line": 1, "column": n}] for n in (14, 16, 18)]


async def test_the_log_line_knows_what_it_was() -> None:
    """A fixed word and a code, never a name that the client made up."""
    api = Api(Policies(introspection=IntrospectionPolicy.OFF))
    await api.post("query Canary { __schema { a } }")
    await api.post("query Canary { gatepass { issuer } }")
    await api.post("mutation Canary { add }")
    await api.post("{")
    await api.send("POST", b"", headers={})
    assert api.log == [
        ("introspection", "FORBIDDEN", 403),
        ("query", "OK", 200),
        ("mutation", "UNAUTHENTICATED", 401),
        ("", "GRAPHQL_PARSE_FAILED", 200),
        ("", "BAD_USER_INPUT", 415),
    ]
