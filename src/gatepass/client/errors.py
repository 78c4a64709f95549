"""
What the client raises on purpose.

    ClientError
    ├── SignInRequired      nothing (any more) to get a token with; `.command` mends it
    ├── GraphQLErrors       the server answered with errors
    │   └── SignInRefused   it refused a user and password
    ├── ServerUnreachable   no answer
    └── ProtocolError       an answer that is not GraphQL

Messages are for people and hold no password and no token.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

Error = TypeVar("Error", bound="ClientError")
GraphQLError = Mapping[str, Any]
"""An error as it came: `message`, and perhaps `path`, `locations`, `extensions`."""


class ClientError(Exception):
    """
    Root of everything the client raises on purpose.

    Attributes:
        code: what a program may ask for; the server's `extensions.code` where there is one.
        errors, data: of the answer, where there was one.
        request_id: the answer's `X-Request-Id`, for whoever runs the server.
    """

    code: str = "CLIENT_ERROR"
    errors: Sequence[GraphQLError] = ()
    data: Mapping[str, Any] | None = None
    request_id: str | None = None

    def again(self) -> Self:
        """A copy to raise in another thread: an exception that is raised twice mixes up two tracebacks."""
        return _remade(type(self), self.args, self.__dict__)

    def __reduce__(self) -> tuple[Any, ...]:
        """For pools of processes, which send errors as pickles: the constructors take more than the message."""
        return _remade, (type(self), self.args, self.__dict__)


class SignInRequired(ClientError):
    """There is no way (any more) to get an access token. `command` is what to run."""

    code = "SIGN_IN_REQUIRED"

    def __init__(self, message: str, *, url: str = "", profile: str | None = None) -> None:
        self.url = url
        words = ["gatepass", "login", *(("--profile", profile) if profile else ()), *((url,) if url else ())]
        self.command = shlex.join(words)
        super().__init__(f"{message} Sign in with: {self.command}")


class GraphQLErrors(ClientError):
    """The server answered with errors; `data` has what it gave nevertheless."""

    code = "GRAPHQL_ERRORS"

    def __init__(
        self,
        errors: Sequence[GraphQLError],
        data: Mapping[str, Any] | None = None,
        *,
        request_id: str | None = None,
        hint: str = "",
    ) -> None:
        self.errors, self.data, self.request_id = errors, data, request_id
        self.code = code_of(errors) or type(self).code
        super().__init__(" ".join(part for part in (_said(errors), hint) if part))


class SignInRefused(GraphQLErrors):
    """The server refused the user or the password. Asking again with the same would be refused again."""

    code = "SIGN_IN_REFUSED"


class ServerUnreachable(ClientError):
    """
    No answer came.

    `may_have_run` is false where the request certainly never reached the server, so that a mutation can be repeated.
    """

    code = "SERVER_UNREACHABLE"

    def __init__(self, message: str, *, may_have_run: bool = True) -> None:
        self.may_have_run = may_have_run
        super().__init__(message)


class ProtocolError(ClientError):
    """An answer came that is not what the protocol says; `status` is its HTTP status, 0 outside HTTP."""

    code = "PROTOCOL_ERROR"

    def __init__(self, message: str, *, status: int = 0, request_id: str | None = None) -> None:
        self.status, self.request_id = status, request_id
        super().__init__(message)


def _remade(kind: type[Error], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> Error:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


def code_of(errors: Sequence[GraphQLError]) -> str | None:
    """The first error's `extensions.code`, where there is one."""
    extensions = errors[0].get("extensions") if errors else None
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    return str(code) if code else None


def _said(errors: Sequence[GraphQLError]) -> str:
    if not errors:
        return "The server answered with an empty list of errors."
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0].get('message') or 'The server gave an error without a message.'}{more}"
