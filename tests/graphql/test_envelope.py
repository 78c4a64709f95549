"""The JSON body of a POST request, held to the letter."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from gatepass.domain.errors import RequestTooLarge
from gatepass.graphql.envelope import from_json
from gatepass.http.refusals import BadRequest
from tests.graphql.world import BEARER, COMPANIES, SIGN_IN, Api

JSON = {"content-type": "application/json"}


async def refusal(api: Api, body: bytes, headers: dict[str, str] | None = None) -> str:
    """The message of the 400 that this body gets."""
    answer = await api.send("POST", body, headers={**JSON, **(headers or {})})
    assert (answer.status, answer.code) == (400, "BAD_USER_INPUT")
    assert api.deeds.calls == []
    assert api.upstream.operations == []
    return answer.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"query":"{a}"}'.encode("utf-16"), "byte order mark"),
        (b"null", "must be a JSON object"),
        (b'"{a}"', "must be a JSON object"),
        (b"7", "must be a JSON object"),
        (b"[]", "Batches"),
        (b'[{"query":"{a}"},{"query":"{b}"}]', "Batches"),
        (b"{", "not JSON"),
        (b'{"query":"{a}"', "not JSON"),
        (b"{'query':'{a}'}", "not JSON"),
        (b'{"query":"{a}",}', "not JSON"),
        (b'{"query":"{a}"} {}', "not JSON"),
        (b'{"query":"{a}"}\x00', "not JSON"),
        (b'{"query":"{a\x00}"}', "not JSON"),
        (b'{"query":"{a}","x":NaN}', "not JSON"),
        (b'{"query":"\xff"}', "not UTF-8"),
        (b'{"query":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"query":"\\ud800"}', "not JSON"),
        (b'{"query":"\\udc00 {a}"}', "surrogate"),
        (b'{"query":"{a}","variables":{"a":1e999}}', "out of range"),
        (b'{"query":"{a}","variables":{"a":' + b"9" * 5000 + b"}}", "out of range"),
        (b"query={a}", "not JSON"),
    ],
)
async def test_a_body_that_is_not_one_json_object_is_400(api: Api, body: bytes, words: str) -> None:
    """Each says what is wrong with it. GraphQL over HTTP §6.4.1."""
    assert words in await refusal(api, body)


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({}, "query"),
        ({"qeury": "{a}"}, "query"),
        ({"query": None}, "query"),
        ({"query": 1}, "query"),
        ({"query": ["{a}"]}, "query"),
        ({"query": "{a}", "operationName": 1}, "operationName"),
        ({"query": "{a}", "operationName": ["a"]}, "operationName"),
        ({"query": "{a}", "variables": "{}"}, "variables"),
        ({"query": "{a}", "variables": []}, "variables"),
        ({"query": "{a}", "variables": 0}, "variables"),
        ({"query": "{a}", "extensions": False}, "extensions"),
    ],
)
async def test_a_member_of_the_wrong_type_is_400(api: Api, members: dict[str, object], name: str) -> None:
    """Types as the GraphQL-over-HTTP draft has them, §5.1."""
    assert f"'{name}'" in await refusal(api, json.dumps(members).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"{a}","query":"{b}"}',
        b'{"query":"{a}","qu\\u0065ry":"{b}"}',
        b'{"query":"{a}","variables":{"a":1},"variables":{"a":2}}',
        b'{"query":"{a}","variables":{"a":1,"b":2,"a":3}}',
        b'{"query":"{a}","variables":{"x":[[{"a":":","a":":"}]]}}',
        b'{"query":"{a:b}","extensions":{"\\":":1,"\\":":2}}',
        b'{"query":"{a}","ignored":{"a":1,"a":1}}',
    ],
)
async def test_a_repeated_name_is_refused_at_any_depth(api: Api, body: bytes) -> None:
    """Which of two members counts is open: where two parsers disagree, the checking one is passed by. RFC 8259 §4."""
    assert "more than once" in await refusal(api, body, BEARER)


async def test_colons_in_strings_are_no_members(api: Api) -> None:
    """Texts full of quotes, colons and escapes are no repeated names."""
    variables = {"a": '":"', "b\\": "::\\", ':"': {"": [":", {":": None}]}, "\u2028": '\\\\":'}
    body = json.dumps({"query": COMPANIES, "variables": variables}).encode()
    assert (await api.send("POST", body, headers={**JSON, **BEARER})).status == 200


@pytest.mark.parametrize(
    "body", [b'{"query":"{a}","__proto__":{"x":1}}', b'{"query":"{a}","variables":{"x":[{"\\u005f_proto__":1}]}}']
)
async def test_proto_is_refused_as_a_name(api: Api, body: bytes) -> None:
    """It changes objects in careless JavaScript upstreams."""
    assert "__proto__" in await refusal(api, body, BEARER)


@pytest.mark.parametrize("name", ["constructor", "hasOwnProperty", "__class__", "toString", "prototype"])
async def test_other_odd_names_are_only_names(api: Api, name: str) -> None:
    """Nothing here looks names up on objects."""
    answer = await api.post("query ($a: Int) { companies(a: $a) { id } }", {name: 1}, headers=BEARER)
    assert answer.json == {"data": {"from": "upstream"}}


async def test_nesting_is_limited(api: Api) -> None:
    """A hundred levels are plenty; more is refused whether or not the decoder could take it."""
    for depth in (101, 600, 40_000):
        body = b'{"query":"{a}","variables":{"x":' + b"[" * depth + b"]" * depth + b"}}"
        assert "deep" in await refusal(api, body, BEARER)


@pytest.mark.parametrize("opening", [b"[", b"{", b'{"":', b"[],", b'"",[],'])
async def test_the_number_of_arrays_and_objects_is_limited(api: Api, opening: bytes) -> None:
    """Each is an object in memory, for a byte or two on the wire. Those in strings are none."""
    body = b'{"query":"{a}","variables":{"x":[' + opening * 60_000
    answer = await api.send("POST", body, headers={**JSON, **BEARER})
    assert (answer.status, answer.code) == (413, "REQUEST_TOO_LARGE")
    harmless = json.dumps({"query": COMPANIES, "variables": {"x": "[{" * 60_000}}).encode()
    assert (await api.send("POST", harmless, headers={**JSON, **BEARER})).status == 200


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 400_000, b'"' * 800_000, b'{"query":"' + b"\\" * 799_999])
async def test_strings_without_an_end_are_gone_over_once(api: Api, body: bytes) -> None:
    """A search that began again at each quote would take hours for this."""
    assert "not JSON" in await refusal(api, body)


@pytest.mark.parametrize(
    "body", [b'{"a":' * 200_000, b'{"query":"[","variables":{"a":["\\\\"' + b',""' * 60_000 + b',"[' + b"[" * 60_000]
)
def test_counting_takes_no_memory_of_its_own(body: bytes) -> None:
    """Pieces of what is between the strings took sixty times the body, and the process kept half of that."""
    tracemalloc.start()
    try:
        with pytest.raises((BadRequest, RequestTooLarge)):
            from_json(body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * len(body)


async def test_optional_members_may_be_null_or_empty(api: Api) -> None:
    """Null is the same as not there, and so is an empty operationName."""
    body = json.dumps({"query": SIGN_IN, "variables": None, "operationName": "", "extensions": None}).encode()
    assert "data" in (await api.send("POST", body, headers=JSON)).json


async def test_the_very_bytes_that_were_validated_are_forwarded(api: Api) -> None:
    """DESIGN §4. Not their meaning as one parser sees it."""
    body = (
        b' {"variables" : {"n":1.0e0} , "query":"query q ($n: Int){ companies(n: $n) { id } }","operationName":"q"}\n'
    )
    await api.send("POST", body, headers={**JSON, **BEARER})
    assert api.upstream.operations[0].body == body


async def test_members_that_mean_nothing_here_are_not_forwarded(api: Api) -> None:
    """They could mean something to the upstream: Go reads `Query` as `query`, others know `id` or `documentId`."""
    body = json.dumps({"query": COMPANIES, "Query": "mutation { wipe }", "id": "x", "extensions": {"a": 1}}).encode()
    await api.send("POST", body, headers={**JSON, **BEARER})
    assert json.loads(api.upstream.operations[0].body) == {"query": COMPANIES, "extensions": {"a": 1}}


def test_an_envelope_does_not_show_itself() -> None:
    """It holds passwords; logs and traces print whatever they get."""
    envelope = from_json(json.dumps({"query": SIGN_IN, "variables": {"p": "canary"}}).encode())
    assert repr(envelope) == str(envelope) == "Envelope(…)"


def test_a_refusal_holds_no_body() -> None:
    """The message of the decoder is passed on, and it says positions only."""
    with pytest.raises(BadRequest) as caught:
        from_json(b'{"query": canary}')
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("query", [{}, {"query": None}, {"query": ""}])
@pytest.mark.parametrize(("accept", "status"), [("*/*", 200), ("application/graphql-response+json", 400)])
async def test_a_hash_in_place_of_a_query_is_answered_so_that_the_query_comes(
    api: Api, query: dict[str, object], accept: str, status: int
) -> None:
    """Apollo's clients and urql look for this message, and send the whole query then; nothing else makes them."""
    members = {**query, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    answer = await api.send("POST", json.dumps(members).encode(), headers={**JSON, **BEARER, "accept": accept})
    assert (answer.status, answer.code, answer.message) == (status, "BAD_USER_INPUT", "PersistedQueryNotSupported")
    assert api.upstream.operations == []


async def test_a_query_with_its_hash_is_passed_on(api: Api) -> None:
    """An upstream that keeps queries may do what it likes with it."""
    members = {"query": COMPANIES, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    assert (await api.send("POST", json.dumps(members).encode(), headers={**JSON, **BEARER})).status == 200
    assert json.loads(api.upstream.operations[0].body) == members


async def test_files_are_refused_in_their_own_words(api: Api) -> None:
    """Who sends a file as the multipart request specification says has set that very Content-Type on purpose."""
    answer = await api.send("POST", b"--x--", headers={"content-type": "multipart/form-data; boundary=x", **BEARER})
    assert answer.status == 415
    assert "Files are not taken" in answer.message
