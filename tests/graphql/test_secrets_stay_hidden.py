"""
No password and no token is ever told back, whatever is wrong with the document that holds it.

Each canary stands where a user puts a password by mistake: without quotes, in the wrong place, in the wrong type.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.graphql.world import BEARER, Api, Reply

INLINE = "mutation {{ signIn(useManagementflow: {flow}, credentials: {credentials}) {{ accessToken }} }}"
WITH = "mutation ($v: {type}) {{ signIn(useManagementflow: true, credentials: {credentials}) {{ accessToken }} }}"

CHANGE_WITH = (
    "mutation ($v: {type}) {{ gatepass {{ changePassword(currentPassword: $v, newPassword: $v) {{ sessions }} }} }}"
)


def inline(credentials: str, flow: str = "true") -> str:
    """A document with these credentials."""
    return INLINE.format(credentials=credentials, flow=flow)


def with_variable(kind: str, credentials: str = "$v") -> str:
    """A document with a variable of this type."""
    return WITH.format(type=kind, credentials=credentials)


def change(arguments: str) -> str:
    """A change of a password with these arguments."""
    return f"mutation {{ gatepass {{ changePassword({arguments}) {{ sessions }} }} }}"


BROKEN = [
    inline('{userName: "a", password: canary}'),
    inline('{userName: "a", password: canary2026!}'),
    inline('{userName: "a", password: 77001122}'),
    inline('{userName: "a", password: 77001122.5}'),
    inline('{userName: "a", password: $canary}'),
    inline('{userName: "a", password: @canary}'),
    inline('{userName: "a", password: #canary}'),
    inline('{userName: "a", password: ["canary"]}'),
    inline('{userName: "a", password: {value: "canary"}}'),
    inline('{userName: "a", pasword: "canary"}'),
    inline('{userName: "a", password: "canary", password: "canary"}'),
    inline('{userName: "a", password: "canary"'),
    inline('{userName: "a", password: "canary'),
    inline('{userName: "a", password: "canary\\q"}'),
    inline('{userName: "a", password: "\\ucanary"}'),
    inline('{userName: "a" password "canary"}'),
    inline('{userName: "a", password: "canary" "canary"}'),
    inline('{userName: "a", password: """canary}'),
    inline("{userName: 'a', password: 'canary'}"),
    inline('"canary"'),
    inline("canary"),
    inline('{userName: "a", password: "canary"}', flow='"canary"'),
    inline('{userName: "a", password: "canary"}', flow="77001122"),
    inline('{userName: "a", password: "canary"}').replace("accessToken", "acessToken"),
    inline('{userName: "a", password: "canary"}').replace("accessToken", 'accessToken(x: "canary")'),
    inline('{userName: "a", password: "canary"}').replace("mutation", "query"),
    inline('{userName: "a", password: "canary"}').replace("mutation", "subscription"),
    inline('{userName: "a", password: "canary"}').replace("mutation", 'mutation @skip(if: "canary")'),
    inline('{userName: "a", password: "canary"}').replace("mutation", '"canary"'),
    inline('{userName: "a", password: "canary"}').replace("mutation", "mutation ($x: String = 77001122)"),
    inline('{userName: "a", password: "canary"}') + ' "canary"',
    inline('{userName: "a", password: "canary"}') + " { companies }",
    "mutation { signInRefresh(useManagementflow: true, credentials: {refreshToken: gpr_canary}) { accessToken } }",
    'mutation { signInRefresh(useManagementflow: true, credentials: "gpr_canary") { accessToken } }',
    'mutation { signIn(userName: "a", password: "canary") { accessToken } }',
    "signIn(password: canary)",
    change('currentPassword: canary, newPassword: "canary"'),
    change('currentPassword: "canary", newPassword: 77001122'),
    change('currentPassword: "canary", newPassword: $canary'),
    change('currentPassword: "canary"'),
    change('currentPassword: "canary", newPassword: "canary", endOtherSessions: "canary"'),
    change('currentPassword: "canary", currentPassword: "canary", newPassword: "canary"'),
    change('currentPassword: "canary", newPassword: "canary"').replace("sessions", 'sessions(x: "canary")'),
    change('currentPassword: "canary", newPassword: "canary"').replace("mutation", "query"),
    change('currentPassword: "canary", newPassword: "canary"').replace("mutation", "subscription"),
    change('currentPassword: "canary", newPassword: "canary"') + " { companies }",
    change('currentPassword: "canary", newPassword: "canary') + " { companies }",
    'mutation { gatepass { revokeSession(id: "canary") { sessions } } }',
    '{ gatepass { sessions(after: "canary") { id } } }',
    "{ gatepass { sessions(first: 77001122, after: canary) { id } } }",
    "mutation { signIn(password: 0canary) }",
    "mutation { signIn(password: .77001122) }",
]

