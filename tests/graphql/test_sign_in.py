"""signIn: an e-mail address and a password for a pair of tokens."""

from __future__ import annotations

import json

import pytest

from gatepass.domain.errors import Overloaded, StoreUnavailable
from tests.graphql.world import BEARER, GRAPHQL_RESPONSE, PASSWORD, SIGN_IN, USER, Api

WITH_VARIABLES = (
    "mutation ($flow: Boolean!, $user: String!, $password: String!) { signIn(useManagementflow: $flow, "
    "credentials: {userName: $user, password: $password}) { accessToken } }"
)
WITH_ONE_VARIABLE = (
    "mutation ($who: SignInCredentials!) { signIn(useManagementflow: true, credentials: $who) { accessToken } }"
)


async def test_the_document_of_the_specification_signs_in(api: Api) -> None:
    """The curl line of the specification: literals in the document, `"variables":{}`. DESIGN §3."""
    body = json.dumps({"query": SIGN_IN, "variables": {}})
    answer = await api.send("POST", body.encode(), headers={"content-type": "application/json"})
    assert answer.status == 200
    assert answer.json == {"data": {"signIn": {"accessToken": "new.access.token", "refreshToken": "gpr_new"}}}
    assert api.deeds.calls == [("sign_in", USER, PASSWORD, True)]
    assert api.log == [("sign_in", "OK", 200)]


async def test_the_same_answer_comes_with_and_without_a_plan(api: Api) -> None:
    """The first request of a template goes the full way, the next ones do not; nobody can tell. DESIGN §9."""
    first, second = await api.post(SIGN_IN), await api.post(SIGN_IN)
    assert (first.status, first.headers[:3], first.body) == (second.status, second.headers[:3], second.body)
    refused = SIGN_IN.replace(PASSWORD, "wrong")
    assert (await api.post(refused)).json["errors"][0]["locations"] == [{"line": 1, "column": 18}]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (WITH_VARIABLES, {"flow": True, "user": USER, "password": PASSWORD}),
        (WITH_ONE_VARIABLE, {"who": {"userName": USER, "password": PASSWORD}}),
    ],
)
async def test_credentials_may_come_as_variables(
    api: Api, document: str, variables: dict[str, object], times: int
) -> None:
    """The other way that clients send them."""
    for _ in range(times):
        answer = await api.post(document, variables)
    assert answer.json == {"data": {"signIn": {"accessToken": "new.access.token"}}}
    assert api.deeds.calls[-1] == ("sign_in", USER, PASSWORD, True)


async def test_every_field_of_the_pair_can_be_asked_for_under_any_name(api: Api) -> None:
    """The type `Tokens`, with aliases. DESIGN §3."""
    selection = "kind: __typename a: accessToken r: refreshToken tokenType expiresIn issuedAt"
    document = SIGN_IN.replace("accessToken refreshToken", selection).replace("{signIn(", "{ pair: signIn(")
    for _ in range(2):
        assert (await api.post(document)).json == {
            "data": {
                "pair": {
                    "kind": "Tokens",
                    "a": "new.access.token",
                    "r": "gpr_new",
                    "tokenType": "Bearer",
                    "expiresIn": 3600,
                    "issuedAt": "2026-01-31T12:00:00Z",
                }
            }
        }


@pytest.mark.parametrize("times", [1, 2])
async def test_a_refused_sign_in_is_200_for_json_and_294_for_graphql_response(api: Api, times: int) -> None:
    """Scripts of this protocol expect 200; the GraphQL-over-HTTP draft calls `data: null` a partial success."""
    refused = SIGN_IN.replace(PASSWORD, "wrong")
    for _ in range(times):
        await api.post(SIGN_IN)
    as_json, as_graphql = await api.post(refused), await api.post(refused, headers=GRAPHQL_RESPONSE)
    assert (as_json.status, as_graphql.status) == (200, 294)
    assert as_json.json["data"] is None
    error = as_json.json["errors"][0]
    assert error["path"] == ["signIn"]
    assert error["extensions"]["code"] == "INVALID_CREDENTIALS"
    assert error["extensions"]["requestId"] == as_json.header("x-request-id")
    assert api.log[-1] == ("sign_in", "INVALID_CREDENTIALS", 294)


async def test_use_management_flow_false_says_that_no_directory_is_there(api: Api) -> None:
    """Both values are understood; without a directory the answer says so. DESIGN §3."""
    answer = await api.post(SIGN_IN.replace("true", "false"))
    assert answer.code == "FLOW_UNAVAILABLE"
    assert "external directory" in answer.message


