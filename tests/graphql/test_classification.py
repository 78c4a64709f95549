"""What an operation is: ours, introspection, the upstream's, or refused for mixing them. DESIGN §4."""

from __future__ import annotations

import pytest

from gatepass.domain.errors import RequestTooLarge
from gatepass.graphql.classification import Classification, Kind, classify, may_be_remembered
from gatepass.graphql.document import read_document
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.refusal import OperationRefused
from tests.graphql.world import COMPANIES, SIGN_IN, Api

LIMITS = DocumentLimits()
SIGN = "signIn(a: 1) { b }"


def kind_of(text: str, operation_name: str | None = None) -> Classification:
    """The classification of a document."""
    return classify(read_document(text, LIMITS), operation_name, LIMITS)


def refusal_of(text: str, operation_name: str | None = None) -> str:
    """Why a document is refused."""
    with pytest.raises(OperationRefused) as caught:
        kind_of(text, operation_name)
    assert caught.value.refusal.code == "GRAPHQL_VALIDATION_FAILED"
    return caught.value.problems[0].message


@pytest.mark.parametrize(
    ("text", "kind", "word"),
    [
        (f"mutation {{ {SIGN} }}", Kind.LOCAL, "sign_in"),
        ("mutation { signInRefresh }", Kind.LOCAL, "sign_in_refresh"),
        ("mutation { signOut __typename }", Kind.LOCAL, "sign_out"),
        ("{ gatepass { issuer } }", Kind.LOCAL, "query"),
        ("query { signIn }", Kind.LOCAL, "sign_in"),
        ("subscription { signIn }", Kind.LOCAL, "sign_in"),
        ("{ __typename }", Kind.INTROSPECTION, "introspection"),
        ("mutation { __typename }", Kind.INTROSPECTION, "introspection"),
        ("{ __schema { types { name } } a: __typename }", Kind.INTROSPECTION, "introspection"),
        (COMPANIES, Kind.PROTECTED, "query"),
        ("mutation { add }", Kind.PROTECTED, "mutation"),
        ("subscription { changes }", Kind.PROTECTED, "subscription"),
        ("{ companies __typename __schema { a } }", Kind.PROTECTED, "query"),
        ("{ viewer { signIn { at } gatepass { sessions } } }", Kind.PROTECTED, "query"),
        ("{ gatepass { issuer } signIn: gatepass { sessions } }", Kind.LOCAL, "query"),
        ("{ signIn: companies gatepass: companies }", Kind.PROTECTED, "query"),
        ("{ signOut }", Kind.PROTECTED, "query"),
        ("mutation { gatepass { revokeSession(id: 1) { sessions } } }", Kind.LOCAL, "revoke_session"),
        ("mutation { a: gatepass { b: changePassword { sessions } } }", Kind.LOCAL, "change_password"),
        ("mutation { gatepass { signOutEverywhere __typename } __typename }", Kind.LOCAL, "sign_out"),
        ("subscription { gatepass { changePassword } }", Kind.LOCAL, "change_password"),
        ("mutation { changePassword(password: 1) { at } }", Kind.PROTECTED, "mutation"),
        ("{ SignIn }", Kind.PROTECTED, "query"),
        ("{ _service { sdl } }", Kind.PROTECTED, "query"),
        ('{ a(b: "signIn") # signIn\n }', Kind.PROTECTED, "query"),
        ('{ a(b: """\nmutation { signIn }\n""") }', Kind.PROTECTED, "query"),
    ],
)
def test_root_fields_decide_who_answers(text: str, kind: Kind, word: str) -> None:
    """The names of the fields, not their aliases, not what is below them, not what strings and comments say."""
    assert (kind_of(text).kind, kind_of(text).word) == (kind, word)


