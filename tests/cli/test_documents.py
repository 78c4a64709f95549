"""Documents and their variables, as the query commands read them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.cli.documents import MAX_BYTES, check_operation, declared_variables, read_document, read_variables

DOCUMENT = '''
# $comment: Int
query Companies($n: String!, $first: Int = 20, $kinds: [Kind!]!, $on: Date, $id: ID, $where: Filter = {name: "$not: Int"}) {
  companies(text: """ $neither: Int """) { items { company_name } }
}
'''  # noqa: E501


def test_declarations_are_seen_and_nothing_else() -> None:
    """Not in comments, strings, block strings or uses."""
    assert declared_variables(DOCUMENT) == {
        "n": "String", "first": "Int", "kinds": "[…]", "on": "Date", "id": "ID", "where": "Filter",
    }  # fmt: skip
    assert declared_variables("{ a }") == {}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("n=42", "42"),
        ("n=", ""),
        ("n=a=b", "a=b"),
        ("id=7", "7"),
        ("first=7", 7),
        ("first=null", None),
        ("kinds=[NEW]", "[NEW]"),
        ('kinds=["NEW"]', ["NEW"]),
        ("on=2024-02-29", "2024-02-29"),
        ('where={"a": {"eq": 1}}', {"a": {"eq": 1}}),
        ("on=NaN", "NaN"),
    ],
)
def test_the_declared_type_says_what_a_value_means(given: str, value: Any) -> None:
    """Digits for a String are text, for an Int a number; an enum or a date needs no quotes."""
    assert read_variables(DOCUMENT, [given], None) == {given.partition("=")[0]: value}


@given(st.text())
def test_a_string_comes_through_as_it_is(text: str) -> None:
    """Whatever it is."""
    assert read_variables("query ($s: String) { a(s: $s) }", [f"s={text}"], None) == {"s": text}


def test_the_command_line_comes_before_the_file(tmp_path: Path) -> None:
    """And a variable of the file that is not declared is the API's to refuse."""
    file = tmp_path / "variables.json"
    file.write_text(json.dumps({"n": "a", "first": 1, "more": []}))
    assert read_variables(DOCUMENT, ["n=b"], str(file)) == {"n": "b", "first": 1, "more": []}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("n", "takes name=value"),
        ("=1", "takes name=value"),
        ("m=1", r"declares no variable \$m; it has \$n, "),
        ("userPassword=x", "put it into a file"),
        ("refreshToken=x", "put it into a file"),
    ],
)
def test_what_cannot_be_a_variable_is_refused(given: str, words: str) -> None:
    """A secret before all: others can read the command line."""
    with pytest.raises(click.UsageError, match=words):
        read_variables(DOCUMENT, [given], None)


@pytest.mark.parametrize(
    ("document", "operation", "is_subscription", "words"),
    [
        ("subscription { a }", None, False, "That is a subscription: use gatepass subscribe"),
        ("{ a }", None, True, "That is a query: use gatepass query"),
        ("query A { a } mutation B { b }", "B", True, "That is a mutation: use gatepass query"),
        ("query A { a } query B { b }", None, False, "say which with --operation. It has A, B."),
        ("{ a } { b }", None, False, "It has none with a name."),
        ("query A { a } query B { b }", "C", False, "has no operation C; it has A, B."),
    ],
)
def test_what_the_command_cannot_run_is_said_in_its_own_words(
    document: str, operation: str | None, is_subscription: bool, words: str
) -> None:
    """An API would speak of a header, or of `operationName`."""
    with pytest.raises(click.UsageError, match=words):
        check_operation(document, operation, is_subscription=is_subscription)


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ("fragment F on Q { a } query A { ...F }", None),
        ("query A { a } subscription B { b }", "A"),
        ("{ a", None),
        ("{ a", "A"),
    ],
)
def test_what_it_can_run_or_cannot_read_goes_to_the_api(document: str, operation: str | None) -> None:
    """It parses; here nobody does."""
    check_operation(document, operation, is_subscription=False)


@pytest.mark.parametrize(("content", "words"), [(b"[1]", "must be a JSON object"), (b"{", "is not JSON")])
def test_a_file_of_variables_is_an_object(tmp_path: Path, content: bytes, words: str) -> None:
    """One member for each."""
    file = tmp_path / "variables.json"
    file.write_bytes(content)
    with pytest.raises(click.UsageError, match=words):
        read_variables(DOCUMENT, [], str(file))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b" \n", "is empty"), (b"\xff{a}", "not text in UTF-8"), (b"#" * (MAX_BYTES + 1), "larger than")],
)
def test_a_document_is_text(tmp_path: Path, content: bytes, words: str) -> None:
    """Of a size that somebody could have written."""
    file = tmp_path / "query.graphql"
    file.write_bytes(content)
    with pytest.raises(click.UsageError, match=words):
        read_document(str(file))


def test_a_byte_order_mark_is_no_part_of_it(tmp_path: Path) -> None:
    """Some editors write one."""
    file = tmp_path / "query.graphql"
    file.write_bytes(b"\xef\xbb\xbf{ a }")
    assert read_document(str(file)) == "{ a }"


def test_standard_input_is_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pipe."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{ a }")))
    assert read_document("-") == "{ a }"


@pytest.mark.parametrize("text", ["{ me }", "query { me }", " mutation M($a: Int) { me }", "query($a:Int){me}"])
def test_a_document_in_place_of_a_file_is_explained(text: str) -> None:
    """The most likely mistake of all."""
    with pytest.raises(click.UsageError, match="gatepass query - <<<"):
        read_document(text)


@pytest.mark.parametrize("name", ["query.graphql", "queries/query.graphql", "missing"])
def test_a_missing_file_is_said(name: str) -> None:
    """By its name; names that look a little like GraphQL too."""
    with pytest.raises(click.UsageError, match=rf"{name}: No such file"):
        read_document(name)
