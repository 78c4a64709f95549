"""Whether an operation is a query: only then may it be sent again after parts of it have run."""

from __future__ import annotations

import re
from typing import Final

# A string without an end is one to its end: looked for again from each of its quotes, it took quadratic time.
_TOKEN: Final = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|#[^\n\r]*|(?P<name>[A-Za-z_]\w*)|(?P<mark>[{}()\[\]])|(?P<other>.)',
    re.DOTALL,
)
_OPENING, _CLOSING = frozenset("{(["), frozenset("})]")


def is_query(document: str, operation_name: str | None = None) -> bool:
    """
    Whether the operation that will run is a query, for certain: in doubt it is not.

    No parser: a document that a server refuses as no GraphQL did not run, so nothing depends on it.

    Source: GraphQL §2.3, §6.1.
    """
    meant = {kind for name, kind in operations(document) if operation_name in (None, name)}
    return meant == {"query"}


def operations(document: str) -> list[tuple[str | int, str]]:
    """Name, or a number in place of one, and kind of each operation; nothing where that is in doubt."""
    found: list[tuple[str | int, str]] = []
    depth, definition = 0, list[str]()
    for token in _TOKEN.finditer(document):
        text = token.group()
        if token.lastgroup == "mark":
            if text == "{" and depth == 0:
                found += _definition(definition, len(found))
                definition = []
            depth += (text in _OPENING) - (text in _CLOSING)
        elif token.lastgroup == "name" and depth == 0:
            definition.append(text)
    return found if depth == 0 else []


def _definition(words: list[str], number: int) -> list[tuple[str | int, str]]:
    if not words:
        return [(number, "query")]
    if words[0] == "fragment":
        return []
    named = words[1] if len(words) > 1 else number
    return [(named, words[0])]
