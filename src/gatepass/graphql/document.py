"""A document as text becomes operations and fragments that are known to be of bearable size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)

from gatepass.domain.errors import ParseFailed, RequestTooLarge, ValidationFailed
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.measures import aliased_fields, depth, spread_order, spreads
from gatepass.graphql.refusal import OperationRefused, Problem, problem_of, refused_at

_UNTERMINATED: Final = "Syntax Error: Unterminated string."

# What may be told of a syntax error: what was expected, and which kind of token stood there instead.
_TOLD: Final = re.compile(
    r"(Syntax Error: (?:"
    r"Unterminated string|Invalid character within String|Invalid character escape sequence|"
    r"Invalid Unicode escape sequence|Invalid number|Invalid character|Unexpected character|"
    r"Unexpected single quote character|Unexpected variable|Unexpected description|"
    r"Unexpected |Expected [A-Za-z ]+, found |Expected '[^']{1,12}', found ))"
    r"(<EOF>|Name|String|BlockString|Int|Float|'[^'\w]{1,3}')?"
)


Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document whose fragments are known, unique and free of cycles."""

    text: str
    operations: tuple[OperationDefinitionNode, ...]
    fragments: Mapping[str, FragmentDefinitionNode]

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Operations and fragments."""
        return (*self.operations, *self.fragments.values())

    def used_by(self, operation: OperationDefinitionNode) -> tuple[Definition, ...]:
        """The operation and the fragments that it spreads, directly or through others."""
        found: dict[str, None] = {}
        waiting: list[Definition] = [operation]
        while waiting:
            for name in spreads(waiting.pop().selection_set, self.fragments):
                if name not in found:
                    found[name] = None
                    waiting.append(self.fragments[name])
        return (operation, *(self.fragments[name] for name in found))

    def alone(self, operation: OperationDefinitionNode) -> tuple[Definition, ...]:
        """
        What is validated and executed for one operation.

        Where there are others, they and what only they use may belong to another schema: they are left out.
        """
        return self.definitions if len(self.operations) == 1 else self.used_by(operation)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """
        The operation to execute. None is enough where there is one.

        Raises:
            OperationRefused: GRAPHQL_VALIDATION_FAILED; none or several fit.

        Source: GraphQL specification §6.1, GetOperation.
        """
        if name is None:
            if len(self.operations) > 1:
                raise refused_at(
                    ValidationFailed("There are several operations: say in operationName which one to execute."),
                    *self.operations[:2],
                )
            return self.operations[0]
        found = [operation for operation in self.operations if operation.name and operation.name.value == name]
        if not found:
            raise refused_at(ValidationFailed("The document has no operation with the name given in operationName."))
        if len(found) > 1:
            raise refused_at(ValidationFailed("Two operations have the same name."), *found[:2])
        return found[0]


def read_document(text: str, limits: DocumentLimits) -> Document:
    """
    Parse a document and hold it to the limits.

    Every step is linear in the length of the text, whatever it says: fragments are measured once each.

    Raises:
        RequestTooLarge: above a limit; the message names the setting.
        OperationRefused: not GraphQL, or with definitions that cannot be executed.
    """
    if len(text) > limits.max_document_characters:
        raise RequestTooLarge(
            f"The query is longer than {limits.max_document_characters} characters (setting max_document_characters)."
        )
    document = _definitions(text, _parse(text, limits))
    for operation in document.operations:
        spreads(operation.selection_set, document.fragments)
    order = spread_order(document.fragments)
    _check_size(document, order, limits)
    return document


def _parse(text: str, limits: DocumentLimits) -> DocumentNode:
    try:
        return parse(text, max_tokens=limits.max_tokens)
    except GraphQLSyntaxError as error:
        _refuse_syntax(error, limits)
    except RecursionError:
        _refuse_nesting()
    except IndexError:
        # graphql-core up to 3.2.12 reads past the end of a document that ends inside an escape.
        raise OperationRefused(ParseFailed(_UNTERMINATED), [Problem(_UNTERMINATED)]) from None


def _refuse_syntax(error: GraphQLSyntaxError, limits: DocumentLimits) -> NoReturn:
    """What graphql-core found in place of what it expected may be half of a password: only its kind is told."""
    if error.message.endswith("tokens. Parsing aborted."):
        raise RequestTooLarge(f"The query has more than {limits.max_tokens} tokens (setting max_tokens).") from None
    if "nested too deeply" in error.message:
        _refuse_nesting()
    problem = problem_of(error, _wording(error.message))
    raise OperationRefused(ParseFailed(problem.message), [problem]) from None


def _refuse_nesting() -> NoReturn:
    raise RequestTooLarge("The query is nested too deeply to be read.") from None


def _wording(message: str) -> str:
    told = _TOLD.match(message)
    return "".join(part or "" for part in told.groups()).rstrip(", ") + "." if told else "Syntax Error."


def _definitions(text: str, node: DocumentNode) -> Document:
    operations: list[OperationDefinitionNode] = []
    fragments: dict[str, FragmentDefinitionNode] = {}
    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations.append(definition)
        elif isinstance(definition, FragmentDefinitionNode):
            if definition.name.value in fragments:
                raise refused_at(ValidationFailed("Two fragments have the same name."), definition)
            fragments[definition.name.value] = definition
        else:
            raise refused_at(ValidationFailed("Only operations and fragments can be executed."), definition)
    if not operations:
        raise refused_at(ValidationFailed("The document has no operation."))
    return Document(text, tuple(operations), fragments)


def _check_size(document: Document, order: list[str], limits: DocumentLimits) -> None:
    sets = [operation.selection_set for operation in document.operations]
    within: dict[str, int] = {}
    for name in order:
        within[name] = depth(document.fragments[name].selection_set, within)
    if max(depth(selections, within) for selections in sets) > limits.max_depth:
        raise RequestTooLarge(f"The query is nested deeper than {limits.max_depth} fields (setting max_depth).")
    sets.extend(fragment.selection_set for fragment in document.fragments.values())
    if sum(len(aliased_fields(selections)) for selections in sets) > limits.max_aliases:
        raise RequestTooLarge(f"The query has more than {limits.max_aliases} aliases (setting max_aliases).")
