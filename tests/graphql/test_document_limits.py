"""How large a document may be, and that no text costs more than its length. DESIGN §9."""

from __future__ import annotations

import time

import pytest
from graphql import GraphQLError

from gatepass.domain.errors import RequestTooLarge
from gatepass.graphql import engine
from gatepass.graphql.classification import root_fields
from gatepass.graphql.document import Document, read_document
from gatepass.graphql.limits import MAX_OWN_LINES, DocumentLimits
from gatepass.graphql.refusal import problem_of
from tests.graphql.world import BEARER, PASSWORD, SIGN_IN, USER, Api

NARROW = DocumentLimits(
    max_document_characters=100,
    max_tokens=20,
    max_depth=3,
    max_aliases=2,
    max_root_fields=4,
)


@pytest.mark.parametrize(
    ("fits", "exceeds", "setting"),
    [
        ("{ a }" + " " * 95, "{ a }" + " " * 96, "max_document_characters"),
        ("{ a { " + "b " * 14 + "} }", "{ a { " + "b " * 17 + "} }", "max_tokens"),
        ("{ a" + "#\n" * 15 + "}", "{ a" + "#\n" * 20 + "}", "max_tokens"),
        ("{ a { b { c } } }", "{ a { b { c { d } } } }", "max_depth"),
        ("{ ...F } fragment F on Q { a { b { c } } }", "{ a { ...F } } fragment F on Q { b { c { d } } }", "max_depth"),
        ("{ ... { a { ... { b { ... { c }}}}}}", "{ ... { a { ... { b { c { d }}}}}}", "max_depth"),
        ("{ x: a y: b }", "{ x: a y: b z: c }", "max_aliases"),
        ("{ x: a { y: b } }", "{ x: a ...F } fragment F on Q { y: b z: c }", "max_aliases"),
        ("{ a b c d }", "{ a b c d e }", "max_root_fields"),
    ],
)
async def test_each_limit_has_an_error_that_names_its_setting(fits: str, exceeds: str, setting: str) -> None:
    """413, so that an operator can find and raise it."""
    api = Api(document_limits=NARROW)
    assert (await api.post(fits, headers=BEARER)).json == {"data": {"from": "upstream"}}
    answer = await api.post(exceeds, headers=BEARER)
    assert (answer.status, answer.code) == (413, "REQUEST_TOO_LARGE")
    assert f"(setting {setting})" in answer.message
    assert len(api.upstream.operations) == 1


async def test_a_limit_holds_for_planned_documents_too() -> None:
    """A literal can make a document too long though its template has a plan."""
    api = Api(document_limits=DocumentLimits(max_document_characters=200))
    assert "data" in (await api.post(SIGN_IN)).json
    assert (await api.post(SIGN_IN.replace("correct", "c" * 100))).status == 413


async def test_documents_that_are_validated_here_are_held_to_fewer_tokens() -> None:
    """Validation is what costs: two limits of their own, not settings."""
    api = Api(document_limits=DocumentLimits(max_sign_in_tokens=18, max_introspection_tokens=12))
    assert "data" in (await api.post("{ __typename __schema { types { name } } }")).json
    assert "12 tokens" in (await api.post("{ __typename __schema { types { name kind name name } } }")).message
    assert "data" in (await api.post("{ gatepass { issuer issuer issuer } }")).json
    answer = await api.post("{ gatepass { " + "issuer " * 14 + "} }")
    assert (answer.status, answer.message) == (413, "A query for the sign-in service may have 18 tokens, not more.")


async def test_requests_that_are_answered_here_are_small(api: Api) -> None:
    """Every value of the variables is looked at by graphql-core; planned documents are held to the same."""
    text = "mutation ($c: SignInCredentials!) { signIn(useManagementflow: true, credentials: $c) { accessToken } }"
    good = {"c": {"userName": USER, "password": PASSWORD}}
    assert "data" in (await api.post(text, good)).json
    for variables in ({"c": {f"k{n}": n for n in range(20_000)}}, {**good, "more": "x" * 131_072}):
        answer = await api.post(text, variables)
        assert (answer.status, answer.code) == (413, "REQUEST_TOO_LARGE")
    assert len(api.deeds.calls) == 1


