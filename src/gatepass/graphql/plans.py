"""
Plans: how the usual sign-in documents are answered without parsing, validating and executing them each time.

A plan belongs to a template, a document with its string literals taken out, and is compiled once from a document of
that template that went the full way and was found valid. What is unusual gets no plan and goes the full way each time.
Whichever way a request goes, its answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    BooleanValueNode,
    FieldNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from gatepass.domain.access_token import IssuedTokens
from gatepass.graphql import tokens
from gatepass.graphql.document import Document
from gatepass.graphql.literals import Lifted

Variables = Mapping[str, Any]
Read = Callable[[Lifted, Variables], Any]
"""Reads one argument of a request; raises `UnplannedError` where the request does not have it as planned."""

_CREDENTIALS: Final = {
    "signIn": ("SignInCredentials", ("userName", "password")),
    "signInRefresh": ("RefreshCredentials", ("refreshToken",)),
}

_OPTIONAL: Final = {"SignInCredentials": ("deviceHint",), "RefreshCredentials": ()}


class UnplannedError(Exception):
    """None of the simple documents or requests: it goes the full way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How to read the arguments and to write the answer of one template. It holds no literal.

    `credentials` are read in the order of the input type's fields, optional ones last; `place` is where the field
    stands, as `Lifted.place` has it.
    """

    field: str
    response_key: str
    use_management_flow: Read
    credentials: tuple[Read, ...]
    projection: tuple[tuple[str, Callable[[IssuedTokens], object]], ...]
    place: tuple[int, int]


def compile_plan(document: Document, lifted: Lifted) -> Plan:
    """
    The plan of a valid document, `lifted` from the same text.

    Raises:
        UnplannedError: not of the simple shape: one operation of one sign-in field, without directives, defaults,
            fragments or values that are neither constants, plain strings nor required variables.
    """
    operation = _lone_operation(document)
    declared = _declared(operation)
    field = operation.selection_set.selections[0]
    if not isinstance(field, FieldNode) or field.name.value not in _CREDENTIALS or field.directives or not field.loc:
        raise UnplannedError
    arguments = {argument.name.value: argument.value for argument in field.arguments or ()}
    type_name, names = _CREDENTIALS[field.name.value]
    spans = lifted.spans()
    return Plan(
        field=field.name.value,
        response_key=_response_key(field),
        use_management_flow=_boolean(arguments["useManagementflow"], declared),
        credentials=_credentials(arguments["credentials"], type_name, names, declared, spans),
        projection=_projection(field),
        place=lifted.place(field.loc.start),
    )


def _lone_operation(document: Document) -> OperationDefinitionNode:
    operation = document.operations[0]
    if (
        len(document.operations) + len(document.fragments) > 1
        or operation.operation is not OperationType.MUTATION
        or operation.directives
        or getattr(operation, "description", None)
        or len(operation.selection_set.selections) != 1
    ):
        raise UnplannedError
    return operation


def _declared(operation: OperationDefinitionNode) -> dict[str, str]:
    """The type of each variable; all are required, so a request that has not all of them is not planned."""
    declared = {}
    for definition in operation.variable_definitions or ():
        required = definition.type
        if (
            definition.default_value
            or definition.directives
            or getattr(definition, "description", None)
            or not isinstance(required, NonNullTypeNode)
            or not isinstance(required.type, NamedTypeNode)
        ):
            raise UnplannedError
        declared[definition.variable.name.value] = required.type.name.value
    return declared


def _boolean(node: ValueNode, declared: Mapping[str, str]) -> Read:
    if isinstance(node, BooleanValueNode):
        constant = node.value
        return lambda _lifted, _variables: constant
    return _variable(node, declared, "Boolean", bool)


def _credentials(
    node: ValueNode, type_name: str, names: tuple[str, ...], declared: Mapping[str, str], spans: Mapping[int, int]
) -> tuple[Read, ...]:
    if isinstance(node, ObjectValueNode):
        values = {field.name.value: field.value for field in node.fields or ()}
        given = [*names, *(name for name in _OPTIONAL[type_name] if name in values)]
        return tuple(_string(values[name], declared, spans) for name in given)
    whole = _variable(node, declared, type_name, dict)
    allowed = frozenset((*names, *_OPTIONAL[type_name]))
    return (
        *(_member(whole, name, allowed) for name in names),
        *(_optional_member(whole, name) for name in _OPTIONAL[type_name]),
    )


def _string(node: ValueNode, declared: Mapping[str, str], spans: Mapping[int, int]) -> Read:
    if isinstance(node, StringValueNode) and node.loc:
        index = spans[node.loc.start]
        return lambda lifted, _variables: lifted.value(index)
    return _variable(node, declared, "String", str)


def _variable(node: ValueNode, declared: Mapping[str, str], type_name: str, python_type: type) -> Read:
    if not isinstance(node, VariableNode) or declared.get(node.name.value) != type_name:
        raise UnplannedError
    name = node.name.value

    def read(_lifted: Lifted, variables: Variables) -> Any:
        value = variables.get(name)
        if type(value) is not python_type:
            raise UnplannedError
        return value

    return read


def _member(whole: Read, name: str, names: frozenset[str]) -> Read:
    def read(lifted: Lifted, variables: Variables) -> Any:
        members = whole(lifted, variables)
        value = members.get(name)
        if type(value) is not str or not members.keys() <= names:
            raise UnplannedError
        return value

    return read


def _optional_member(whole: Read, name: str) -> Read:
    def read(lifted: Lifted, variables: Variables) -> Any:
        value = whole(lifted, variables).get(name)
        if value is not None and type(value) is not str:
            raise UnplannedError
        return value

    return read


def _projection(field: FieldNode) -> tuple[tuple[str, Callable[[IssuedTokens], object]], ...]:
    projection = {}
    for selection in field.selection_set.selections if field.selection_set else ():
        if not isinstance(selection, FieldNode) or selection.directives:
            raise UnplannedError
        projection[_response_key(selection)] = tokens.FIELDS[selection.name.value]
    return tuple(projection.items())


def _response_key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value
