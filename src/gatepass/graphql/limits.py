"""How large a document may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_INTROSPECTION_LISTS: Final = 2
"""`types` → `fields` is what every tool asks; a third list below, as in `types{fields{type{fields…`, multiplies."""

MAX_INTROSPECTION_SELECTIONS: Final = 600
"""With fragments spread out. The standard introspection query has about 250."""

MAX_INTROSPECTION_ALIASES: Final = 20

MAX_INTROSPECTION_LIST_ALIASES: Final = 2
"""Aliases of lists, `__schema` and arguments among them: a list under three names on three levels is 27 schemas."""

MAX_OWN_BODY_BYTES: Final = 131_072
"""Of a request that is answered here, variables and all."""

MAX_OWN_LINES: Final = 4_096
"""Of a document that is answered here: its lines are counted from the top for each of perhaps 150 errors."""

MAX_ERRORS: Final = 5
"""How many errors of one document are told."""


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """
    Limits of a GraphQL document, each with an error that names it.

    The last two hold for documents that are validated here, because validation is what costs: those with our own
    fields, and introspection. At the defaults no document costs more than 250 ms.
    """

    max_document_characters: int = 65_536
    max_tokens: int = 10_000
    max_depth: int = 30
    max_aliases: int = 200
    max_root_fields: int = 100
    max_sign_in_tokens: int = 150
    max_introspection_tokens: int = 500
