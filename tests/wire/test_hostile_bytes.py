"""Whatever bytes come, the parsers at the door take them or refuse them in their own words."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatepass.domain import refresh_token
from gatepass.domain.errors import InvalidRefreshToken, Refused, Unauthenticated
from gatepass.graphql.classification import classify
from gatepass.graphql.document import read_document
from gatepass.graphql.limits import DocumentLimits
from gatepass.graphql.literals import lift
from gatepass.graphql.refusal import OperationRefused
from gatepass.http.asgi import Message
from gatepass.http.bearer import bearer_token
from gatepass.http.body import BodyLimits
from gatepass.http.messages import Request
from gatepass.http.refusals import BadRequest
from gatepass.oauth.form import read_form

TOKENISH = st.text(st.sampled_from("abcXYZ019._~+/=-:, \t\"'<>{}$"), max_size=60)
HEADER = st.one_of(
    st.binary(max_size=80),
    TOKENISH.map(str.encode),
    TOKENISH.map(lambda text: b"Bearer " + text.encode()),
)
GRAPHQL = st.lists(
    st.sampled_from(
        ["{", "}", "(", ")", "mutation", "query", "signIn", "a", ":", '"x"', '"""y"""', "$v", "@skip", "...", "on",
         "#c\n",
         "fragment", "F", "[", "]", "!", "=", "1", "null", "\ufeff", "\u2028", "&", "|", "\\", '"', "subscription"]
    ),
    max_size=30,
).map(" ".join)  # fmt: skip


def request(headers: list[tuple[bytes, bytes]], body: bytes = b"") -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}
    return Request(scope, receive, request_id="1", client="")


@given(HEADER, st.one_of(st.none(), HEADER))
def test_the_bearer_header(standard: bytes, british: bytes | None) -> None:
    headers = [(b"authorization", standard)] + ([(b"authorisation", british)] if british is not None else [])
    try:
        token = bearer_token(request(headers))
    except (Unauthenticated, BadRequest):
        return
    assert token is None or (token.isascii() and " " not in token and standard.strip().endswith(token.encode()))


@given(st.text(max_size=120) | st.from_regex(r"gpr_[A-Za-z0-9_-]{76}", fullmatch=True))
def test_the_refresh_token(text: str) -> None:
    try:
        token = refresh_token.parse(text)
    except InvalidRefreshToken:
        return
    assert len(text) == 80
    assert len(token.mac) == 32


@settings(max_examples=300)
@given(st.one_of(GRAPHQL, st.text(max_size=200)), st.one_of(st.none(), st.sampled_from(["F", "a", ""])))
def test_the_classifier(text: str, name: str | None) -> None:
    limits = DocumentLimits()
    try:
        found = classify(read_document(text, limits), name, limits)
    except (Refused, OperationRefused):
        return
    assert found.verb in ("query", "mutation", "subscription")


@settings(max_examples=300)
@example('["x""y"]')
@given(st.one_of(GRAPHQL, st.text(max_size=200)))
def test_the_lifting_of_literals(text: str) -> None:
    lifted = lift(text)
    if lifted is None:
        return
    again = lift(lifted.template)
    assert again is not None
    assert again.template == lifted.template, "a literal was left in it"
    assert '"""' not in lifted.template


@given(st.one_of(st.binary(max_size=200), TOKENISH.map(str.encode)))
def test_the_form(body: bytes) -> None:
    asked = request([(b"content-type", b"application/x-www-form-urlencoded")], body)
    limits = BodyLimits(1000, timedelta(seconds=1))

    async def read() -> list[str]:
        found = await read_form(asked, limits)
        return [value for name in found if (value := found.get(name)) is not None]

    try:
        values = asyncio.run(read())
    except Refused:
        return
    assert all(values)


@pytest.mark.parametrize("length", [10_000, 100_000])
def test_long_inputs_cost_no_more_than_their_length(length: int) -> None:
    """No pattern of ours goes back over what it has read."""
    for text in ("Bearer " + "a" * length, "Bearer " + "= " * length, "gpr_" + "A" * length, '"' * length):
        with pytest.raises((Unauthenticated, BadRequest)):
            bearer_token(request([(b"authorization", text.encode())]))
        with pytest.raises(InvalidRefreshToken):
            refresh_token.parse(text)
        lift(text)
