"""Protected operations: the bearer first, then the gateway."""

from __future__ import annotations

import json

import pytest

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import StoreUnavailable, UpstreamUnavailable
from gatepass.graphql.endpoint import IntrospectionPolicy, Policies
from tests.graphql.world import ACCESS_TOKEN, BEARER, COMPANIES, Api

OPEN = Policies(public_operations=True)
MIXED_WITH_SCHEMA = "{ companies { id } __schema { types { name } } }"


async def test_a_good_bearer_takes_the_operation_to_the_upstream(api: Api) -> None:
    """With the bytes that came, the proven caller, the kind and the token as presented."""
    answer = await api.post(COMPANIES, {"a": 1}, headers=BEARER)
    assert answer.json == {"data": {"from": "upstream"}}
    operation = api.upstream.operations[0]
    assert json.loads(operation.body) == {"query": COMPANIES, "variables": {"a": 1}}
    assert isinstance(operation.caller, Caller)
    assert (operation.kind, operation.caller.subject, operation.bearer) == ("query", "account-1", ACCESS_TOKEN)
    assert api.log == [("query", "OK", 200)]


@pytest.mark.parametrize(("text", "kind"), [("mutation { add }", "mutation"), ("subscription { s }", "subscription")])
async def test_the_kind_of_the_operation_goes_along(api: Api, text: str, kind: str) -> None:
    """The gateway streams subscriptions and never repeats mutations."""
    await api.post(text, headers=BEARER)
    assert api.upstream.operations[0].kind == kind


@pytest.mark.parametrize(
    ("headers", "words", "challenge"),
    [
        ({}, "Get one with the signIn mutation", 'Bearer realm="gatepass"'),
        ({"authorization": "Bearer expired"}, "has expired", 'error="invalid_token"'),
        ({"authorization": "Bearer: x"}, "no ':'", 'error="invalid_token"'),
        ({"authorization": ACCESS_TOKEN}, "'Bearer' before the token is missing", 'error="invalid_token"'),
        ({"authorisation": 'Bearer "x"'}, "quotes", 'error="invalid_token"'),
        ({"authorization": "Basic YTpi"}, "Only the scheme 'Bearer'", 'error="invalid_token"'),
    ],
)
async def test_without_a_good_bearer_it_is_401(api: Api, headers: dict[str, str], words: str, challenge: str) -> None:
    """With a challenge and advice, and nothing goes up. RFC 6750 §3; DESIGN §3."""
    answer = await api.post(COMPANIES, headers=headers)
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
    assert words in answer.message
    assert challenge in (answer.header("www-authenticate") or "")
    assert "data" not in answer.json
    assert api.upstream.operations == []
    assert api.log == [("query", "UNAUTHENTICATED", 401)]


async def test_a_remembered_document_still_needs_its_bearer(api: Api) -> None:
    """What is remembered is what the document is, never who may send it."""
    assert (await api.post(COMPANIES, headers=BEARER)).status == 200
    assert len(api.endpoint._remembered) == 1
    assert (await api.post(COMPANIES)).status == 401
    assert (await api.post(COMPANIES, headers={"authorization": "Bearer expired"})).status == 401
    assert (await api.post(COMPANIES, headers=BEARER)).status == 200
    assert len(api.upstream.operations) == 2


async def test_one_text_with_several_operations_is_remembered_by_operation(api: Api) -> None:
    """The same text is a query under one name and a mutation under another."""
    text = "query a { x } mutation b { y }"
    for _ in range(2):
        for name in "ab":
            await api.post(text, operation_name=name, headers=BEARER)
    assert [operation.kind for operation in api.upstream.operations] == ["query", "mutation"] * 2


async def test_two_different_spellings_of_the_header_are_400(api: Api) -> None:
    """Which one counts is where attacks live."""
    answer = await api.post(COMPANIES, headers={**BEARER, "authorisation": "Bearer other"})
    assert (answer.status, api.upstream.operations) == (400, [])


async def test_the_bearer_header_twice_is_400(api: Api) -> None:
    """RFC 9110 §5.3: it is no list."""
    headers = [(b"content-type", b"application/json"), *[(b"authorization", b"Bearer " + ACCESS_TOKEN.encode())] * 2]
    assert (await api.send("POST", json.dumps({"query": COMPANIES}).encode(), headers=headers)).status == 400


async def test_public_operations_let_requests_without_a_token_through() -> None:
    """For upstreams with open fields; a token that is there must still be good."""
    api = Api(OPEN)
    await api.post(COMPANIES)
    await api.post(COMPANIES, headers=BEARER)
    assert [operation.caller is None for operation in api.upstream.operations] == [True, False]
    assert api.upstream.operations[0].bearer is None
    assert (await api.post(COMPANIES, headers={"authorization": "Bearer expired"})).status == 401
    assert len(api.upstream.operations) == 2


async def test_public_operations_do_not_open_the_schema() -> None:
    """`__schema` beside an open field would show the upstream's schema to everybody."""
    api = Api(OPEN)
    assert (await api.post(MIXED_WITH_SCHEMA)).status == 401
    assert (await api.post(MIXED_WITH_SCHEMA, headers=BEARER)).status == 200
    public = Api(Policies(public_operations=True, introspection=IntrospectionPolicy.PUBLIC))
    assert (await public.post(MIXED_WITH_SCHEMA)).status == 200


async def test_introspection_switched_off_holds_beside_other_fields() -> None:
    """`off` means nobody, whatever stands beside it. `__typename` is no introspection of a schema."""
    api = Api(Policies(introspection=IntrospectionPolicy.OFF))
    answer = await api.post(MIXED_WITH_SCHEMA, headers=BEARER)
    assert (answer.status, answer.code, api.upstream.operations) == (403, "FORBIDDEN", [])
    assert (await api.post("{ companies { id } __typename }", headers=BEARER)).status == 200


async def test_without_an_upstream_the_answer_says_so() -> None:
    """Known fields go on working."""
    api = Api(upstream=False)
    answer = await api.post(COMPANIES, headers=BEARER)
    assert (answer.status, answer.code) == (502, "UPSTREAM_UNAVAILABLE")
    assert "no API behind" in answer.message


async def test_an_upstream_that_gives_no_answer_is_502(api: Api) -> None:
    """The gateway says so by raising."""
    api.upstream.refusal = UpstreamUnavailable()
    answer = await api.post(COMPANIES, headers=BEARER)
    assert (answer.status, answer.code) == (502, "UPSTREAM_UNAVAILABLE")
    assert api.log == [("query", "UPSTREAM_UNAVAILABLE", 502)]


async def test_where_revocation_is_unknown_nothing_goes_up(api: Api) -> None:
    """Fails closed: a fault, reported, 500."""
    api.deeds.fault = StoreUnavailable("revocations are unknown")
    answer = await api.post(COMPANIES, headers=BEARER)
    assert (answer.status, answer.code, api.upstream.operations) == (500, "INTERNAL", [])
    assert api.faults == [api.deeds.fault]
