"""A refusal that knows where in the document it happened, and the wording of graphql-core's errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from graphql import GraphQLError, Node
from graphql.language import get_location

from gatepass.domain.errors import Refused

# Spaces before it are taken off after it: a search that begins with them takes quadratic time where there are many.
_SUGGESTION: Final = re.compile(r"Did you mean .*", re.IGNORECASE | re.DOTALL)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of `errors`. `locations` are `{line, column}`, `path` starts at the operation's root."""

    message: str
    locations: list[dict[str, int]] | None = None
    path: list[str | int] | None = None


class OperationRefused(Exception):
    """
    A refusal with its places in the document.

    `refusal` says code, status and headers for the whole answer; `problems` are what the caller reads, and hold no
    value that the caller sent.
    """

    def __init__(self, refusal: Refused, problems: Sequence[Problem]) -> None:
        self.refusal = refusal
        self.problems = tuple(problems)
        super().__init__(refusal.message)


def refused_at(refusal: Refused, *nodes: Node) -> OperationRefused:
    """The refusal with the places of these nodes."""
    return OperationRefused(refusal, [Problem(refusal.message, locations=locations_of(nodes))])


def problem_of(error: GraphQLError, message: str | None = None) -> Problem:
    """
    An error of graphql-core, without suggestions: those would tell the schema to who may not see it.

    Args:
        message: in place of graphql-core's, where that could hold a value.
    """
    located = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    text = message if message is not None else _SUGGESTION.sub("", error.message).rstrip()
    return Problem(text, located or None, list(error.path) if error.path else None)


def locations_of(nodes: Sequence[Node]) -> list[dict[str, int]] | None:
    """Line and column of each node, None where none has a place."""
    places: list[dict[str, Any]] = []
    for node in nodes:
        if node.loc is not None:
            place = get_location(node.loc.source, node.loc.start)
            places.append({"line": place.line, "column": place.column})
    return places or None
