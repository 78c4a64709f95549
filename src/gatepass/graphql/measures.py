"""
Sizes of selections, spread out through fragments, without ever spreading them out.

Fragments are put into an order in which each comes after those it spreads; then each is measured once, from what is
known of the earlier ones. Nothing recurses: a chain of a thousand fragments is no deeper for us than one of two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gatepass.domain.errors import ValidationFailed
from gatepass.graphql.refusal import refused_at

Level = tuple[FieldNode | FragmentSpreadNode, int]


def selections(root: SelectionSetNode, weigh: Callable[[FieldNode], int] = lambda _: 1) -> Iterator[Level]:
    """
    Every field and fragment spread below `root`, each with the sum of the weights of the fields above it.

    Fragments are not entered; inline fragments are, and weigh nothing.
    """
    waiting = [(root, 0)]
    while waiting:
        selection_set, level = waiting.pop()
        for selection in selection_set.selections:
            if isinstance(selection, InlineFragmentNode):
                waiting.append((selection.selection_set, level))
            elif isinstance(selection, FieldNode):
                yield selection, level
                if selection.selection_set is not None:
                    waiting.append((selection.selection_set, level + weigh(selection)))
            elif isinstance(selection, FragmentSpreadNode):
                yield selection, level


def depth(root: SelectionSetNode, within: Mapping[str, int], weigh: Callable[[FieldNode], int] = lambda _: 1) -> int:
    """The greatest sum of weights on a way down. `within` knows the fragments that are spread here."""
    deepest = 0
    for selection, level in selections(root, weigh):
        own = weigh(selection) if isinstance(selection, FieldNode) else within[selection.name.value]
        deepest = max(deepest, level + own)
    return deepest


def count_selections(root: SelectionSetNode, within: Mapping[str, int], ceiling: int) -> int:
    """How many fields there are once fragments are spread out; stops counting above `ceiling`."""
    count = 0
    for selection, _ in selections(root):
        count += 1 if isinstance(selection, FieldNode) else within[selection.name.value]
        if count > ceiling:
            return ceiling + 1
    return count


def aliased_fields(root: SelectionSetNode) -> list[FieldNode]:
    """The fields that have an alias, each as often as it is written."""
    return [field for field, _ in selections(root) if isinstance(field, FieldNode) and field.alias is not None]


def count_tokens(definitions: Iterable[OperationDefinitionNode | FragmentDefinitionNode]) -> int:
    """How many lexical tokens these definitions have, comments among them."""
    count = 0
    for definition in definitions:
        token = definition.loc.start_token if definition.loc else None
        while token is not None and definition.loc is not None and token.start < definition.loc.end:
            count += 1
            token = token.next
    return count


def spread_order(fragments: Mapping[str, FragmentDefinitionNode]) -> list[str]:
    """
    The names of all fragments, each after those that it spreads.

    Raises:
        OperationRefused: a fragment spreads itself, directly or through others, or one that is not there.
    """
    edges = {name: spreads(fragment.selection_set, fragments) for name, fragment in fragments.items()}
    order: dict[str, None] = {}
    for start in fragments:
        _visit(start, edges, order, fragments)
    return list(order)


def _visit(
    start: str,
    edges: Mapping[str, set[str]],
    order: dict[str, None],
    fragments: Mapping[str, FragmentDefinitionNode],
) -> None:
    waiting, above = [start], set[str]()
    while waiting:
        name = waiting[-1]
        if name in order or name in above:
            waiting.pop()
            above.discard(name)
            order[name] = None
            continue
        above.add(name)
        for spread in edges[name]:
            if spread in above:
                raise refused_at(ValidationFailed("A fragment spreads itself."), fragments[spread])
            if spread not in order:
                waiting.append(spread)


def spreads(root: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """
    The names of the fragments that are spread below `root`.

    Raises:
        OperationRefused: one of them is not there.
    """
    names = set()
    for selection, _ in selections(root):
        if isinstance(selection, FragmentSpreadNode):
            if selection.name.value not in fragments:
                raise refused_at(ValidationFailed("A fragment that is spread here is not in the document."), selection)
            names.add(selection.name.value)
    return names
