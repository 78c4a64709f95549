"""The classifier's root fields are those that graphql-core itself collects."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode, build_schema, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.graphql.classification import Kind, classify, root_fields
from gatepass.graphql.document import read_document
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.refusal import OperationRefused

LIMITS = DocumentLimits(max_depth=10_000, max_aliases=10_000, max_root_fields=10_000)
SCHEMA = build_schema(
    """
    type Query { gatepass: Query companies: Query a: Query }
    type Mutation { signIn: Query signInRefresh: Query signOut: Query gatepass: Query add: Query a: Query }
    """
)
OURS = {
    "query": {"gatepass", "signIn", "signInRefresh"},
    "mutation": {"signIn", "signInRefresh", "signOut", "gatepass"},
}
FIELDS = {
    "query": ["gatepass", "companies", "a", "__typename", "__schema"],
    "mutation": ["signIn", "signInRefresh", "signOut", "gatepass", "add", "a", "__typename"],
}


def collected(text: str, operation_name: str | None) -> Counter[str]:
    """What graphql-core executes of an operation: each response name's field. 3.2 and 3.3 differ in their call."""
    module = importlib.import_module("graphql.execution.collect_fields")
    document = parse(text)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    operation = next(o for o in operations if operation_name is None or (o.name and o.name.value == operation_name))
    fragments: dict[str, Any] = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    root: Any = SCHEMA.get_root_type(operation.operation)
    if "operation" in inspect.signature(module.collect_fields).parameters:
        details = {name: module.FragmentDetails(node) for name, node in fragments.items()}
        values = importlib.import_module("graphql.execution.values").VariableValues({}, {})
        groups = module.collect_fields(SCHEMA, details, values, root, operation).grouped_field_set
        nodes = [detail.node for group in groups.values() for detail in group]
    else:
        groups = module.collect_fields(SCHEMA, fragments, {}, root, operation.selection_set)
        nodes = [node for group in groups.values() for node in group]
    return Counter(node.name.value for node in nodes)


# -- documents --------------------------------------------------------------------------------------------------------

NOISE = st.sampled_from(
    [" ", " ", "\n", ",", "\t", ' # "\n', "\n# mutation { signIn }\n", " #\n", "\r\n", "\ufeff", ' # """ \n']
)
ARGUMENTS = st.sampled_from(
    ["", "", '(x: "}")', '(x: """ { signIn "} \\""" """)', '(x: "\\"{ signIn #")', "(x: [{y: $z}])", "(x: signIn)"]
)
# Conditions that always include: the classifier counts skipped fields too, graphql-core does not.
DIRECTIVES = st.sampled_from(["", "", "", "@skip(if: false)", "@include(if: true)", '@custom(x: "@skip(if: true)")'])
ALIASES = st.sampled_from(["", "", "b: ", "signIn: ", "gatepass: ", "__typename: "])


@st.composite
def selection_sets(draw: st.DrawFn, verb: str, root_type: str, fragments: list[str], depth: int = 0) -> str:
    """Selections on the root type, nested ever less."""
    pieces = []
    for _ in range(draw(st.integers(1, 3))):
        choice = draw(st.integers(0, 9))
        if choice <= 5 or depth > 2:
            name = draw(st.sampled_from(FIELDS[verb]))
            below = draw(st.sampled_from(["", "", " { signIn b: gatepass { signOut } }", " { ... { signIn } }"]))
            pieces.append(draw(ALIASES) + name + draw(ARGUMENTS) + draw(DIRECTIVES) + below)
        elif choice <= 7 or not fragments:
            condition = draw(st.sampled_from(["", f" on {root_type}"]))
            inside = draw(selection_sets(verb, root_type, fragments, depth + 1))
            pieces.append(f"...{condition} {draw(DIRECTIVES)} {inside}")
        else:
            pieces.append(f"...{draw(st.sampled_from(fragments))} {draw(DIRECTIVES)}")
    return "{" + draw(NOISE) + draw(NOISE).join(pieces) + draw(NOISE) + "}"


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, str | None]:
    """A document with an operation to select; fragments spread only later ones, so that there is no cycle."""
    verb = draw(st.sampled_from(["query", "mutation"]))
    root_type = verb.capitalize()
    names = [f"F{number}" for number in range(draw(st.integers(0, 5)))]
    definitions = [
        f"fragment {name} on {root_type} {draw(selection_sets(verb, root_type, names[index + 1 :]))}"
        for index, name in enumerate(names)
    ]
    several = draw(st.booleans())
    selected = "selected" if several else None
    definitions.append(f"{verb} {selected or ''} {draw(selection_sets(verb, root_type, names))}")
    if several:
        definitions.append("query other { companies }")
    return draw(NOISE).join(draw(st.permutations(definitions))), selected


@given(documents())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_root_fields_are_those_that_would_be_executed(case: tuple[str, str | None]) -> None:
    """Through fragments on the root type, inline fragments, aliases, strings and comments."""
    text, operation_name = case
    document = read_document(text, LIMITS)
    operation = document.operation(operation_name)
    found = Counter(field.name.value for field in root_fields(document, [operation.selection_set], None))
    assert found == collected(text, operation_name)


@given(documents())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_kind_follows_from_the_executed_fields(case: tuple[str, str | None]) -> None:
    """Ours alone, introspection alone, the upstream's, or refused; and never two sign-ins."""
    text, operation_name = case
    names = set(collected(text, operation_name))
    verb = read_document(text, LIMITS).operation(operation_name).operation.value
    ours, schema = names & OURS[verb], names & {"__schema"}
    others = names - ours - schema - {"__typename"}
    try:
        kind: Kind | None = classify(read_document(text, LIMITS), operation_name, LIMITS).kind
    except OperationRefused:
        kind = None
    if kind is None:
        assert ours
        assert others or schema or ours & {"signIn", "signInRefresh", "gatepass"} or "signIn" in text
    else:
        expected = Kind.LOCAL if ours else Kind.PROTECTED if others else Kind.INTROSPECTION
        assert kind is expected
        assert not (ours and (others or schema))
        assert not (verb == "mutation" and "gatepass" in ours and len(ours) > 1)