BROKEN_VARIABLES: list[tuple[str, Any]] = [
    (with_variable("SignInCredentials!"), {"v": {"userName": "a", "password": 77001122}}),
    (with_variable("SignInCredentials!"), {"v": {"userName": "a", "password": 77001122.5}}),
    (with_variable("SignInCredentials!"), {"v": {"userName": "a", "password": ["canary"]}}),
    (with_variable("SignInCredentials!"), {"v": {"userName": "a", "password": {"is": "canary"}}}),
    (with_variable("SignInCredentials!"), {"v": {"userName": "a", "pasword": "canary"}}),
    (with_variable("SignInCredentials!"), {"v": "canary"}),
    (with_variable("SignInCredentials!"), {"v": ["canary"]}),
    (with_variable("SignInCredentials!"), {"V": {"password": "canary"}}),
    (with_variable("Boolean!"), {"v": "canary"}),
    (with_variable("String!", '{userName: "a", password: $v}'), {"v": ["canary"]}),
    (with_variable("String!", '{userName: "a", password: $v}'), {"v": 77001122}),
    (with_variable("String!", '{userName: "a", password: $v}'), {"v": None}),
    (with_variable('String = "a"', '{userName: $v, password: "canary"}'), {"v": None}),
    (with_variable("Int!", '{userName: "a", password: $v}'), {"v": 77001122}),
    (CHANGE_WITH.format(type="String!"), {"v": 77001122}),
    (CHANGE_WITH.format(type="String!"), {"v": ["canary"]}),
    (CHANGE_WITH.format(type="Int!"), {"v": 77001122}),
    (with_variable("Canary!", '{userName: "a", password: $v}'), {"v": "canary"}),
]


def assert_silent(answer: Reply) -> None:
    """The answer is an error, and holds no canary in any case or spelling."""
    assert "errors" in answer.json
    shown = (json.dumps(answer.json, ensure_ascii=False) + repr(answer.headers)).lower()
    assert "canary" not in shown.replace("unknown type", "")
    assert "77001122" not in shown


@pytest.mark.parametrize("document", BROKEN)
async def test_no_error_tells_a_literal_back(api: Api, document: str) -> None:
    """Syntax, validation and execution alike."""
    assert_silent(await api.post(document))
    assert_silent(await api.post(document, headers=BEARER))
    assert not [call for call in api.deeds.calls if call[0] != "authenticate"]


@pytest.mark.parametrize(("document", "variables"), BROKEN_VARIABLES)
async def test_no_error_tells_a_variable_back(api: Api, document: str, variables: Any) -> None:
    """graphql-core quotes values that it cannot coerce; here each reads `…`."""
    if "Canary" in document:
        variables, document = {"v": "77001122"}, document.replace("Canary", "Nothing")
    assert_silent(await api.post(document, variables))
    assert_silent(await api.post(document, variables, headers=BEARER))
    assert not [call for call in api.deeds.calls if call[0] != "authenticate"]


async def test_an_error_still_says_what_and_where(api: Api) -> None:
    """Masked is not mute: the message, the type and the place stay."""
    answer = await api.post(inline('{userName: "a", password: 77001122}'))
    error = answer.json["errors"][0]
    assert error["message"] == "String cannot represent a non string value: …"
    assert error["locations"] == [{"line": 1, "column": 83}]


async def test_masking_invents_no_errors(api: Api) -> None:
    """A masked number is no number, which is nobody's mistake."""
    answer = await api.post("query ($a: Int = 77001122, $b: Boolean = true) { gatepass { issuer @skip(if: $b) } }")
    assert [error["message"] for error in answer.json["errors"]] == ["Variable '$a' is never used."]