async def test_documents_that_are_answered_here_have_few_lines() -> None:
    """The line of each error is counted from the top: a hundred errors below 60,000 empty lines took 1.3 s."""
    for line_end in ("\n", "\r", "\r\n"):
        few, many = line_end * (MAX_OWN_LINES - 1), line_end * MAX_OWN_LINES
        for text in ("{ gatepass { issuer } }", "{ __schema { types { name } } }"):
            assert "data" in (await Api().post(few + text)).json
            assert (await Api().post(text + many)).code == "REQUEST_TOO_LARGE"
        assert "data" in (await Api().post(many + "{ a }", headers=BEARER)).json


def test_an_error_of_many_spaces_is_told_in_one_pass() -> None:
    """Names of members are told as they are: one of 20,000 spaces took 46 s to be searched for a suggestion."""
    began = time.thread_time()
    assert problem_of(GraphQLError("a" + " " * 20_000 + "b")).message == "a" + " " * 20_000 + "b"
    assert problem_of(GraphQLError("No such field.  Did you mean 'a' or\n'b'?")).message == "No such field."
    assert time.thread_time() - began < 2


async def test_depth_is_measured_once_per_fragment() -> None:
    """Thirty fragments, each spread twice, are 2^30 fields when spread out, and thirty when measured."""
    chain = "".join(f"fragment F{n} on Q {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} }} " for n in range(28))
    text = "{ ...F0 } " + chain + "fragment F28 on Q { c }"
    assert len(root_fields(read_document(text, DocumentLimits()), [], None)) == 0
    with pytest.raises(RequestTooLarge, match="max_depth"):
        read_document(text, DocumentLimits(max_depth=28))
    assert len(read_document(text, DocumentLimits(max_depth=29)).fragments) == 29


def test_a_chain_of_a_thousand_fragments_is_no_deeper_than_one() -> None:
    """Nothing recurses along fragments, so no chain exhausts the stack."""
    chain = "".join(f"fragment F{n} on Q {{ ...F{n + 1} }} " for n in range(1000))
    document = read_document("{ ...F0 } " + chain + "fragment F1000 on Q { a }", DocumentLimits())
    fields = root_fields(document, [document.operations[0].selection_set], None)
    assert [field.name.value for field in fields] == ["a"]


async def test_what_is_too_large_is_never_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits stand before the work, not after it."""

    def never(*_: object) -> None:
        raise AssertionError("validated")

    monkeypatch.setattr(engine, "validated", never)
    api = Api()
    for selection in ("sessions " * 300, "sessions @skip(if: true) " * 60, "...F " * 130 + "sessions"):
        text = f"mutation {{ signOut {{ {selection} }} }} fragment F on SignedOut {{ sessions }}"
        assert (await api.post(text, headers=BEARER)).status == 413
    for text in ("{" + "__typename " * 100 + "a: __typename }", "{ __schema { types { " + "name " * 500 + "} } }"):
        assert (await api.post(text)).status == 413


def test_the_defaults_let_usual_documents_through() -> None:
    """A large query of a real application: 2,000 tokens, depth 12, 60 aliases, 40 fragments."""
    fragments = "".join(
        f"fragment Part{n} on Company {{ id name x{n}: address {{ line city {{ name region {{ name }} }} }} "
        f"officers(first: 10) {{ edges {{ node {{ id name role since }} }} }} }} "
        for n in range(40)
    )
    spreads = "".join(f"...Part{n} " for n in range(40))
    nested = "{ a { b { c { d { e { f { " + spreads + "} } } } } } }"
    assert isinstance(read_document(nested + fragments, DocumentLimits()), Document)
