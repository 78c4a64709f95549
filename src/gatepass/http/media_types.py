"""Content negotiation of GraphQL over HTTP: what comes in, and which of the two forms goes out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from gatepass.http.refusals import NotAcceptable, UnsupportedMediaType

MAX_HEADER_BYTES = 4096


class MediaType(Enum):
    """The media types of a GraphQL response, the IDE's page, and event streams."""

    JSON = b"application/json; charset=utf-8"
    GRAPHQL_RESPONSE = b"application/graphql-response+json; charset=utf-8"
    HTML = b"text/html"
    EVENT_STREAM = b"text/event-stream"


@dataclass(frozen=True, slots=True)
class _Range:
    name: str
    quality: float
    order: int


# Ties in quality go to the earlier in Accept, and within a wildcard to the earlier here: `*/*` means application/json
# (audit 47DE, and what scripts of this protocol expect).
_OFFERED = {
    "application/json": MediaType.JSON,
    "application/graphql-response+json": MediaType.GRAPHQL_RESPONSE,
    "text/event-stream": MediaType.EVENT_STREAM,
    "text/html": MediaType.HTML,
}


@lru_cache(maxsize=512)
def response_type(accept: bytes | None, *, html: bool = False, events: bool = True) -> MediaType:
    """
    The media type to answer with; no Accept means application/json.

    Args:
        accept: the header's value.
        html: whether a page may be the answer (GET).
        events: whether an event stream may be the answer.

    Raises:
        NotAcceptable: Accept names nothing that we can answer with.

    Source: RFC 9110 §12.5.1; GraphQL over HTTP (draft) §6.1.
    """
    if accept is None or not accept.strip():
        return MediaType.JSON
    best: tuple[float, int, int] | None = None
    chosen: MediaType | None = None
    ranges = _ranges(accept)
    for rank, (name, media) in enumerate(_OFFERED.items()):
        if (media is MediaType.HTML and not html) or (media is MediaType.EVENT_STREAM and not events):
            continue
        match = _most_specific(name, ranges)
        if match is None or match.quality <= 0:
            continue
        key = (match.quality, -match.order, -rank)
        if best is None or key > best:
            best, chosen = key, media
    if chosen is None:
        raise NotAcceptable(
            "The Accept header names no type that this endpoint answers with: "
            "use application/graphql-response+json, application/json or */*."
        )
    return chosen


def check_content(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """
    Take JSON in UTF-8, not compressed.

    Raises:
        UnsupportedMediaType: anything else; what to send instead is in the message.
    """
    is_usual = len(content_type or b"") + len(content_encoding or b"") <= MAX_HEADER_BYTES
    (_checked_usual if is_usual else _check_content)(content_type, content_encoding)


def _check_content(content_type: bytes | None, content_encoding: bytes | None) -> None:
    if content_encoding is not None and content_encoding.strip().lower() not in (b"", b"identity"):
        raise UnsupportedMediaType("Send the body without Content-Encoding: compressed requests are not accepted.")
    media, _, parameters = (content_type or b"").partition(b";")
    if media.strip().lower() == b"multipart/form-data":
        raise UnsupportedMediaType("Files are not taken here: send 'Content-Type: application/json' and a JSON body.")
    if media.strip().lower() != b"application/json":
        raise UnsupportedMediaType("Send the header 'Content-Type: application/json' and a JSON body.")
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip().lower() == b"charset" and value.strip().strip(b'"').lower() not in (b"utf-8", b"utf8"):
            raise UnsupportedMediaType("Send the body in UTF-8.")


# Bounded in bytes too: a caller's header may have as many as all headers together.
_checked_usual: Final = lru_cache(maxsize=512)(_check_content)


def _ranges(accept: bytes) -> list[_Range]:
    found = []
    for order, part in enumerate(accept[:MAX_HEADER_BYTES].decode("latin-1").lower().split(",")):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name:
            found.append(_Range(name, _quality(parameters), order))
    return found


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _most_specific(name: str, ranges: list[_Range]) -> _Range | None:
    kind = name.partition("/")[0]
    for pattern in (name, f"{kind}/*", "*/*"):
        for candidate in ranges:
            if candidate.name == pattern:
                return candidate
    return None


def wants_html(accept: bytes | None) -> bool:
    """Whether a page is the answer that this client likes best: a browser, and not a client that takes anything."""
    try:
        return response_type(accept, html=True) is MediaType.HTML
    except NotAcceptable:
        return False


def accepts_coding(accept_encoding: bytes | None, coding: bytes) -> bool:
    """
    Whether a client takes a body in this coding. It is optional, so `*` and a missing header count as no.

    Source: RFC 9110 §12.5.3.
    """
    name = coding.decode("ascii")
    return any(each.name == name and each.quality > 0 for each in _ranges(accept_encoding or b""))
