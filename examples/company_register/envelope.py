"""Reads a GraphQL request out of an HTTP request. Source: GraphQL over HTTP, "Request"."""

from typing import Any

import msgspec
from starlette.requests import Request

from .errors import Refused
from .limits import MAX_BODY_BYTES


class Envelope(msgspec.Struct, frozen=True):
    """The parameters of a GraphQL request; unknown ones are ignored."""

    query: str
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    variables: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(Envelope).decode


async def read_envelope(request: Request) -> Envelope:
    """
    Return what a GET or POST request asks for.

    Raises:
        Refused: 400, 413 or 415, and why.
    """
    try:
        if request.method == "POST":
            return _decode(await _body(request))
        return msgspec.convert(_parameters(request), Envelope)
    except msgspec.ValidationError as error:
        raise Refused.because(400, "BAD_USER_INPUT", f"Not a GraphQL request: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused.because(400, "BAD_USER_INPUT", "The body or `variables` is not valid JSON.") from error


def _parameters(request: Request) -> dict[str, Any]:
    """Return the parameters of a GET request, of which `variables` is JSON."""
    parameters: dict[str, Any] = dict(request.query_params)
    if variables := parameters.pop("variables", None):
        parameters["variables"] = msgspec.json.decode(variables)
    return parameters


async def _body(request: Request) -> bytes:
    """Return the body of a POST request; only of type JSON, for browsers send other types across sites unasked."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused.because(415, "BAD_USER_INPUT", "POST needs the header `Content-Type: application/json`.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused.because(413, "REQUEST_TOO_LARGE", f"A request can have at most {MAX_BODY_BYTES} bytes.")
    return bytes(body)
