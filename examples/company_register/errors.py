"""
How this API says no.

Resolvers raise a `GraphQLError` with an `extensions.code`. Anything else that is raised is our fault: the caller reads
`INTERNAL` and nothing about it, the log has the rest.
"""

import logging
from typing import Any

from graphql import GraphQLError

logger = logging.getLogger(__name__)

_INTERNAL: dict[str, Any] = {"message": "Internal error.", "extensions": {"code": "INTERNAL"}}
_TOO_DEEP: dict[str, Any] = {"message": "The request is nested too deeply.", "extensions": {"code": "BAD_USER_INPUT"}}


class Refused(Exception):
    """
    A request that is not executed.

    Args:
        status: HTTP status when the request itself was wrong; None for a wrong document in a good request, where the
            status depends on the response's media type.
        errors: the response's `errors`, never empty.
    """

    def __init__(self, status: int | None, errors: list[dict[str, Any]]) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors

    @classmethod
    def because(cls, status: int | None, code: str, message: str) -> "Refused":
        """Return a refusal with one error."""
        return cls(status, [{"message": message, "extensions": {"code": code}}])


def bad_user_input(message: str) -> GraphQLError:
    """Return the error for an argument that cannot be used."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def forbidden(message: str) -> GraphQLError:
    """Return the error for a caller who lacks a scope."""
    return GraphQLError(message, extensions={"code": "FORBIDDEN"})


def published(error: GraphQLError, *, code: str) -> dict[str, Any]:
    """Return what the caller may read about an error; `code` is used where the error brings none."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return {**error.formatted, "extensions": {"code": code, **(error.extensions or {})}}
    if isinstance(cause, RecursionError):
        return {**error.formatted, **_TOO_DEEP}
    return {**error.formatted, **internal(cause)}


def internal(cause: BaseException) -> dict[str, Any]:
    """Log a fault and return the error that hides it."""
    logger.error("unexpected error", exc_info=cause)
    return _INTERNAL
