"""Content negotiation, and what bodies are taken."""

from __future__ import annotations

import pytest

from gatepass.http.media_types import MediaType, _checked_usual, check_content, response_type
from gatepass.http.refusals import NotAcceptable, UnsupportedMediaType

JSON, GRAPHQL, HTML, EVENTS = MediaType.JSON, MediaType.GRAPHQL_RESPONSE, MediaType.HTML, MediaType.EVENT_STREAM
BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        (b"", JSON),
        (b"*/*", JSON),
        (b"application/*;q=0.5", JSON),
        (b"APPLICATION/JSON", JSON),
        (b"application/graphql-response+json", GRAPHQL),
        (b"application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        (b"application/json;q=0.1, */*;q=0.2", GRAPHQL),
        (b"application/json; charset=utf-8, application/graphql-response+json", JSON),
        (b"text/event-stream, application/json;q=0.9", EVENTS),
        (BROWSER, JSON),
        (b"application/json;q=nonsense, application/graphql-response+json;q=0.1", GRAPHQL),
        (b",,application/json,", JSON),
    ],
)
def test_the_best_type_is_chosen(accept: bytes | None, chosen: MediaType) -> None:
    """By quality, then by order; the most specific range decides for each type. RFC 9110 §12.5.1."""
    assert response_type(accept) is chosen


def test_a_page_and_a_stream_are_chosen_only_where_they_can_be_given() -> None:
    """A browser's GET may be the IDE; our own answers are never streams."""
    assert response_type(BROWSER, html=True) is HTML
    assert response_type(b"text/event-stream, application/json;q=0.1", events=False) is JSON
    with pytest.raises(NotAcceptable):
        response_type(b"text/event-stream", events=False)


@pytest.mark.parametrize(
    "accept", [b"text/html", b"image/*", b"application/json;q=0", b"*/*;q=0", b"json", b"x" * 5000]
)
def test_nothing_acceptable_is_406(accept: bytes) -> None:
    """It says what there is."""
    with pytest.raises(NotAcceptable, match="application/json"):
        response_type(accept)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON ; charset=UTF-8",
        b'application/json; charset="utf-8"; profile=x',
        b"application/json;",
    ],
)
def test_json_in_utf_8_is_taken(content_type: bytes) -> None:
    """UTF-8 is assumed where nothing is said. GraphQL over HTTP §4.1."""
    check_content(content_type, None)
    check_content(content_type, b"identity")


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        (None, None),
        (b"", None),
        (b"text/plain", None),
        (b"application/x-www-form-urlencoded", None),
        (b"multipart/form-data; boundary=application/json", None),
        (b"application/jsonp", None),
        (b"application/json; charset=utf-16", None),
        (b"application/json", b"gzip"),
        (b"application/json", b"identity, gzip"),
    ],
)
def test_anything_else_is_415(content_type: bytes | None, encoding: bytes | None) -> None:
    """Forms among it, which a foreign page could send without asking. GraphQL over HTTP, Security."""
    with pytest.raises(UnsupportedMediaType):
        check_content(content_type, encoding)


def test_a_long_header_is_judged_alike_and_not_remembered() -> None:
    """Five hundred of 32 kB each, which anybody may send, were 16 MB in every process for good."""
    before = _checked_usual.cache_info().currsize
    for number in range(20):
        long = b"; a%d=" % number + b"b" * 30_000
        check_content(b"application/json" + long, None)
        with pytest.raises(UnsupportedMediaType):
            check_content(b"application/json" + long + b"; charset=latin1", None)
        with pytest.raises(UnsupportedMediaType):
            check_content(b"application/json", b"gzip" + long)
    assert _checked_usual.cache_info().currsize == before
