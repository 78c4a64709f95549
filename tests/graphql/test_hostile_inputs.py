"""
Inputs that were made to hurt: each is refused or forwarded, and none stops the server.

The work each of them may cause is bounded by the limits that `test_document_limits` proves; here is what is answered.
"""

from __future__ import annotations

import gzip
import json

import pytest

from tests.graphql.world import BEARER, COMPANIES, SIGN_IN, Api

JSON = {"content-type": "application/json"}


def fragments(selection: str, count: int) -> str:
    """Fragments F0, F1, … which select this; `{next}` is the number of the following one."""
    return "".join(f"fragment F{n} on Q{{{selection.replace('{next}', str(n + 1))}}}" for n in range(count))


def chain(selection: str, length: int) -> str:
    """Fragments of which each spreads the next, and an end."""
    return fragments(selection, length) + f"fragment F{length} on Q{{end}}"


TOO_LARGE = {
    "a megabyte of brackets": "[" * 1_000_000,
    "deep selections": "{a" * 5_000 + "}" * 5_000,
    "deep inline fragments": "{" + "...{" * 4_000 + "a" + "}" * 4_001,
    "deep lists": "{a(b:" + "[" * 9_000,
    "deep objects": "{a(b:" + "{a:" * 9_000,
    "deep list types": "query($a:" + "[" * 9_000 + "I" + "]" * 9_000 + "){a}",
    "ten thousand aliases": "{" + "".join(f"a{n}:b " for n in range(10_000)) + "}",
    "aliases below the token limit": "{" + "a:b " * 3_000 + "}",
    "many tokens": "{" + "a " * 20_000 + "}",
    "many comments": "{a" + "#\n" * 30_000 + "}",
    "many root fields": "{" + "a " * 9_000 + "}",
    "a huge string": '{a(b:"' + "x" * 100_000 + '")}',
}

REFUSED = {
    "a fragment that spreads itself": "{...F} fragment F on Q{...F}",
    "two fragments in a circle": "{...F} fragment F on Q{a{...G}} fragment G on Q{b{...F}}",
    "a long circle": "{...F0}" + "".join(f"fragment F{n} on Q{{...F{(n + 1) % 900}}}" for n in range(900)),
    "a circle nobody uses": "{a} fragment F on Q{...F}",
    "a spread of nothing": "{...F}",
    "brackets up to the length limit": "{" * 65_536,
    "NUL between tokens": "{a\x00}",
    "a control character": "{\x07}",
    "only a byte order mark": "\ufeff",
    "nothing": "",
    "a lone quote": '"',
    "a lone block quote": '"""',
    "an escape at the end": '{a(b:"\\',
    "a half escape at the end": '{a(b:"\\u12',
    "half a surrogate pair": '{a(b:"\\ud800")}',
    "a character beyond Unicode": '{a(b:"\\u{110000}")}',
    "an endless escape": '{a(b:"\\u{' + "0" * 10_000,
    "a thousand operations, none chosen": "".join(f"query q{n}{{a}}" for n in range(1_000)),
}

FORWARDED = {
    "huge numbers": "{a(b:" + "9" * 60_000 + ", c: 1e" + "9" * 3_000 + ")}",
    "a long string of quotes": '{a(b:"' + '\\"' * 30_000 + '")}',
    "a long block string": '{a(b:"""' + '\\"""' * 15_000 + '""")}',
    "a long name": "{" + "a" * 65_000 + "}",
    "many spreads of few fragments": "{a{" + "...F...G" * 2_000 + "}} fragment F on Q{...G} fragment G on Q{b}",
    "a thousand fragments": "{...F0}" + chain("...F{next}", 1_000),
    "a hundred fragments in one": "{" + "".join(f"...F{n} " for n in range(100)) + "}" + fragments("a", 100),
    "many directives": "{a" + "@b(c:1)" * 1_400 + "}",
    "many variables": "query(" + "".join(f"$v{n}:I " for n in range(2_000)) + "){a}",
    "many arguments": "{a(" + "".join(f"b{n}:1 " for n in range(3_000)) + ")}",
    "many operations": "query q{a}" + "".join(f"query q{n}{{...F0}}" for n in range(500)) + chain("b ...F{next}", 400),
    "doubling fragments": "{...F0}" + chain("...F{next} ...F{next}", 900),
    "sign-in everywhere but at the root": '{a(signIn:"signIn"){signIn(signIn:signIn){signInRefresh}}}',
}


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
