"""
Everything Gatepass refuses or fails at.

    GatepassError
    ├── Refused                  the caller may know: stable `code`, safe message that says how to mend it
    │   ├── InvalidCredentials       INVALID_CREDENTIALS
    │   ├── InvalidRefreshToken      INVALID_REFRESH_TOKEN
    │   ├── CodeRefused              BAD_USER_INPUT
    │   │   ├── CodeExpired
    │   │   └── CodeDenied
    │   ├── FlowUnavailable          FLOW_UNAVAILABLE
    │   ├── Unauthenticated          UNAUTHENTICATED
    │   │   └── UnknownSigningKey
    │   ├── Forbidden                FORBIDDEN
    │   ├── RateLimited              RATE_LIMITED
    │   ├── Overloaded               OVERLOADED
    │   ├── BadUserInput             BAD_USER_INPUT
    │   │   ├── ClientRefused
    │   │   ├── GrantRefused
    │   │   └── ScopeRefused
    │   ├── ParseFailed              GRAPHQL_PARSE_FAILED
    │   ├── ValidationFailed         GRAPHQL_VALIDATION_FAILED
    │   ├── RequestTooLarge          REQUEST_TOO_LARGE
    │   └── UpstreamUnavailable      UPSTREAM_UNAVAILABLE
    └── Fault                    ours: the caller reads "internal error" and a request id (INTERNAL)
        ├── StoreUnavailable
        ├── HashingFailed
        ├── AuditBroken
        └── KeyUnusable

Messages of `Refused` never hold a secret nor say which of several secret facts was wrong. Which status and
headers a code gets on HTTP stands in `gatepass.http.error_table`.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The stable `extensions.code` of an error on the wire."""

    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_REFRESH_TOKEN = "INVALID_REFRESH_TOKEN"  # noqa: S105 - an error code
    FLOW_UNAVAILABLE = "FLOW_UNAVAILABLE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    INTERNAL = "INTERNAL"


class GatepassError(Exception):
    """Root of everything Gatepass raises on purpose."""

    code: Code = Code.INTERNAL


class Refused(GatepassError):
    """The caller may know why: `message` is safe to show and says how to mend it."""

    default_message = "The request was refused."

    def __init__(self, message: str | None = None, *, retry_after_seconds: int | None = None) -> None:
        self.message = message if message is not None else self.default_message
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.message)


class InvalidCredentials(Refused):
    """Unknown, disabled, without a password, or the wrong password: the caller cannot tell which."""

    code = Code.INVALID_CREDENTIALS
    default_message = "The e-mail address or the password is wrong."


class InvalidRefreshToken(Refused):
    """Not ours, expired, revoked or spent: the caller cannot tell which."""

    code = Code.INVALID_REFRESH_TOKEN
    default_message = "The refresh token is not valid (any more). Sign in again with signIn."


class CodeRefused(Refused):
    """An authorization code, device code or user code that is not ours, not theirs, spent or too old."""

    code = Code.BAD_USER_INPUT
    default_message = "The code is not valid (any more)."


class CodeExpired(CodeRefused):
    """A device code that nobody answered in time."""

    default_message = "The code has expired. Start again on the device."


class CodeDenied(CodeRefused):
    """Somebody said no to what the device asked for."""

    default_message = "Somebody refused this device."


class FlowUnavailable(Refused):
    """`useManagementflow: false` where no external directory is configured."""

    code = Code.FLOW_UNAVAILABLE
    default_message = (
        "useManagementflow: false asks an external directory, and this server has none configured. "
        "Use useManagementflow: true."
    )


class Unauthenticated(Refused):
    """No usable bearer token. `presented` tells a missing one from a bad one (RFC 6750 §3.1)."""

    code = Code.UNAUTHENTICATED
    default_message = (
        "This operation needs an access token. Get one with the signIn mutation and send it as the header "
        "'Authorization: Bearer <accessToken>'."
    )

    def __init__(self, message: str | None = None, *, presented: bool = False) -> None:
        super().__init__(message)
        self.presented = presented


class UnknownSigningKey(Unauthenticated):
    """
    The token names a key that is not known here, and may have come into use a moment ago.

    `issuer` is whose key that would be; None: this server's own.
    """

    def __init__(self, message: str, *, issuer: str | None = None) -> None:
        super().__init__(message, presented=True)
        self.issuer = issuer


class Forbidden(Refused):
    """Known, and not allowed."""

    code = Code.FORBIDDEN
    default_message = "This account is not allowed to do that."


class RateLimited(Refused):
    """Too many attempts; `retry_after_seconds` says when to come back."""

    code = Code.RATE_LIMITED
    default_message = "Too many attempts. Wait and try again."


class Overloaded(Refused):
    """More work than can be done in time; `retry_after_seconds` says when to come back."""

    code = Code.OVERLOADED
    default_message = "The server has more sign-ins than it can check right now. Wait and try again."


class BadUserInput(Refused):
    """A value or a request form that cannot be used."""

    code = Code.BAD_USER_INPUT
    default_message = "The request has a value that cannot be used."


class ClientRefused(BadUserInput):
    """Unknown, or not proven to be who it says: an OAuth client cannot tell which."""

    default_message = "The client is unknown, or what it proves itself with is wrong."


class GrantRefused(BadUserInput):
    """A client, known and proven, that was not registered for what it asks."""

    default_message = "This client was not registered for that."


class ScopeRefused(BadUserInput):
    """A scope that is none, or more than a client may have."""

    default_message = "The scope is more than this client may have."


class ParseFailed(Refused):
    """The document is not GraphQL."""

    code = Code.GRAPHQL_PARSE_FAILED
    default_message = "The query is not a valid GraphQL document."


class ValidationFailed(Refused):
    """The document does not fit the schema or the rules of this endpoint."""

    code = Code.GRAPHQL_VALIDATION_FAILED
    default_message = "The query does not fit the schema."


class RequestTooLarge(Refused):
    """Body, headers or document above a limit."""

    code = Code.REQUEST_TOO_LARGE
    default_message = "The request is too large."


class UpstreamUnavailable(Refused):
    """The API behind the gateway gave no usable answer in time."""

    code = Code.UPSTREAM_UNAVAILABLE
    default_message = "The API behind this gateway did not answer. Try again later."


class Fault(GatepassError):
    """Ours. The caller reads "internal error" and a request id; the log has the rest."""


class StoreUnavailable(Fault):
    """The store could not do it; nothing was written."""


class HashingFailed(Fault):
    """A hash worker died or gave no answer; the password was neither accepted nor refused."""


class AuditBroken(Fault):
    """The audit log is not the one that was sealed: entries were changed or removed, or the secret key is another."""


class KeyUnusable(Fault):
    """A key cannot be opened or used: wrong secret key, damaged row, or none there yet."""
