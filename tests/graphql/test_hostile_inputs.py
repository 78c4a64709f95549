"""
Inputs that were made to hurt: each is refused or forwarded, and none stops the server.

The work each of them may cause is bounded by the limits that `test_document_limits` proves; here is what is answered.
"""

from __future__ import annotations

import gzip
import json

import pytest

from tests.graphql.world import BEARER, COMPANIES, SIGN_IN, Api
from tests.kit.hostile import FORWARDED, REFUSED, TOO_LARGE

JSON = {"content-type": "application/json"}


def asked(documents: dict[str, str]) -> pytest.MarkDecorator:
    """One case for each document, under its name."""
    return pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in documents.items()])


@asked(TOO_LARGE)
async def test_too_large_documents_are_413(api: Api, text: str) -> None:
    """Whoever sends them, and nothing goes up."""
    answer = await api.post(text, headers=BEARER)
    assert (answer.status, answer.code) == (413, "REQUEST_TOO_LARGE")
    assert api.upstream.operations == []


async def test_only_short_documents_are_read_again_with_plain_spaces(api: Api) -> None:
    """A no-break space at the end of a long document must not double its cost."""
    space = "\u00a0"
    assert "data" in (await api.post(SIGN_IN + space)).json
    assert (await api.post(SIGN_IN + " " * 4_000 + space)).code == "GRAPHQL_PARSE_FAILED"


@asked(REFUSED)
async def test_malformed_documents_are_refused(api: Api, text: str) -> None:
    """With the GraphQL status, without stack traces."""
    answer = await api.post(text, headers={**BEARER, "accept": "application/graphql-response+json"})
    assert answer.status == 400
    assert answer.code in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
    assert api.upstream.operations == []
    assert api.faults == []


@asked(FORWARDED)
async def test_odd_but_bearable_documents_are_the_upstreams_to_judge(api: Api, text: str) -> None:
    """They are classified in one linear pass and go up as they are."""
    name = "q" if text.startswith("query q{") else None
    answer = await api.post(text, operation_name=name, headers=BEARER)
    assert answer.json == {"data": {"from": "upstream"}}
    assert api.upstream.documents == [text]


@pytest.mark.parametrize(
    "password",
    [
        "\x00",
        "\u2028\u2029",
        "\ufeff",
        "\U0001f3c3" * 300,
        '"\\',
        "'; DROP TABLE x; --",
        "${jndi:x}",
        "%n%s" * 99,
    ],
)
async def test_odd_passwords_arrive_as_they_were_sent(api: Api, password: str) -> None:
    """Whatever JSON and GraphQL allow in a string; the use case decides."""
    literal = json.dumps(password)
    for _ in range(2):
        await api.post(SIGN_IN.replace('"correct horse battery"', literal))
    await api.post(SIGN_IN.replace('"correct horse battery"', literal.replace("\\u0000", "\x00")))
    assert [call[2] for call in api.deeds.calls] == [password] * 3


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, COMPANIES.encode()),
        ({"content-type": "text/plain"}, json.dumps({"query": COMPANIES}).encode()),
        ({"content-type": "application/x-www-form-urlencoded"}, b"query=%7Ba%7D"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--"),
        ({"content-type": "application/graphql"}, COMPANIES.encode()),
        ({"content-type": "application/json; charset=utf-16"}, json.dumps({"query": "{a}"}).encode("utf-16")),
        ({"content-type": "application/json; charset=latin-1"}, b'{"query":"{a}"}'),
        ({**JSON, "content-encoding": "gzip"}, gzip.compress(json.dumps({"query": COMPANIES}).encode())),
        ({**JSON, "content-encoding": "gzip"}, gzip.compress(b" " * 10_000_000)),
        ({**JSON, "content-encoding": "br"}, b"\x0b"),
    ],
)
async def test_bodies_that_are_not_plain_json_are_415(api: Api, headers: dict[str, str], body: bytes) -> None:
    """Nothing is unpacked, and a form that a foreign page could send is not read. GraphQL over HTTP, Security."""
    answer = await api.send("POST", body, headers={**headers, **BEARER})
    assert answer.status == 415
    assert api.upstream.operations == []


async def test_a_gzip_body_without_its_header_is_400(api: Api) -> None:
    """It is not JSON."""
    assert (await api.send("POST", gzip.compress(b"{}"), headers=JSON)).status == 400


async def test_a_sign_in_by_ten_thousand_aliases_hashes_nothing(api: Api) -> None:
    """Neither within the limits nor above them."""
    call = SIGN_IN[SIGN_IN.index("{signIn(") + 1 : -1]
    for times in (2, 50, 150, 10_000):
        text = "mutation {" + "".join(f" a{n}: {call}" for n in range(times)) + "}"
        assert "errors" in (await api.post(text[:1_000_000])).json
    assert api.deeds.calls == []
