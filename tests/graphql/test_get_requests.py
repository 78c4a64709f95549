"""GET: queries in the query string. GraphQL over HTTP §5.3."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from tests.graphql.world import BEARER, COMPANIES, SIGN_IN, Api


async def test_a_query_is_answered(api: Api) -> None:
    """Our own fields, without a token."""
    answer = await api.get(urlencode({"query": "{ gatepass { issuer accessTokenSeconds } }"}))
    assert answer.json == {"data": {"gatepass": {"issuer": "https://issuer.example", "accessTokenSeconds": 3600}}}


async def test_a_protected_query_is_forwarded_as_json(api: Api) -> None:
    """The upstream gets a POST body made of what was checked."""
    parameters = {
        "query": "query q($n: Int) { companies(n: $n) { id } }",
        "operationName": "q",
        "variables": '{"n": 3}',
        "extensions": '{"x": {}}',
        "unknown": "left out",
    }
    await api.get(urlencode(parameters), headers=BEARER)
    assert json.loads(api.upstream.operations[0].body) == {
        "query": parameters["query"],
        "operationName": "q",
        "variables": {"n": 3},
        "extensions": {"x": {}},
    }


@pytest.mark.parametrize(
    "document", [SIGN_IN, "mutation { signOut { sessions } }", "mutation { add }", "mutation { __typename }"]
)
async def test_a_mutation_is_405(api: Api, document: str) -> None:
    """A link must not change anything; Allow says what to use."""
    answer = await api.get(urlencode({"query": document}), headers=BEARER)
    assert (answer.status, answer.header("allow")) == (405, "POST")
    assert [call for call in api.deeds.calls if call[0] != "authenticate"] == []
    assert api.upstream.operations == []


async def test_who_wants_a_websocket_is_told_how_to_subscribe(api: Api) -> None:
    """The server takes the offer for none (RFC 9110 §7.8); what the client reads should not be about a query."""
    offer = {"connection": "Upgrade", "upgrade": "WebSocket", "sec-websocket-protocol": "graphql-transport-ws"}
    answer = await api.get("", headers=offer)
    assert answer.status == 400
    assert "text/event-stream" in answer.message


async def test_a_hash_in_place_of_a_query_is_answered_as_with_post(api: Api) -> None:
    """Clients send hashes by GET so that caches may keep the answers."""
    extensions = '{"persistedQuery":{"version":1,"sha256Hash":"00"}}'
    answer = await api.get(urlencode({"operationName": "q", "extensions": extensions}), headers=BEARER)
    assert (answer.status, answer.message) == (200, "PersistedQueryNotSupported")


async def test_which_operation_is_executed_decides(api: Api) -> None:
    """A mutation beside a query is no harm as long as the query is meant."""
    document = "query q { companies { id } } mutation m { add }"
    assert (await api.get(urlencode({"query": document, "operationName": "q"}), headers=BEARER)).status == 200
    assert (await api.get(urlencode({"query": document, "operationName": "m"}), headers=BEARER)).status == 405


@pytest.mark.parametrize(
    ("query_string", "words"),
    [
        ("", "'query' is missing"),
        ("query=", "'query' is missing"),
        ("operationName=a", "'query' is missing"),
        ("query=%7Ba%7D&query=%7Bb%7D", "more than once"),
        ("query=%7Ba%7D&qu%65ry=%7Bb%7D", "more than once"),
        ("query=%ff", "not UTF-8"),
        ("query=%ed%a0%80", "not UTF-8"),
        ("query=%7Ba%7D&variables=1", "'variables' must be an object"),
        ("query=%7Ba%7D&variables=%5B%5D", "'variables' must be an object"),
        ("query=%7Ba%7D&variables=%7B", "'variables' is not JSON"),
        ("query=%7Ba%7D&variables=" + quote('{"a":1,"a":2}'), "more than once"),
        ("query=%7Ba%7D&extensions=false", "'extensions' must be an object"),
    ],
)
async def test_a_malformed_query_string_is_400(api: Api, query_string: str, words: str) -> None:
    """Each says what is wrong with it."""
    answer = await api.get(query_string)
    assert answer.status == 400
    assert words in answer.message


async def test_empty_optional_parameters_are_none(api: Api) -> None:
    """GraphQL over HTTP §5.3: the empty string is the same as not there."""
    answer = await api.get("query=%7B__typename%7D&operationName=&variables=&extensions=")
    assert answer.json == {"data": {"__typename": "Query"}}


async def test_plus_is_a_space_and_utf_8_works(api: Api) -> None:
    """application/x-www-form-urlencoded, as the WHATWG URL standard has it."""
    document = '{ companies(name: "a b \U0001f3c3") { id } }'
    await api.get("query=" + quote(document, safe="").replace("%20", "+"), headers=BEARER)
    assert api.upstream.documents == [document]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "name", ["access_token", "ACCESS_TOKEN", "access%5Ftoken", "accessToken", "refresh_token", "password"]
)
async def test_a_token_in_the_address_is_refused(api: Api, method: str, name: str) -> None:
    """It stays in histories and logs. RFC 6750 §2.3, RFC 9700 §4.3.2."""
    query_string = f"query=%7B__typename%7D&{name}=canary".encode()
    headers = {"content-type": "application/json"}
    answer = await api.send(
        method, json.dumps({"query": COMPANIES}).encode(), headers=headers, query_string=query_string
    )
    assert (answer.status, answer.code) == (400, "BAD_USER_INPUT")
    assert "Authorization: Bearer" in answer.message
    assert b"canary" not in answer.body


async def test_a_long_address_is_414(api: Api) -> None:
    """The draft asks for POST then."""
    answer = await api.get("query=" + "a" * 20_000)
    assert (answer.status, answer.code) == (414, "REQUEST_TOO_LARGE")
    assert (await api.get("&".join(f"p{n}=1" for n in range(100)))).status == 414
