"""
Keeps values out of error messages.

graphql-core quotes what it cannot use: `String cannot represent a non string value: 12345` is somebody's password
without its quotes. So errors are made again from a copy in which every value reads `…`.
"""

from __future__ import annotations

from typing import Any, Final

from graphql import (
    DocumentNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    Node,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

MASK: Final = "…"


class _MaskedInt(int):
    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__


class _MaskedFloat(float):
    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__


def masked_document(document: DocumentNode) -> DocumentNode:
    """
    The same document, each node in its place, without the text of any literal.

    Variables that no operation defines are masked too: `password: $ecret` is a password without its quotes.
    """
    defined = _Defined()
    visit(document, defined)
    masked: DocumentNode = visit(document, _Masking(defined.names))
    return masked


def masked_value(value: Any) -> Any:
    """The same JSON value, of the same types, without any text or number. Names of members stay."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return MASK
    if isinstance(value, int):
        return _MaskedInt(value)
    if isinstance(value, float):
        return _MaskedFloat(value)
    if isinstance(value, dict):
        return {name: masked_value(member) for name, member in value.items()}
    return [masked_value(item) for item in value]


class _Defined(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self.names.add(node.variable.name.value)


class _Masking(Visitor):
    def __init__(self, defined: set[str]) -> None:
        super().__init__()
        self._defined = defined

    def enter_string_value(self, node: StringValueNode, *_: Any) -> Node:
        return StringValueNode(value=MASK, block=node.block, loc=node.loc)

    def enter_int_value(self, node: IntValueNode, *_: Any) -> Node:
        return IntValueNode(value=MASK, loc=node.loc)

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> Node:
        return FloatValueNode(value=MASK, loc=node.loc)

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> Node:
        return EnumValueNode(value=MASK, loc=node.loc)

    def enter_variable(self, node: VariableNode, *_: Any) -> Node | None:
        if node.name.value in self._defined:
            return None
        return VariableNode(name=type(node.name)(value=MASK, loc=node.name.loc), loc=node.loc)