async def test_use_management_flow_must_be_given(api: Api) -> None:
    """`useManagementflow` has no default. Specification, Note."""
    answer = await api.post(SIGN_IN.replace("useManagementflow: true, ", ""))
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert "useManagementflow" in answer.message
    assert "data" not in answer.json
    assert api.deeds.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer expired")],
        [(b"authorization", b"nonsense \xff\xfe")],
        [(b"authorization", b"a"), (b"authorization", b"b")],
        [(b"authorization", b"Bearer a"), (b"authorisation", b"Bearer b")],
        [(b"authorization", b"")],
    ],
)
async def test_an_authorization_header_is_ignored(api: Api, headers: list[tuple[bytes, bytes]]) -> None:
    """Clients attach it to everything; an expired one must not keep anybody from signing in. DESIGN §3."""
    body = json.dumps({"query": SIGN_IN}).encode()
    answer = await api.send("POST", body, headers=[(b"content-type", b"application/json"), *headers])
    assert answer.json["data"]["signIn"]["accessToken"] == "new.access.token"


ONE = 'signIn(useManagementflow: true, credentials: {userName: "a", password: "b"}) { accessToken }'
REFRESH = 'b: signInRefresh(useManagementflow: true, credentials: {refreshToken: "c"}) { accessToken }'


@pytest.mark.parametrize(
    "document",
    [
        SIGN_IN[:-1] + " b: " + SIGN_IN[SIGN_IN.index("{signIn(") + 1 :],
        f"mutation {{ ...A ...B }} fragment A on Mutation {{ a: {ONE} }} fragment B on Mutation {{ {REFRESH} }}",
        f"mutation {{ {ONE} ... @skip(if: true) {{ b: {ONE} }} }}",
    ],
)
async def test_at_most_one_sign_in_per_request(api: Api, document: str) -> None:
    """Many guesses in one request would pass any rate limit. Counted through aliases, fragments, directives."""
    answer = await api.post(document)
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert "Only one signIn or signInRefresh" in answer.message
    assert api.deeds.calls == []


async def test_one_field_selected_twice_signs_in_once(api: Api) -> None:
    """Fields with one response name are one field. GraphQL specification §5.3.2."""
    call = SIGN_IN[SIGN_IN.index("{signIn(") + 1 : SIGN_IN.index("{accessToken")]
    answer = await api.post(f"mutation {{ {call} {{ accessToken }} {call} {{ refreshToken }} }}")
    assert answer.json["data"]["signIn"] == {"accessToken": "new.access.token", "refreshToken": "gpr_new"}
    assert len(api.deeds.calls) == 1


async def test_a_sign_in_that_is_only_talk_does_not_count(api: Api) -> None:
    """In a comment, in a string, or in an operation that is not executed, `signIn` is no sign-in."""
    document = SIGN_IN.replace("{signIn", '{\n# signIn(password: "x") {\n signIn').replace(USER, "signIn a: signIn")
    assert (await api.post(document)).code == "INVALID_CREDENTIALS"
    two = SIGN_IN + SIGN_IN.replace("mutation signIn", "mutation other")
    assert "data" in (await api.post(two, operation_name="other")).json
    assert len(api.deeds.calls) == 2


async def test_sign_in_as_a_query_is_told_to_be_a_mutation(api: Api) -> None:
    """A password sent in the wrong kind of operation must not reach the upstream."""
    answer = await api.post(SIGN_IN.replace("mutation", "query"), headers=BEARER)
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert "'signIn'" in answer.message.replace('"', "'")
    assert api.upstream.operations == []


async def test_overload_says_when_to_come_back(api: Api) -> None:
    """Too many sign-ins wait: refused at once, with Retry-After. DESIGN §8."""
    api.deeds.fault = Overloaded(retry_after_seconds=7)
    answer = await api.post(SIGN_IN, headers=GRAPHQL_RESPONSE)
    assert (answer.status, answer.code, answer.header("retry-after")) == (503, "OVERLOADED", "7")
    assert "data" not in answer.json


@pytest.mark.parametrize("fault", [StoreUnavailable("disk on fire at /secret"), ZeroDivisionError("canary")])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_fault_is_reported_and_tells_nothing(api: Api, fault: Exception, times: int) -> None:
    """The caller reads "internal error" and a request id; the log has the rest, on either way through."""
    for _ in range(times - 1):
        await api.post(SIGN_IN)
    api.deeds.fault = fault
    answer = await api.post(SIGN_IN)
    assert (answer.status, answer.code) == (500, "INTERNAL")
    assert str(fault).encode() not in answer.body
    assert api.faults == [fault]


async def test_an_answer_with_tokens_is_never_stored(api: Api) -> None:
    """RFC 6749 §5.1; DESIGN §3."""
    assert (await api.post(SIGN_IN)).header("cache-control") == "no-store"
    assert (await api.post(SIGN_IN)).header("cache-control") == "no-store"