@pytest.mark.parametrize(
    "text",
    [
        "mutation { a: signIn }",
        "mutation { ... { signIn } }",
        "mutation { ... on Mutation { a: signIn } }",
        "mutation { ... on Anything @include(if: false) { ... { signIn @skip(if: true) } } }",
        "mutation { ...F } fragment F on Mutation { signIn }",
        "mutation { ...F @skip(if: true) } fragment F on Root { ...G } fragment G on X { ... { b: signIn } }",
        "mutation { ...F ...F signIn } fragment F on Mutation { __typename }",
        "fragment F on Mutation { signIn } mutation { ...F }",
        "mutation { signIn signIn }",
        "mutation{...F,...G}fragment F on M{signIn}fragment G on M{...F}",
    ],
)
def test_fragments_aliases_and_directives_hide_nothing(text: str) -> None:
    """`@skip` and `@include` count as included, and fragments count whatever their type."""
    assert kind_of(text).word == "sign_in"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mutation { signIn add }", "mixes signIn of the sign-in service with fields of the API"),
        ("mutation { ...F add } fragment F on Mutation { x: signOut }", "mixes signOut"),
        ("{ gatepass companies }", "This query mixes gatepass"),
        ("mutation { add @skip(if: true) signIn @skip(if: true) }", "mixes signIn"),
        ("mutation { gatepass { revokeSession } add }", "mixes gatepass of the sign-in service with fields of the API"),
        ("mutation { gatepass { a: revokeSession b: revokeSession } }", "Only one thing at a time"),
        ("mutation { gatepass { revokeSession changePassword } }", "Only one thing at a time"),
        ("mutation { gatepass { changePassword } signIn }", "Only one thing at a time"),
        ("mutation { gatepass { changePassword } signOut }", "Only one thing at a time"),
        ("mutation { a: gatepass { ...F } b: gatepass { ...F } } fragment F on G { changePassword }", "Only one thing"),
        (
            "mutation { gatepass { ...F ... { b: changePassword } } } fragment F on G { changePassword }",
            "Only one thing",
        ),
        ("mutation { gatepass { a: changePassword @skip(if: true) changePassword } }", "Only one thing"),
        (
            "mutation { gatepass { changePassword } ...F } fragment F on M { g: gatepass { __typename } }",
            "Only one thing",
        ),
        ("mutation { gatepass: signOut gatepass { changePassword } }", "Only one thing"),
        ("{ gatepass __schema { a } }", "mixes gatepass of the sign-in service with introspection"),
        ("mutation { a: signIn b: signIn }", "Only one signIn or signInRefresh"),
        ("mutation { signIn signInRefresh }", "Only one signIn or signInRefresh"),
        (
            "mutation { a: signIn ...F } fragment F on Mutation { ...G } fragment G on Mutation { b: signIn }",
            "Only one",
        ),
        ("mutation { signIn ... @include(if: false) { b: signIn } }", "Only one"),
        ("mutation { ...F } fragment F on M { ...F }", "spreads itself"),
        ("mutation { ...F } fragment F on M { a { ...G } } fragment G on M { b { ... { ...F } } }", "spreads itself"),
        ("{ a ...F }", "not in the document"),
        ("{ a } fragment F on Q { ...G }", "not in the document"),
        ("{ ...F } fragment F on Q { a } fragment F on Q { signIn }", "Two fragments"),
        ("query a { x } query b { y }", "several operations"),
        ("fragment F on Q { a }", "no operation"),
        ("{ a } type Query { a: Int }", "Only operations and fragments"),
        ("{ a } extend type Query { signIn: Int }", "Only operations and fragments"),
    ],
)
def test_what_is_refused_says_why(text: str, words: str) -> None:
    """Before any hashing, and before anything is forwarded."""
    assert words in refusal_of(text)


def test_the_operation_name_selects() -> None:
    """Only the selected operation is classified."""
    text = "query a { companies } mutation b { add } query c { __typename } mutation d { signOut }"
    words = {name: kind_of(text, name).word for name in "abcd"}
    assert words == {"a": "query", "b": "mutation", "c": "introspection", "d": "sign_out"}
    assert "no operation with the name" in refusal_of(text, "e")
    assert "no operation with the name" in refusal_of("{ a }", "e")
    assert "Two operations have the same name" in refusal_of("query a { x } mutation a { y }", "a")


async def test_operations_that_are_not_executed_need_not_fit_the_sign_in_schema(api: Api) -> None:
    """An editor sends everything that stands in it; only what is executed is validated here."""
    rest = " query q { ...F } fragment F on Query { companies { id } } query s { __schema { queryType { name } } }"
    assert "data" in (await api.post(SIGN_IN + rest, operation_name="signIn")).json
    assert "data" in (await api.post(SIGN_IN + rest, operation_name="s")).json


def test_nested_fields_of_our_names_belong_to_the_upstream() -> None:
    """Only root fields are ours. Such documents are forwarded, and still not remembered."""
    text = "{ auth { signIn(credentials: 1) { at } } }"
    assert kind_of(text).kind is Kind.PROTECTED
    assert not may_be_remembered(read_document(text, LIMITS))
    assert may_be_remembered(read_document("{ signedIn { at } }", LIMITS))


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("{ gatepass { issuer accessTokenSeconds __typename } }", False),
        ("{ gatepass { issuer account { email } } }", True),
        ("{ gatepass { issuer } b: gatepass { ...F } } fragment F on Gatepass { ... { sessions { id } } }", True),
        ("{ gatepass { account @skip(if: true) { email } } }", True),
        ("{ gatepass { whatever } }", False),
        ("mutation { gatepass { revokeSession } }", True),
        ("mutation { signOut }", True),
        ("mutation { signIn }", False),
    ],
)
def test_what_is_about_somebody_needs_a_bearer(text: str, needs: bool) -> None:
    """Before anything is executed. A field that does not exist needs none to be told so."""
    assert kind_of(text).needs_caller is needs


@pytest.mark.parametrize("name", ["gatepass", "GatePass", "changePassword", "changepassword"])
def test_documents_that_may_hold_a_password_are_not_remembered(name: str) -> None:
    """At any depth, in any operation, also misspelt."""
    assert not may_be_remembered(read_document(f"{{ a {{ {name} }} }}", LIMITS))
    assert not may_be_remembered(read_document(f"{{ a }} mutation m {{ {name} {{ b }} }}", LIMITS))


def test_root_fields_are_limited_where_fragments_repeat_them() -> None:
    """Each fragment is entered once, as in execution; what is written often counts often."""
    text = "{ ...A ...A ...B } fragment A on Q { a b ...B } fragment B on Q { c c ... { d } }"
    limits = DocumentLimits(max_root_fields=4)
    with pytest.raises(RequestTooLarge, match="max_root_fields"):
        classify(read_document(text, limits), None, limits)
    assert classify(read_document(text, limits), None, DocumentLimits(max_root_fields=5)).kind is Kind.PROTECTED
