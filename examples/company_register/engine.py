"""Runs GraphQL documents. Knows nothing of HTTP; results are response maps, ready to be written as JSON."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from inspect import isawaitable
from typing import Any, TypeAlias, cast

from graphql import DocumentNode, ExecutionResult, GraphQLError, get_operation_ast, parse, validate
from graphql import execute_sync as graphql_execute
from graphql import subscribe as graphql_subscribe

from .errors import Refused, internal, published
from .limits import MAX_DOCUMENT_TOKENS
from .resolvers import Context, executable_schema

ResponseMap: TypeAlias = dict[str, Any]

_SCHEMA = executable_schema()
_PLANS_KEPT = 256
_ERRORS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that is valid and chosen; `kind` is query, mutation or subscription."""

    document: DocumentNode
    name: str | None
    kind: str
    variables: dict[str, Any] | None


def prepare(text: str, name: str | None, variables: dict[str, Any] | None) -> Operation:
    """
    Return the operation a request asks for.

    Raises:
        Refused: the document does not parse, is not valid, or does not say which of its operations is meant.
    """
    document, errors = _plan(text)
    if document is None:
        raise Refused(None, list(errors))
    chosen = get_operation_ast(document, name)
    if chosen is None:
        raise Refused.because(None, "BAD_USER_INPUT", "`operationName` must name one operation of the document.")
    return Operation(document, name, chosen.operation.value, variables)


def execute(operation: Operation, context: Context) -> ResponseMap:
    """Run a query or a mutation."""
    return _response_map(
        graphql_execute(
            _SCHEMA,
            operation.document,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.name,
        )
    )


async def subscribe(operation: Operation, context: Context) -> AsyncGenerator[ResponseMap, None]:
    """Run a subscription. Closing this generator closes the source of its events."""
    try:
        started = graphql_subscribe(
            _SCHEMA,
            operation.document,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.name,
        )
        result = await started if isawaitable(started) else started  # 3.2 always awaits, 3.3 only where it must
        if isinstance(result, ExecutionResult):
            yield _response_map(result)
            return
        async with aclosing(cast("AsyncGenerator[ExecutionResult, None]", result)) as results:
            async for each in results:
                yield _response_map(each)
    except Exception as error:  # the stream has begun: an error event is the only way left to say so
        yield {"errors": [internal(error)]}


@lru_cache(maxsize=_PLANS_KEPT)
def _plan(text: str) -> tuple[DocumentNode, tuple[()]] | tuple[None, tuple[dict[str, Any], ...]]:
    """Parse and validate, once per text: validation costs many times what execution does."""
    try:
        document = parse(text, max_tokens=MAX_DOCUMENT_TOKENS)
    except (GraphQLError, RecursionError) as error:
        return None, (published(_as_graphql_error(error), code="GRAPHQL_PARSE_FAILED"),)
    errors = validate(_SCHEMA, document, max_errors=_ERRORS_SHOWN)
    if errors:
        return None, tuple(published(error, code="GRAPHQL_VALIDATION_FAILED") for error in errors)
    return document, ()


def _as_graphql_error(error: GraphQLError | RecursionError) -> GraphQLError:
    return error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)


def _response_map(result: ExecutionResult) -> ResponseMap:
    """Return `data` and `errors`; without `data` when execution never began. Source: GraphQL specification §7.1."""
    if not result.errors:
        return {"data": result.data}
    errors = [published(error, code="BAD_USER_INPUT") for error in result.errors]
    began = result.data is not None or any(error.path for error in result.errors)
    return {"errors": errors, "data": result.data} if began else {"errors": errors}
