"""Writes the two kinds of answer: data, and errors with their status and headers."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gatepass.domain.errors import Refused
from gatepass.graphql.refusal import OperationRefused, Problem
from gatepass.http.asgi import Headers
from gatepass.http.error_table import TABLE, headers_of, status_of
from gatepass.http.media_types import MediaType
from gatepass.http.messages import NO_STORE, Request, Response
from gatepass.http.security_headers import NOT_A_PAGE

_VARY: Final = (b"vary", b"Accept")
_HEADERS: Final[dict[MediaType, Headers]] = {
    media: [(b"content-type", media.value), NO_STORE, NOT_A_PAGE, _VARY]
    for media in (MediaType.JSON, MediaType.GRAPHQL_RESPONSE)
}


def data_answer(body: bytes, media: MediaType, word: str) -> Response:
    """200 with a body that is `{"data": …}` already."""
    return Response(200, body, _HEADERS[media], operation=word)


def error_answer(error: Refused | OperationRefused, media: MediaType, request: Request, word: str) -> Response:
    """The status, headers and body that the error table has for a refusal."""
    if isinstance(error, OperationRefused):
        refusal, problems = error.refusal, error.problems
    else:
        refusal, problems = error, (Problem(error.message),)
    extensions = {"code": refusal.code, "requestId": request.id}
    body: dict[str, Any] = {"errors": [{**_plain(problem), "extensions": extensions} for problem in problems]}
    if TABLE[refusal.code].executed:
        body["data"] = None
    return Response(
        status_of(refusal, graphql_response=media is MediaType.GRAPHQL_RESPONSE),
        msgspec.json.encode(body),
        [*_HEADERS[media], *headers_of(refusal)],
        operation=word,
        code=refusal.code,
    )


def _plain(problem: Problem) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(problem)
    return plain
