"""How the demo API speaks GraphQL over HTTP."""

import logging
from typing import Any

import httpx2
import pytest

from company_register.media import Accepted, accepted
from company_register.notes import NoteBook

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
HELLO = "{ __typename }"
MUTATION = 'mutation { addCompanyNote(company_number: "GP000001", text: "x") { town } }'


async def posts(
    api: httpx2.AsyncClient, query: str, *, accept: str = "*/*", variables: dict[str, Any] | None = None
) -> httpx2.Response:
    return await api.post("/graphql", json={"query": query, "variables": variables}, headers={"Accept": accept})


def media_type(answer: httpx2.Response) -> str:
    return str(answer.headers["content-type"]).partition(";")[0]


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
async def test_both_spellings_of_the_address_answer(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.post(path, json={"query": HELLO})
    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize(
    ("query", "variables", "code", "status"),
    [
        ("{ viewer ", {}, "GRAPHQL_PARSE_FAILED", 400),
        ("{ a }" * 500, {}, "GRAPHQL_PARSE_FAILED", 400),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED", 400),
        ("query A { __typename } query B { __typename }", {}, "BAD_USER_INPUT", 400),
        ("query ($n: Int) { companies(first: $n) { totalCount } }", {"n": "many"}, "BAD_USER_INPUT", 400),
        (MUTATION, {}, "FORBIDDEN", 200),
    ],
)
async def test_errors_have_a_code_and_the_status_of_their_media_type(
    api: httpx2.AsyncClient, query: str, variables: dict[str, Any], code: str, status: int
) -> None:
    """`application/json` is 200 for every well-formed request, the newer type 4xx when nothing was executed."""
    for accept, expected in ((JSON, 200), (RESPONSE, status)):
        answer = await posts(api, query, variables=variables, accept=accept)
        assert (answer.status_code, media_type(answer)) == (expected, accept)
        assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [code]
        assert ("data" in answer.json()) is (status == 200)


async def test_a_document_nested_too_deeply_is_refused(api: httpx2.AsyncClient) -> None:
    answer = await posts(api, "{ companies(where: " + "{and: " * 490 + "[]" + "}" * 490 + ") { totalCount } }")
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] in {"GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT"}


async def test_variables_nested_too_deeply_are_refused(api: httpx2.AsyncClient) -> None:
    query = "query ($where: CompanyFilter) { companies(where: $where) { totalCount } }"
    for depth in (60, 200, 600, 5000):
        where = '{"and":[' * depth + "{}" + "]}" * depth
        body = f'{{"query": "{query}", "variables": {{"where": {where}}}}}'
        answer = await api.post("/graphql", content=body, headers={"Content-Type": JSON})
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", depth


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[]", JSON, 400),
        (b'{"variables": {}}', JSON, 400),
        (b'{"query": 1}', JSON, 400),
        (b'{"query": "{__typename}", "variables": []}', JSON, 400),
        (b'{"query": "{__typename}"}', "text/plain", 415),
        (b'{"query": "{__typename}"}', "", 415),
        (b'{"query": "%s"}' % (b" " * 100_000), JSON, 413),
    ],
)
async def test_a_wrong_request_is_4xx_in_both_media_types(
    api: httpx2.AsyncClient, body: bytes, content_type: str, status: int
) -> None:
    for accept in (JSON, RESPONSE):
        headers = {"Content-Type": content_type, "Accept": accept}
        answer = await api.post("/graphql", content=body, headers=headers)
        assert (answer.status_code, media_type(answer)) == (status, accept)
        assert "code" in answer.json()["errors"][0]["extensions"]


async def test_get_answers_queries(api: httpx2.AsyncClient) -> None:
    query = "query Q($n: String!) { company(company_number: $n) { company_number } } query R { __typename }"
    parameters = {"query": query, "operationName": "Q", "variables": '{"n": "GP000007"}'}
    answer = await api.get("/graphql", params=parameters)
    assert answer.json() == {"data": {"company": {"company_number": "GP000007"}}}


@pytest.mark.parametrize("parameters", [{}, {"query": HELLO, "variables": "{"}, {"query": HELLO, "variables": "1"}])
async def test_get_refuses_what_is_no_request(api: httpx2.AsyncClient, parameters: dict[str, str]) -> None:
    assert (await api.get("/graphql", params=parameters)).status_code == 400


async def test_get_changes_nothing(api: httpx2.AsyncClient) -> None:
    """A link must not be able to write."""
    headers = {"X-Gatepass-Subject": "ana", "X-Gatepass-Scope": "write"}
    answer = await api.get("/graphql", params={"query": MUTATION}, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    notes = await posts(api, '{ company(company_number: "GP000001") { notes { text } } }')
    assert notes.json() == {"data": {"company": {"notes": []}}}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Accepted(JSON, events=False)),
        ("*/*", Accepted(JSON, events=False)),
        ("application/*", Accepted(JSON, events=False)),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", Accepted(JSON, events=False)),
        (f"{RESPONSE}, {JSON};q=0.9", Accepted(RESPONSE, events=False)),
        (f"{RESPONSE};q=0.1, {JSON}", Accepted(JSON, events=False)),
        (f"{RESPONSE};q=0, {JSON}", Accepted(JSON, events=False)),
        (f"{RESPONSE}, text/event-stream", Accepted(RESPONSE, events=True)),
        ("text/event-stream", Accepted(None, events=True)),
        ("text/html", Accepted(None, events=False)),
    ],
)
def test_the_accept_header_chooses_the_media_type(header: str | None, expected: Accepted) -> None:
    assert accepted(header) == expected


async def test_a_media_type_that_is_not_offered_is_406(api: httpx2.AsyncClient) -> None:
    assert (await posts(api, HELLO, accept="text/html")).status_code == 406


async def test_a_fault_says_nothing_about_itself(
    api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller reads `INTERNAL`; the log has the cause."""
    monkeypatch.setattr(NoteBook, "read", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR):
        answer = await posts(api, '{ company(company_number: "GP000001") { notes { text } } }')
    [error] = answer.json()["errors"]
    assert (error["message"], error["extensions"]) == ("Internal error.", {"code": "INTERNAL"})
    assert "ZeroDivisionError" in caplog.text
