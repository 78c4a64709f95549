"""Whether an operation is a query, for certain: only then it may be sent again after a part of it has run."""

from __future__ import annotations

import time

import pytest
from graphql import OperationDefinitionNode, parse
from hypothesis import given
from hypothesis import strategies as st

from gatepass.client.operation_kind import is_query


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("{ me }", None),
        ("query { me }", None),
        ("query me { me }", "me"),
        ('query ($q: String = "{ mutation }") { me(q: $q) }', None),
        ('{ me(q: """mutation { \\""" } """) }', None),
        ("# mutation { x }\n{ me }", None),
        ("query a { me } mutation b { rename }", "a"),
        ("fragment mutation on Query { me } { ...mutation }", None),
        ("query a($w: W = {x: {y: [1, {z: 2}]}}) @live { me }", "a"),
    ],
)
def test_a_query_is_one(document: str, name: str | None) -> None:
    """Whatever is in its strings and comments."""
    assert is_query(document, name)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("mutation { rename }", None),
        ("mutation query { rename }", None),
        ("subscription { changed }", None),
        ("query a { me } mutation b { rename }", "b"),
        ("query a { me } mutation b { rename }", None),
        ("query a { me } mutation a { rename }", "a"),
        ("query a { me }", "other"),
        ("{ me ", None),
        ("", None),
        ("fragment f on Query { me }", None),
        ("mutation{rename}#\n{ me }", None),
        ('"""{ me }""" mutation { rename }', None),
        ("\ufeffmutation { rename }", None),
    ],
)
def test_what_may_be_something_else_is_none(document: str, name: str | None) -> None:
    """In doubt it is sent once."""
    assert not is_query(document, name)


OPERATIONS = st.tuples(
    st.sampled_from(["query", "mutation", "subscription"]),
    st.sampled_from(["a", "b", "query", "mutation"]),
    st.sampled_from(["{ x }", '{ x(y: "}{") { z } }', "{ x # }\n }", '@d(e: {f: "mutation"}) { x(y: """ " } """) }']),
)


@given(st.lists(OPERATIONS, min_size=1, max_size=3), st.sampled_from([None, "a", "b"]))
def test_it_never_takes_another_kind_for_a_query(operations: list[tuple[str, str, str]], name: str | None) -> None:
    """Compared with a parser."""
    document = "\n".join(" ".join(each) for each in operations)
    meant = [
        node.operation.value
        for node in parse(document).definitions
        if isinstance(node, OperationDefinitionNode) and name in (None, node.name and node.name.value)
    ]
    assert is_query(document, name) == (bool(meant) and set(meant) == {"query"})


@pytest.mark.parametrize("begin", ['{ a(b: "', '{ a(b: """', "{ a(b: "])
@pytest.mark.parametrize("repeated", ['\\"', '\\"""', '""', "\\", '"', '"\n'])
def test_a_string_without_end_is_looked_for_once(begin: str, repeated: str) -> None:
    """From each of its quotes again it took 6 s for 40,000 characters, of a document that an application passes on."""
    began = time.thread_time()
    is_query(begin + repeated * (40_000 // len(repeated)))
    assert time.thread_time() - began < 2
