"""Answers introspection, off the event loop, and remembers the answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from graphql import ExecutionResult, FieldNode, GraphQLSchema, OperationDefinitionNode, SelectionSetNode

from gatepass.domain.errors import Overloaded, RequestTooLarge
from gatepass.graphql import engine
from gatepass.graphql.document import Document, read_document
from gatepass.graphql.envelope import Envelope
from gatepass.graphql.limits import (
    MAX_INTROSPECTION_ALIASES,
    MAX_INTROSPECTION_LIST_ALIASES,
    MAX_INTROSPECTION_LISTS,
    MAX_INTROSPECTION_SELECTIONS,
    DocumentLimits,
)
from gatepass.graphql.lru import Lru
from gatepass.graphql.measures import aliased_fields, count_selections, count_tokens, depth, spread_order
from gatepass.graphql.ports import MergedSchema, SchemaSource

MAX_WAITING: Final = 64
_LISTS: Final = frozenset({"types", "fields", "inputFields", "interfaces", "possibleTypes"})
_REPEATING: Final = _LISTS | {"__schema", "args", "enumValues", "directives"}
_encode: Final = msgspec.json.Encoder().encode

AnswerKey = tuple[int, bytes]


class Introspection:
    """
    The sign-in schema for everybody, the merged schema for who may see it.

    One query runs at a time, in a thread; the others wait for it, and mostly find their answer there then. Answers
    without errors are kept by schema version and request, up to 64 MiB.
    """

    def __init__(self, sign_in_schema: GraphQLSchema, source: SchemaSource | None, limits: DocumentLimits) -> None:
        self._alone = MergedSchema(sign_in_schema, -1)
        self._source = source
        self._limits = limits
        self._answers: Lru[AnswerKey, bytes] = Lru(max_entries=1024, max_bytes=2**26)
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def answer(self, envelope: Envelope, *, merged: bool, memorable: bool) -> bytes:
        """
        The body of the answer to an introspection document.

        Args:
            merged: whether this caller may see the upstream's part.
            memorable: whether the document is free of secrets, so that its answer may be kept.

        Raises:
            RequestTooLarge: it asks for too much of the schema at once.
            OperationRefused: invalid.
            Overloaded: too many introspection queries wait.
        """
        schema = (self._source.current() if merged and self._source else None) or self._alone
        key = (schema.version, _digest(envelope))
        known = self._answers.get(key)
        return known if known is not None else await self._in_turn(key, schema.schema, envelope, memorable=memorable)

    async def _in_turn(self, key: AnswerKey, schema: GraphQLSchema, envelope: Envelope, *, memorable: bool) -> bytes:
        if self._waiting >= MAX_WAITING:
            raise Overloaded("Too many introspection queries wait. Try again.", retry_after_seconds=1)
        self._waiting += 1
        try:
            async with self._turn:
                known = self._answers.get(key)
                if known is None:
                    known = await asyncio.to_thread(self._run, schema, envelope)
                    if memorable:
                        self._answers.put(key, known, len(known) + 256)
                return known
        finally:
            self._waiting -= 1

    def _run(self, schema: GraphQLSchema, envelope: Envelope) -> bytes:
        document = read_document(envelope.query, self._limits)
        operation = document.operation(envelope.operation_name)
        check_introspection(document, operation, self._limits)
        valid = engine.validated(schema, document.alone(operation))
        result = engine.run(schema, valid, operation, envelope, None)
        if not isinstance(result, ExecutionResult):
            raise TypeError("introspection has no resolver that waits")
        return _encode({"data": engine.data_of(result, schema, operation, envelope.variables or {})})


def check_introspection(document: Document, operation: OperationDefinitionNode, limits: DocumentLimits) -> None:
    """
    Refuse documents whose answer could be many times the schema.

    Lists multiply where they nest, and aliases where fragments repeat them on each level.

    Raises:
        RequestTooLarge: the message says which limit.
    """
    alone = document.alone(operation)
    if count_tokens(alone) > limits.max_introspection_tokens:
        raise RequestTooLarge(f"An introspection query may have {limits.max_introspection_tokens} tokens, not more.")
    root = operation.selection_set
    lists, sizes = _within(document)
    if depth(root, lists, _is_list) > MAX_INTROSPECTION_LISTS:
        raise RequestTooLarge(
            "This introspection query nests lists of fields or types in each other: ask level by level."
        )
    if count_selections(root, sizes, MAX_INTROSPECTION_SELECTIONS) > MAX_INTROSPECTION_SELECTIONS:
        raise RequestTooLarge(
            f"An introspection query may select {MAX_INTROSPECTION_SELECTIONS} fields, fragments spread out, not more."
        )
    aliased = [field.name.value for definition in alone for field in aliased_fields(definition.selection_set)]
    if len(aliased) > MAX_INTROSPECTION_ALIASES:
        raise RequestTooLarge(f"An introspection query may have {MAX_INTROSPECTION_ALIASES} aliases, not more.")
    if sum(name in _REPEATING for name in aliased) > MAX_INTROSPECTION_LIST_ALIASES:
        raise RequestTooLarge(
            f"An introspection query may have {MAX_INTROSPECTION_LIST_ALIASES} aliased lists, not more."
        )


def _within(document: Document) -> tuple[Mapping[str, int], Mapping[str, int]]:
    lists: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for name in spread_order(document.fragments):
        inside: SelectionSetNode = document.fragments[name].selection_set
        lists[name] = depth(inside, lists, _is_list)
        sizes[name] = count_selections(inside, sizes, MAX_INTROSPECTION_SELECTIONS)
    return lists, sizes


def _is_list(field: FieldNode) -> int:
    return field.name.value in _LISTS


def _digest(envelope: Envelope) -> bytes:
    """Stands for the request without keeping it."""
    asked: list[Any] = [envelope.query, envelope.operation_name, envelope.variables]
    return hashlib.sha256(_encode(asked)).digest()
