"""What of a document may go to the upstream: never a sign-in, not even one that is not executed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from graphql import FragmentDefinitionNode, OperationDefinitionNode

from gatepass.domain.errors import ValidationFailed
from gatepass.graphql.classification import root_fields
from gatepass.graphql.document import Definition, Document
from gatepass.graphql.refusal import refused_at
from gatepass.graphql.sign_in_schema import CHANGE_PASSWORD, RESERVED

_ROOT_TYPES: Final = frozenset({"Query", "Mutation", "Subscription"})
_BELOW: Final = "GatepassMutation"
_VISIBLE: Final = re.compile(r"[^\r\n]")


def forwardable(document: Document, operation: OperationDefinitionNode) -> str | None:
    """
    The text to forward in place of the document's own; None where that can go as it is.

    Editors send all that stands in them and say which operation they mean, so a query often comes with the `signIn` or
    `changePassword` above it. Then what the selected operation does not use is blanked out, and every place stays where
    it was.

    Raises:
        OperationRefused: what it does use has a sign-in on a root type.
    """
    used = document.used_by(operation)
    if not _is_ours(document, document.definitions):
        return None
    if _is_ours(document, used):
        raise refused_at(
            ValidationFailed("This operation would take a sign-in along to the API: send signIn and gatepass alone."),
            operation,
        )
    return _only(document.text, used)


def _is_ours(document: Document, definitions: Iterable[Definition]) -> bool:
    """Whether one of our fields is among those of a root type, or a password below `gatepass`."""
    roots, below = [], []
    for definition in definitions:
        condition = definition.type_condition.name.value if isinstance(definition, FragmentDefinitionNode) else None
        if condition is None or condition in _ROOT_TYPES:
            roots.append(definition.selection_set)
        elif condition == _BELOW:
            below.append(definition.selection_set)
    return any(field.name.value in RESERVED for field in root_fields(document, roots, ceiling=None)) or any(
        field.name.value == CHANGE_PASSWORD for field in root_fields(document, below, ceiling=None)
    )


def _only(text: str, kept: Iterable[Definition]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in sorted((definition.loc.start, definition.loc.end) for definition in kept if definition.loc):
        pieces += (_VISIBLE.sub(" ", text[end:start]), text[start:stop])
        end = stop
    return "".join(pieces) + _VISIBLE.sub(" ", text[end:])
