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
from gatepass.graphql.sign_in_schema import SIGN_IN_FIELDS

_ROOT_TYPES: Final = frozenset({"Query", "Mutation", "Subscription"})
_VISIBLE: Final = re.compile(r"[^\r\n]")


def forwardable(document: Document, operation: OperationDefinitionNode) -> str | None:
    """
    The text to forward in place of the document's own; None where that can go as it is.

    Editors send all that stands in them and say which operation they mean, so a query often comes with the `signIn`
    above it. Then what the selected operation does not use is blanked out, and every place stays where it was.

    Raises:
        OperationRefused: what it does use has a sign-in on a root type.
    """
    used = document.used_by(operation)
    if not _signs_in(document, document.definitions):
        return None
    if _signs_in(document, used):
        raise refused_at(
            ValidationFailed("This operation would take a sign-in along to the API: send signIn by itself."),
            operation,
        )
    return _only(document.text, used)


def _signs_in(document: Document, definitions: Iterable[Definition]) -> bool:
    roots = [
        definition.selection_set
        for definition in definitions
        if not isinstance(definition, FragmentDefinitionNode) or definition.type_condition.name.value in _ROOT_TYPES
    ]
    return any(field.name.value in SIGN_IN_FIELDS for field in root_fields(document, roots, ceiling=None))


def _only(text: str, kept: Iterable[Definition]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in sorted((definition.loc.start, definition.loc.end) for definition in kept if definition.loc):
        pieces += (_VISIBLE.sub(" ", text[end:start]), text[start:stop])
        end = stop
    return "".join(pieces) + _VISIBLE.sub(" ", text[end:])
