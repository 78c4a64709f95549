"""Refusals of the transport: the request never became an operation. Each has one HTTP status for every media type."""

from __future__ import annotations

from gatepass.domain.errors import BadUserInput, Overloaded, RequestTooLarge


class BadRequest(BadUserInput):
    """400: the request cannot be understood, or says two things at once."""

    status = 400


class NotFound(BadUserInput):
    """404."""

    status = 404


class MethodNotAllowed(BadUserInput):
    """405. `allow` becomes the Allow header (RFC 9110 §15.5.6)."""

    status = 405

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class NotAcceptable(BadUserInput):
    """406: no media type in Accept that we can answer with."""

    status = 406


class RequestTimeout(BadUserInput):
    """408: the client did not send its request in time."""

    status = 408


class UnsupportedMediaType(BadUserInput):
    """415: a body that is not JSON, or is encoded."""

    status = 415


class BodyTooLarge(RequestTooLarge):
    """413."""

    status = 413


class UriTooLong(RequestTooLarge):
    """414."""

    status = 414


class HeadersTooLarge(RequestTooLarge):
    """431."""

    status = 431


class TooManyRequests(Overloaded):
    """503: a client has too many requests under way."""

    status = 503
    default_message = "This client has too many requests under way. Wait for their answers and try again."


class BodiesTooLarge(Overloaded):
    """503: all bodies that are arriving are too large together."""

    status = 503
    default_message = "The server is receiving more than it can hold. Wait and try again."