@pytest.mark.parametrize("text", ["subscription { __typename }", "subscription { signIn }"])
async def test_subscriptions_to_the_sign_in_service_are_refused(api: Api, text: str) -> None:
    """Its schema has none."""
    answer = await api.post(text)
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert "subscription" in answer.message.lower()


async def test_syntax_errors_say_which_kind_of_token_stood_where(api: Api) -> None:
    """What graphql-core found may be half of a password, so only its kind is told."""
    answer = await api.post('mutation { signIn(password: "a" "canary") }')
    assert (answer.code, answer.message) == ("GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found String.")
    assert answer.json["errors"][0]["locations"] == [{"line": 1, "column": 33}]


@pytest.mark.parametrize(
    "document",
    [
        inline('{userName: "a", password: "canary"}'),
        inline('{userName: "a", password: "canary"}') + " query other { __typename }",
        "query q { __typename } " + inline('{userName: "a", password: "canary"}').replace("mutation", "mutation m"),
        'query q { companies(password: "x") { signIn(credentials: "canary") } }',
        '{ signin(password: "canary") }',
        change('currentPassword: "canary", newPassword: "canary"'),
        change('currentPassword: "canary", newPassword: "canary"') + " query other { companies }",
        "query q { companies } " + change('currentPassword: "canary", newPassword: "canary"'),
        '{ companies } mutation { changepassword(currentPassword: "canary") }',
    ],
)
async def test_nothing_with_a_sign_in_is_remembered(api: Api, document: str) -> None:
    """No cache is a cache of passwords: not by text, not by digest, not in any operation or depth. DESIGN §4."""
    for name in (None, "q", "other"):
        await api.post(document, operation_name=name, headers=BEARER)
    assert len(api.endpoint._remembered) == 0
    assert len(api.endpoint._introspection._answers) == 0
    assert "canary" not in repr([api.endpoint._sign_in._plans._entries, api.endpoint._introspection._answers._entries])


QUERY = "query q {\n ...C }"
COMPANY = "fragment C on Company { name }"


@pytest.mark.parametrize(
    "sign_in",
    [
        'mutation m { signIn(useManagementflow: true,\r\n credentials: {password: "canary"}) }',
        'mutation m { ...F } fragment F on Mutation { a: signIn(password: "canary") }',
        'fragment F on Mutation { signInRefresh(credentials: {refreshToken: """canary\n"""}) }',
        'query m { ... { signIn(p: "canary") } } # canary',
        'mutation m { gatepass { changePassword(currentPassword: "canary", newPassword: "canary") { sessions } } }',
        'fragment F on Mutation { a: gatepass { b: changePassword(currentPassword: "canary") } }',
        'fragment F on GatepassMutation { ... { changePassword(currentPassword: """canary""") } }',
        "query m { gatepass { sessions { id } } } # canary",
    ],
)
async def test_a_sign_in_that_is_not_executed_is_not_forwarded_either(api: Api, sign_in: str) -> None:
    """What the operation does not use is blanked out; what it uses stays where it was. DESIGN §4."""
    again = sign_in.replace("F", "G").replace(" m", " n")
    document = f"{sign_in}\n{QUERY} {again}\n {COMPANY} # canary"
    answer = await api.post(document, {"kept": 1}, operation_name="q", headers=BEARER)
    assert answer.json == {"data": {"from": "upstream"}}
    body = json.loads(api.upstream.operations[0].body)
    forwarded = body["query"]
    assert b"canary" not in api.upstream.operations[0].body
    assert (body["variables"], body["operationName"]) == ({"kept": 1}, "q")
    assert forwarded.split() == f"{QUERY} {COMPANY}".split()
    assert [forwarded.index(part) for part in (QUERY, COMPANY)] == [document.index(part) for part in (QUERY, COMPANY)]
    assert forwarded.count("\n") == document.count("\n")


async def test_a_sign_in_that_cannot_be_left_out_is_refused(api: Api) -> None:
    """A fragment on the root type, used where the upstream would have to see it."""
    document = 'query q { me { ...F } } fragment F on Mutation { signIn(password: "canary") }'
    answer = await api.post(document, headers=BEARER)
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert "send signIn and gatepass alone" in answer.message
    assert api.upstream.operations == []
