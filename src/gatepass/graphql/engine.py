"""graphql-core, as it is always called here: bounded, quiet, and told apart by what went wrong."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute,
    validate,
)
from graphql.execution.values import get_variable_values

from gatepass.domain.errors import BadUserInput, Refused, ValidationFailed
from gatepass.graphql.document import Definition
from gatepass.graphql.envelope import Envelope
from gatepass.graphql.limits import MAX_ERRORS
from gatepass.graphql.masking import masked_document, masked_value
from gatepass.graphql.refusal import OperationRefused, Problem, problem_of, refused_at

UNUSABLE_ARGUMENT: Final = "An argument has a value that cannot be used."


def _quiet(function: Any) -> dict[str, Any]:
    """Without suggestions where graphql-core can leave them out (from 3.2.13); elsewhere they are cut off later."""
    return {"hide_suggestions": True} if "hide_suggestions" in inspect.signature(function).parameters else {}


_QUIET_VALIDATE: Final = _quiet(validate)
_QUIET_EXECUTE: Final = _quiet(execute)
_QUIET_VARIABLES: Final = _quiet(get_variable_values)


def validated(schema: GraphQLSchema, definitions: tuple[Definition, ...]) -> DocumentNode:
    """
    These definitions as a valid document; costs between half a millisecond and a few dozen.

    Raises:
        OperationRefused: GRAPHQL_VALIDATION_FAILED, with the first few errors, none of which holds a value.
    """
    document = DocumentNode(definitions=definitions)
    errors = validate(schema, document, max_errors=MAX_ERRORS, **_QUIET_VALIDATE)
    if not errors:
        return document
    # A masked value can be wrong where the value was not, and two masked values agree where the values did not.
    places = [error.locations for error in errors if error.locations]
    masked = validate(schema, masked_document(document), **_QUIET_VALIDATE)
    problems = [problem_of(error) for error in masked if error.locations in places][:MAX_ERRORS]
    refusal = ValidationFailed(problems[0].message if problems else None)
    raise OperationRefused(refusal, problems or [Problem(refusal.message)])


def run(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, envelope: Envelope, context: Any
) -> Any:
    """
    The result of a valid document, or an awaitable of it: as `graphql.execute`.

    Raises:
        OperationRefused: the schema has no root type for this kind of operation.
    """
    if schema.get_root_type(operation.operation) is None:
        kind = operation.operation.value
        raise refused_at(ValidationFailed(f"The {kind} operation is not supported by the schema."), operation)
    return execute(
        schema,
        document,
        context_value=context,
        variable_values=dict(envelope.variables or {}),
        operation_name=operation.name.value if operation.name else None,
        **_QUIET_EXECUTE,
    )


def data_of(
    result: ExecutionResult, schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """
    The data of a result without errors.

    Every root field here is non-null, so an error anywhere leaves no data, and the first one says what happened.

    Raises:
        OperationRefused: variables that do not fit (BAD_USER_INPUT), or what a resolver refused, at its place.
        Exception: a fault of a resolver, as it was raised.
    """
    if result.errors:
        first = result.errors[0]
        if first.path is None:
            _refuse_variables(schema, operation, variables)
        _refuse_field(first)
    return cast(dict[str, Any], result.data)


def _refuse_field(error: GraphQLError) -> NoReturn:
    cause = error.original_error
    if cause is None:
        # graphql-core's own words about an argument could quote it.
        raise OperationRefused(BadUserInput(UNUSABLE_ARGUMENT), [problem_of(error, UNUSABLE_ARGUMENT)])
    if not isinstance(cause, Refused):
        raise cause
    raise OperationRefused(cause, [problem_of(error, cause.message)])


def _refuse_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> NoReturn:
    coerced = get_variable_values(
        schema,
        operation.variable_definitions or (),
        {name: masked_value(value) for name, value in variables.items()},
        max_errors=MAX_ERRORS,
        **_QUIET_VARIABLES,
    )
    problems = [problem_of(error) for error in coerced] if isinstance(coerced, list) else []
    refusal = BadUserInput(problems[0].message if problems else "A variable has a value that cannot be used.")
    raise OperationRefused(refusal, problems or [Problem(refusal.message)])
