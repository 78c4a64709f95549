"""What an operation is: ours, introspection, or the upstream's; and what none may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from gatepass.domain.errors import RequestTooLarge, ValidationFailed
from gatepass.graphql.document import Document
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.measures import selections
from gatepass.graphql.refusal import refused_at
from gatepass.graphql.sign_in_schema import (
    ACCOUNT_FIELD,
    CHANGE_PASSWORD,
    GUARDED_FIELDS,
    MUTATION_FIELDS,
    QUERY_FIELDS,
    RESERVED,
    SIGN_IN_FIELDS,
)

_OURS: Final = {"query": QUERY_FIELDS | RESERVED, "mutation": MUTATION_FIELDS, "subscription": RESERVED}
_SCHEMA_FIELDS: Final = frozenset({"__schema", "__type"})
_FOLDED_SECRET_FIELDS: Final = frozenset(name.lower() for name in RESERVED | {CHANGE_PASSWORD})
_WORDS: Final = {
    "signIn": "sign_in",
    "signInRefresh": "sign_in_refresh",
    "signOut": "sign_out",
    "revokeSession": "revoke_session",
    "signOutEverywhere": "sign_out",
    CHANGE_PASSWORD: "change_password",
}


class Kind(Enum):
    """Who answers."""

    LOCAL = auto()
    """Only our fields; `__typename` may stand beside them."""
    INTROSPECTION = auto()
    """Only `__schema`, `__type` and `__typename`."""
    PROTECTED = auto()
    """Fields of the upstream; introspection may stand beside them."""


@dataclass(frozen=True, slots=True)
class Classification:
    """
    What the selected operation is. It holds nothing of the document's text.

    `verb` is query, mutation or subscription; `asks_schema`: `__schema` or `__type` is among the root fields;
    `word` stands for the operation in the log; `needs_caller`: one of our fields needs a bearer.
    """

    kind: Kind
    verb: str
    word: str
    asks_schema: bool = False
    needs_caller: bool = False


def classify(document: Document, operation_name: str | None, limits: DocumentLimits) -> Classification:
    """
    Classify the selected operation by its root fields, through fragments and whatever their aliases and directives.

    Fields under `@skip` and `@include` count, whatever their condition; fragments count, whatever their type.

    Raises:
        RequestTooLarge: more root fields than allowed.
        OperationRefused: our fields mixed with others, or more than one sign-in.
    """
    operation = document.operation(operation_name)
    fields = root_fields(document, [operation.selection_set], limits.max_root_fields)
    if not fields:
        raise refused_at(ValidationFailed("The operation selects no field."), operation)
    verb = operation.operation.value
    names = {field.name.value for field in fields}
    ours, schema = names & _OURS[verb], names & _SCHEMA_FIELDS
    others = names - ours - schema - {"__typename"}
    if ours:
        _check_ours(fields, ours, others=others, schema=schema, verb=verb)
        below = _below_account_field(document, fields, limits, verb)
        needs_caller = "signOut" in ours or bool(below & GUARDED_FIELDS)
        return Classification(Kind.LOCAL, verb, _word(ours | below, verb), needs_caller=needs_caller)
    if not others:
        return Classification(Kind.INTROSPECTION, verb, "introspection", asks_schema=bool(schema))
    return Classification(Kind.PROTECTED, verb, verb, asks_schema=bool(schema))


def may_be_remembered(document: Document) -> bool:
    """
    Whether no field of the document, at any depth, in any operation or fragment, is named like one that takes a secret.

    Misspelt ones count too: `signin` holds a password as well.
    """
    sets = [operation.selection_set for operation in document.operations]
    sets.extend(fragment.selection_set for fragment in document.fragments.values())
    return not any(
        isinstance(selection, FieldNode) and selection.name.value.lower() in _FOLDED_SECRET_FIELDS
        for selection_set in sets
        for selection, _ in selections(selection_set)
    )


def root_fields(document: Document, roots: Iterable[SelectionSetNode], ceiling: int | None) -> list[FieldNode]:
    """
    The fields that these root selections come to, fragments entered once each.

    Raises:
        RequestTooLarge: more than `ceiling`; None is no limit but that of the document's tokens.

    Source: GraphQL specification §6.3.2, CollectFields, without its conditions.
    """
    found: list[FieldNode] = []
    entered: set[str] = set()
    waiting = list(roots)
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                found.append(selection)
            elif isinstance(selection, InlineFragmentNode):
                waiting.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in entered:
                entered.add(selection.name.value)
                waiting.append(document.fragments[selection.name.value].selection_set)
        if ceiling is not None and len(found) > ceiling:
            raise RequestTooLarge(f"The operation has more than {ceiling} root fields (setting max_root_fields).")
    return found


def _check_ours(fields: list[FieldNode], ours: set[str], *, others: set[str], schema: set[str], verb: str) -> None:
    if others or schema:
        foreign = "fields of the API behind it" if others else "introspection"
        raise refused_at(
            ValidationFailed(
                f"This {verb} mixes {' and '.join(sorted(ours))} of the sign-in service with {foreign}: "
                "send them as two requests."
            ),
            *[field for field in fields if field.name.value in ours][:1],
        )
    sign_ins = {_response_key(field): field for field in fields if field.name.value in SIGN_IN_FIELDS}
    if len(sign_ins) > 1:
        raise refused_at(
            ValidationFailed("Only one signIn or signInRefresh is allowed in a request."), *list(sign_ins.values())[:2]
        )


def _below_account_field(
    document: Document, fields: list[FieldNode], limits: DocumentLimits, verb: str
) -> frozenset[str]:
    """
    The names of the fields below `gatepass`.

    In a mutation there is one at most, and no other deed beside it: fields below the root run side by side, so that of
    two deeds one could be done when the other was refused, and of two passwords both were tried.
    """
    ours = [field for field in fields if field.name.value == ACCOUNT_FIELD]
    below = [field.selection_set for field in ours if field.selection_set is not None]
    found = root_fields(document, below, limits.max_root_fields)
    if verb != "query" and ours:
        deeds = {(_response_key(field), field.name.value) for field in found if field.name.value != "__typename"}
        beside = {(_response_key(field), field.name.value) for field in fields if field.name.value != "__typename"}
        if len(deeds) > 1 or len(beside) > 1:
            raise refused_at(
                ValidationFailed("Only one thing at a time: with gatepass a mutation does nothing else."), *ours[:1]
            )
    return frozenset(field.name.value for field in found)


def _response_key(field: FieldNode) -> str:
    return field.alias.value if field.alias is not None else field.name.value


def _word(ours: set[str] | frozenset[str], verb: str) -> str:
    return next((word for name, word in _WORDS.items() if name in ours), verb)
